/*
 * The keys of a policy: reading, writing and checking each kind of value
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy_keys.h"

#include "utf8.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define LIST_SHOWN 400 /* octets of a list in an error text; a longer one is cut */

static bool is_wrong(const struct policy_key *key, const char *given, size_t length,
                     const char *wanted, char fault[POLICY_REASON_SIZE])
{
    char shown[SHOWN_SIZE];

    (void)snprintf(fault, POLICY_REASON_SIZE, "policy: %s: '%s' given; %s", key->name,
                   errors_shown(shown, given, length), wanted);
    return false;
}

static bool refuse_unlisted(const struct policy_key *key, const struct policy_setting *setting,
                            const char *given, char reason[POLICY_REASON_SIZE])
{
    const char *list = setting->text;

    (void)snprintf(reason, POLICY_REASON_SIZE, "policy: %s: %s is not allowed; allowed: %.*s%s",
                   key->name, given, LIST_SHOWN, list, strlen(list) > LIST_SHOWN ? "..." : "");
    return false;
}

/* Lists of names, kept as one bit each */

struct policy_names {
    size_t count;
    const char *(*name)(size_t index);
    bool (*find)(const char *name, size_t length, size_t *index);
    size_t (*chosen)(const struct settings *settings);
};

static_assert(DIGEST_COUNT < 32 && MODE_COUNT < 32, "a list of names is the bits of a size_t");

static const char *digest_name(size_t index)
{
    return digests[index].name;
}

static bool find_digest(const char *name, size_t length, size_t *index)
{
    enum digest_id id = DIGEST_COUNT;
    const bool found = digest_find(name, length, &id);

    *index = id;
    return found;
}

static size_t chosen_digest(const struct settings *settings)
{
    return settings->digest;
}

static const struct policy_names digest_names = {DIGEST_COUNT, digest_name, find_digest,
                                                 chosen_digest};

static const char *mode_name(size_t index)
{
    return modes[index].name;
}

static bool find_mode(const char *name, size_t length, size_t *index)
{
    enum kdf_mode mode = MODE_COUNT;
    const bool found = mode_find(name, length, &mode);

    *index = mode;
    return found;
}

static size_t chosen_mode(const struct settings *settings)
{
    return settings->mode;
}

static const struct policy_names mode_names = {MODE_COUNT, mode_name, find_mode, chosen_mode};

static bool is_listed(const struct policy_setting *setting, size_t index)
{
    return (setting->number >> index & 1) != 0;
}

static bool read_names(const struct policy_key *key, struct policy_setting *setting,
                       const char *value, char fault[POLICY_REASON_SIZE])
{
    for (const char *name = value;; name++) {
        const size_t length = strcspn(name, ":");
        size_t index;

        if (!key->names->find(name, length, &index))
            return is_wrong(key, name, length, key->wanted, fault);
        setting->number |= (size_t)1 << index;
        name += length;
        if (*name == '\0')
            return true;
    }
}

/* In the order of their table. */
static char *write_names(const struct policy_key *key, const struct policy_setting *setting,
                         const char *value)
{
    size_t size = 1, length = 0;
    char *text;

    (void)value;
    for (size_t i = 0; i < key->names->count; i++)
        size += strlen(key->names->name(i)) + 1;
    text = OPENSSL_zalloc(size);
    for (size_t i = 0; text != NULL && i < key->names->count; i++)
        if (is_listed(setting, i))
            length += (size_t)snprintf(text + length, size - length, "%s%s", length > 0 ? ":" : "",
                                       key->names->name(i));
    return text;
}

static bool check_name(const struct policy_key *key, const struct policy_setting *setting,
                       const struct inputs *inputs, char reason[POLICY_REASON_SIZE])
{
    const size_t chosen = key->names->chosen(&inputs->settings);

    return is_listed(setting, chosen) ||
           refuse_unlisted(key, setting, key->names->name(chosen), reason);
}

/* Numbers: a least length */

static bool read_number(const struct policy_key *key, struct policy_setting *setting,
                        const char *value, char fault[POLICY_REASON_SIZE])
{
    const size_t length = strlen(value);
    bool is_number = length > 0;
    char wanted[100];

    for (size_t i = 0; is_number && i < length; i++) {
        is_number = value[i] >= '0' && value[i] <= '9';
        setting->number = setting->number * 10 + (size_t)(value[i] - '0');
        is_number = is_number && setting->number <= key->max;
    }
    if (is_number && setting->number >= key->min)
        return true;
    (void)snprintf(wanted, sizeof(wanted), "must be a number of octets from %zu to %zu", key->min,
                   key->max);
    return is_wrong(key, value, length, wanted, fault);
}

static char *write_number(const struct policy_key *key, const struct policy_setting *setting,
                          const char *value)
{
    char text[30];

    (void)key, (void)value;
    (void)snprintf(text, sizeof(text), "%zu", setting->number);
    return OPENSSL_strdup(text);
}

static bool check_length(const struct policy_key *key, const struct policy_setting *setting,
                         const struct inputs *inputs, char reason[POLICY_REASON_SIZE])
{
    const size_t length = s_part(&inputs->s, key->input).length;

    if (length >= setting->number)
        return true;
    (void)snprintf(reason, POLICY_REASON_SIZE,
                   "policy: %s: %zu octets of %s given; must be at least %zu", key->name, length,
                   param_table[key->input].names[0], setting->number);
    return false;
}

/* Booleans: an input has to be set */

static bool read_boolean(const struct policy_key *key, struct policy_setting *setting,
                         const char *value, char fault[POLICY_REASON_SIZE])
{
    static const struct {
        const char *name;
        bool value;
    } names[] = {{"yes", true},  {"no", false},    {"on", true}, {"off", false},
                 {"true", true}, {"false", false}, {"1", true},  {"0", false}};
    const size_t length = strlen(value);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (ascii_is(names[i].name, value, length)) {
            setting->number = names[i].value;
            return true;
        }
    return is_wrong(key, value, length, "must be yes, no, on, off, true, false, 1 or 0", fault);
}

static char *write_boolean(const struct policy_key *key, const struct policy_setting *setting,
                           const char *value)
{
    (void)key, (void)value;
    return OPENSSL_strdup(setting->number != 0 ? "yes" : "no");
}

/* A part of S is set if it is not empty. */
static bool check_is_set(const struct policy_key *key, const struct policy_setting *setting,
                         const struct inputs *inputs, char reason[POLICY_REASON_SIZE])
{
    const bool is_set = param_table[key->input].setting != NULL
                            ? has_input(inputs->settings.present, key->input)
                            : s_part(&inputs->s, key->input).length > 0;

    if (setting->number == 0 || is_set)
        return true;
    (void)snprintf(reason, POLICY_REASON_SIZE, "policy: %s: %s missing: %s", key->name,
                   param_table[key->input].names[0], key->wanted);
    return false;
}

/* Lists of patterns: what NAF_Id has to match */

struct policy_patterns {
    pattern_read_fn *read;
    bool (*matches)(const struct pattern *pattern, const struct value *naf_id);
    void (*show)(const struct value *naf_id, char shown[AKMA_NAF_ID_MAX]);
};

static bool matches_naf(const struct pattern *pattern, const struct value *naf_id)
{
    return pattern_matches_naf(pattern, naf_id->octets,
                               naf_id->length - AKMA_UA_PROTOCOL_ID_LENGTH);
}

static void show_naf(const struct value *naf_id, char shown[AKMA_NAF_ID_MAX])
{
    const size_t length = naf_id->length - AKMA_UA_PROTOCOL_ID_LENGTH;

    memcpy(shown, naf_id->octets, length);
    shown[length] = '\0';
}

static const struct policy_patterns naf_patterns = {pattern_read_naf, matches_naf, show_naf};

static const unsigned char *ua_protocol_of(const struct value *naf_id)
{
    return naf_id->octets + naf_id->length - AKMA_UA_PROTOCOL_ID_LENGTH;
}

static bool matches_ua_protocol(const struct pattern *pattern, const struct value *naf_id)
{
    return pattern_matches_ua_protocol(pattern, ua_protocol_of(naf_id));
}

static void show_ua_protocol(const struct value *naf_id, char shown[AKMA_NAF_ID_MAX])
{
    for (size_t i = 0; i < AKMA_UA_PROTOCOL_ID_LENGTH; i++)
        (void)snprintf(shown + 2 * i, 3, "%02x", ua_protocol_of(naf_id)[i]);
}

static const struct policy_patterns ua_protocol_patterns = {pattern_read_ua_protocol,
                                                            matches_ua_protocol, show_ua_protocol};

static size_t count_elements(const char *list)
{
    size_t count = 1;

    for (; *list != '\0'; list++)
        count += *list == ':';
    return count;
}

static bool read_patterns(const struct policy_key *key, struct policy_setting *setting,
                          const char *value, char fault[POLICY_REASON_SIZE])
{
    const size_t count = count_elements(value);

    if (count > SIZE_MAX / sizeof(*setting->patterns))
        return false;
    setting->patterns = OPENSSL_zalloc(count * sizeof(*setting->patterns));
    if (setting->patterns == NULL)
        return false;
    for (const char *element = value;; element++) {
        const size_t length = strcspn(element, ":");
        const char *wrong =
            key->patterns->read(&setting->patterns[setting->count++], element, length);

        if (wrong != NULL)
            return is_wrong(key, element, length, wrong, fault);
        element += length;
        if (*element == '\0')
            return true;
    }
}

static char *write_patterns(const struct policy_key *key, const struct policy_setting *setting,
                            const char *value)
{
    char *text = OPENSSL_strdup(value);

    (void)key, (void)setting;
    for (char *c = text; c != NULL && *c != '\0'; c++)
        *c = ascii_lower(*c);
    return text;
}

static bool check_patterns(const struct policy_key *key, const struct policy_setting *setting,
                           const struct inputs *inputs, char reason[POLICY_REASON_SIZE])
{
    const struct value naf_id = s_part(&inputs->s, INPUT_NAF_ID);
    char shown[AKMA_NAF_ID_MAX];

    for (size_t i = 0; i < setting->count; i++)
        if (key->patterns->matches(&setting->patterns[i], &naf_id))
            return true;
    key->patterns->show(&naf_id, shown);
    return refuse_unlisted(key, setting, shown, reason);
}

const struct policy_key policy_keys[POLICY_KEY_COUNT] = {
#define ROW(id, name, input, read, write, check, ...) \
    [POLICY_KEY_##id] = {name, input, read, write, check, __VA_ARGS__},
    POLICY_KEYS(ROW)
#undef ROW
};
