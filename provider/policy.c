/*
 * Third-party policy: one table of keys, and every check against it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy.h"

#include "errors.h"
#include "patterns.h"
#include "text.h"

#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>

#define LIST_SHOWN 400 /* octets of a list in an error text; a longer one is cut */

enum key_id {
    ALLOWED_DIGESTS,
    ALLOWED_MODES,
    MIN_KA_LENGTH,
    MIN_REFRESH_LENGTH,
    REQUIRE_USAGE,
    REQUIRE_NOT_AFTER,
    ALLOWED_NAFS,
    ALLOWED_UA_PROTOCOLS,
    KEY_COUNT
};

/* What one key says. */
struct setting {
    char *text;    /* canonical; NULL: the key is not given */
    size_t number; /* names: a bit each; numbers: itself; booleans: 0 or 1 */
    struct pattern *patterns;
    size_t count;
};

struct policy {
    struct setting settings[KEY_COUNT];
    char *text;
    char fault[POLICY_REASON_SIZE]; /* empty: none */
};

/* Where and why a value cannot be understood. */
struct fault {
    const char *came;
    size_t length;
    const char *wanted;
};

struct key {
    const char *name;
    /* Understand value, not NULL; false with a fault, or without one when out of memory. */
    bool (*read)(const struct key *key, struct setting *setting, const char *value,
                 struct fault *fault);
    const char *wanted;
    size_t min, max;                              /* of a number */
    bool (*find)(const char *, size_t, size_t *); /* of a list of names: index of a name */
    const char *(*name_of)(size_t);               /* ... and name of an index, NULL: no more */
    pattern_read_fn *pattern;                     /* of a list of patterns */
};

static bool is_wrong(struct fault *fault, const char *came, size_t length, const char *wanted)
{
    *fault = (struct fault){came, length, wanted};
    return false;
}

/* Reading values */

static bool find_digest(const char *name, size_t length, size_t *index)
{
    enum digest_id id = DIGEST_COUNT;

    if (!digest_find(name, length, &id))
        return false;
    *index = id;
    return true;
}

static bool find_mode(const char *name, size_t length, size_t *index)
{
    enum kdf_mode mode = MODE_COUNT;

    if (!mode_find(name, length, &mode))
        return false;
    *index = mode;
    return true;
}

static const char *digest_name(size_t index)
{
    return index < DIGEST_COUNT ? digests[index].name : NULL;
}

static const char *mode_name(size_t index)
{
    return index < MODE_COUNT ? mode_names[index] : NULL;
}

/* The text of the names whose bits are set, in the order of their table; NULL: out of memory. */
static char *join_names(const struct key *key, size_t bits)
{
    char text[sizeof(DIGEST_NAMES)] = "";
    size_t length = 0;

    for (size_t i = 0; key->name_of(i) != NULL; i++)
        if ((bits & (size_t)1 << i) != 0)
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
                                       length > 0 ? ":" : "", key->name_of(i));
    return OPENSSL_strdup(text);
}

static bool read_names(const struct key *key, struct setting *setting, const char *value,
                       struct fault *fault)
{
    size_t index = 0;

    setting->number = 0;
    for (const char *name = value;; name++) {
        const size_t length = strcspn(name, ":");

        if (!key->find(name, length, &index))
            return is_wrong(fault, name, length, key->wanted);
        setting->number |= (size_t)1 << index;
        name += length;
        if (*name == '\0')
            break;
    }
    setting->text = join_names(key, setting->number);
    return setting->text != NULL;
}

static bool read_number(const struct key *key, struct setting *setting, const char *value,
                        struct fault *fault)
{
    const size_t length = strlen(value);
    size_t number = 0;

    for (size_t i = 0; i < length; i++) {
        number = number * 10 + (size_t)(value[i] - '0');
        if (value[i] < '0' || value[i] > '9' || number > key->max)
            return is_wrong(fault, value, length, key->wanted);
    }
    if (length == 0 || number < key->min)
        return is_wrong(fault, value, length, key->wanted);
    setting->number = number;
    setting->text = OPENSSL_malloc(length + 1);
    if (setting->text != NULL)
        (void)snprintf(setting->text, length + 1, "%zu", number);
    return setting->text != NULL;
}

static bool read_boolean(const struct key *key, struct setting *setting, const char *value,
                         struct fault *fault)
{
    static const struct {
        const char *name;
        bool value;
    } names[] = {{"yes", true},  {"no", false},    {"on", true}, {"off", false},
                 {"true", true}, {"false", false}, {"1", true},  {"0", false}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (text_is(names[i].name, value, strlen(value))) {
            setting->number = names[i].value;
            setting->text = OPENSSL_strdup(names[i].value ? "yes" : "no");
            return setting->text != NULL;
        }
    return is_wrong(fault, value, strlen(value), key->wanted);
}

static size_t count_elements(const char *list)
{
    size_t count = 1;

    for (; *list != '\0'; list++)
        count += *list == ':';
    return count;
}

static bool read_patterns(const struct key *key, struct setting *setting, const char *value,
                          struct fault *fault)
{
    const size_t count = count_elements(value);

    if (count > SIZE_MAX / sizeof(*setting->patterns))
        return false;
    setting->patterns = OPENSSL_zalloc(count * sizeof(*setting->patterns));
    setting->text = OPENSSL_strdup(value);
    if (setting->patterns == NULL || setting->text == NULL)
        return false;
    for (char *c = setting->text; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    for (const char *element = value;; element++) {
        const size_t length = strcspn(element, ":");
        const char *wrong = key->pattern(&setting->patterns[setting->count++], element, length);

        if (wrong != NULL)
            return is_wrong(fault, element, length, wrong);
        element += length;
        if (*element == '\0')
            return true;
    }
}

static const struct key keys[KEY_COUNT] = {
    [ALLOWED_DIGESTS] = {.name = "allowed-digests",
                         .read = read_names,
                         .find = find_digest,
                         .name_of = digest_name,
                         .wanted = DIGEST_NAMES " wanted, or several of them with a colon between"},
    [ALLOWED_MODES] = {.name = "allowed-modes",
                       .read = read_names,
                       .find = find_mode,
                       .name_of = mode_name,
                       .wanted = MODE_NAMES " wanted, or both with a colon between"},
    [MIN_KA_LENGTH] = {.name = "min-ka-length",
                       .read = read_number,
                       .min = AKMA_KA_MIN,
                       .max = AKMA_KA_MAX,
                       .wanted = "a number of octets from 16 to 65535 wanted"},
    [MIN_REFRESH_LENGTH] = {.name = "min-refresh-length",
                            .read = read_number,
                            .max = AKMA_REFRESH_MAX,
                            .wanted = "a number of octets from 0 to 255 wanted"},
    [REQUIRE_USAGE] = {.name = "require-usage",
                       .read = read_boolean,
                       .wanted = "yes, no, on, off, true, false, 1 or 0 wanted"},
    [REQUIRE_NOT_AFTER] = {.name = "require-not-after",
                           .read = read_boolean,
                           .wanted = "yes, no, on, off, true, false, 1 or 0 wanted"},
    [ALLOWED_NAFS] = {.name = "allowed-nafs", .read = read_patterns, .pattern = pattern_read_naf},
    [ALLOWED_UA_PROTOCOLS] = {.name = "allowed-ua-protocols",
                              .read = read_patterns,
                              .pattern = pattern_read_ua_protocol},
};

/* Life of a policy */

static void describe_fault(struct policy *policy, const char *name, const struct fault *fault)
{
    char shown[SHOWN_SIZE];

    (void)snprintf(policy->fault, sizeof(policy->fault), "policy: %s: '%s' given, %s", name,
                   errors_shown(shown, fault->came, fault->length), fault->wanted);
}

/* Understand every value given, up to the first that cannot be; false: out of memory. */
static bool read_values(struct policy *policy, const char *const values[KEY_COUNT])
{
    for (enum key_id id = 0; id < KEY_COUNT; id++) {
        struct fault fault = {0};

        if (values[id] == NULL ||
            keys[id].read(&keys[id], &policy->settings[id], values[id], &fault))
            continue;
        if (fault.wanted != NULL)
            describe_fault(policy, keys[id].name, &fault);
        return fault.wanted != NULL;
    }
    return true;
}

static bool write_text(struct policy *policy)
{
    size_t size = 1, length = 0;

    for (enum key_id id = 0; id < KEY_COUNT; id++)
        if (policy->settings[id].text != NULL)
            size += strlen(keys[id].name) + strlen(policy->settings[id].text) + sizeof(" = \n") - 1;
    policy->text = OPENSSL_zalloc(size);
    if (policy->text == NULL)
        return false;
    for (enum key_id id = 0; id < KEY_COUNT; id++)
        if (policy->settings[id].text != NULL)
            length +=
                (size_t)snprintf(policy->text + length, size - length, "%s%s = %s",
                                 length > 0 ? "\n" : "", keys[id].name, policy->settings[id].text);
    return true;
}

struct policy *policy_new(const OSSL_CORE_HANDLE *handle,
                          OSSL_FUNC_core_get_params_fn *core_get_params)
{
    struct policy *policy = OPENSSL_zalloc(sizeof(*policy));
    const char *values[KEY_COUNT] = {NULL};
    OSSL_PARAM params[KEY_COUNT + 1];

    for (enum key_id id = 0; id < KEY_COUNT; id++)
        params[id] =
            OSSL_PARAM_construct_utf8_ptr(keys[id].name, (char **)(uintptr_t)&values[id], 0);
    params[KEY_COUNT] = OSSL_PARAM_construct_end();
    if (policy != NULL && core_get_params(handle, params) && read_values(policy, values) &&
        write_text(policy))
        return policy;
    policy_free(policy);
    return NULL;
}

void policy_free(struct policy *policy)
{
    if (policy == NULL)
        return;
    for (enum key_id id = 0; id < KEY_COUNT; id++) {
        OPENSSL_free(policy->settings[id].text);
        OPENSSL_free(policy->settings[id].patterns);
    }
    OPENSSL_free(policy->text);
    OPENSSL_free(policy);
}

const char *policy_error(const struct policy *policy)
{
    return policy->fault[0] == '\0' ? NULL : policy->fault;
}

const char *policy_text(const struct policy *policy)
{
    return policy->fault[0] == '\0' ? policy->text : policy->fault;
}

bool policy_is_empty(const struct policy *policy)
{
    return policy->text[0] == '\0';
}

/* Checks */

static bool is_given(const struct policy *policy, enum key_id id)
{
    return policy->settings[id].text != NULL;
}

static bool refuse_unlisted(const struct policy *policy, enum key_id id, const char *came,
                            char reason[POLICY_REASON_SIZE])
{
    const char *list = policy->settings[id].text;

    (void)snprintf(reason, POLICY_REASON_SIZE, "policy: %s: %s came, allowed is %.*s%s",
                   keys[id].name, came, LIST_SHOWN, list, strlen(list) > LIST_SHOWN ? "..." : "");
    return false;
}

static bool permits_name(const struct policy *policy, enum key_id id, unsigned int index,
                         char reason[POLICY_REASON_SIZE])
{
    if (!is_given(policy, id) || (policy->settings[id].number >> index & 1) != 0)
        return true;
    return refuse_unlisted(policy, id, keys[id].name_of(index), reason);
}

static bool permits_length(const struct policy *policy, enum key_id id, size_t length,
                           const char *what, char reason[POLICY_REASON_SIZE])
{
    if (length >= policy->settings[id].number)
        return true;
    (void)snprintf(reason, POLICY_REASON_SIZE,
                   "policy: %s: %zu octets of %s came, at least %zu wanted", keys[id].name, length,
                   what, policy->settings[id].number);
    return false;
}

static bool permits_absence(const struct policy *policy, enum key_id id, bool is_there,
                            const char *wanted, char reason[POLICY_REASON_SIZE])
{
    if (is_there || policy->settings[id].number == 0)
        return true;
    (void)snprintf(reason, POLICY_REASON_SIZE, "policy: %s: %s", keys[id].name, wanted);
    return false;
}

bool policy_permits_e2e(const struct policy *policy, const struct policy_inputs *inputs,
                        char reason[POLICY_REASON_SIZE])
{
    return permits_name(policy, ALLOWED_DIGESTS, inputs->digest, reason) &&
           permits_name(policy, ALLOWED_MODES, inputs->mode, reason) &&
           permits_length(policy, MIN_KA_LENGTH, inputs->ka_length, "ka", reason) &&
           permits_length(policy, MIN_REFRESH_LENGTH, inputs->refresh_length, "refresh", reason) &&
           permits_absence(policy, REQUIRE_USAGE, inputs->usage_length > 0,
                           "no usage came, a label of what the key is for wanted", reason) &&
           permits_absence(policy, REQUIRE_NOT_AFTER, inputs->has_not_after,
                           "no not-after came, the end of life of the 3GPP key wanted (seconds "
                           "since 1970 UTC)",
                           reason);
}

static bool permits_fqdn(const struct policy *policy, const unsigned char *fqdn, size_t length,
                         char reason[POLICY_REASON_SIZE])
{
    const struct setting *nafs = &policy->settings[ALLOWED_NAFS];
    char came[AKMA_NAF_FQDN_MAX + 1];

    for (size_t i = 0; i < nafs->count; i++)
        if (pattern_matches_naf(&nafs->patterns[i], fqdn, length))
            return true;
    if (nafs->text == NULL)
        return true;
    memcpy(came, fqdn, length);
    came[length] = '\0';
    return refuse_unlisted(policy, ALLOWED_NAFS, came, reason);
}

static bool permits_ua_protocol(const struct policy *policy, const unsigned char *identifier,
                                char reason[POLICY_REASON_SIZE])
{
    const struct setting *protocols = &policy->settings[ALLOWED_UA_PROTOCOLS];
    char came[2 * AKMA_UA_PROTOCOL_ID_LENGTH + 1];

    for (size_t i = 0; i < protocols->count; i++)
        if (pattern_matches_ua_protocol(&protocols->patterns[i], identifier))
            return true;
    if (protocols->text == NULL)
        return true;
    for (size_t i = 0; i < AKMA_UA_PROTOCOL_ID_LENGTH; i++)
        (void)snprintf(came + 2 * i, 3, "%02x", identifier[i]);
    return refuse_unlisted(policy, ALLOWED_UA_PROTOCOLS, came, reason);
}

bool policy_permits_naf(const struct policy *policy, const unsigned char *naf_id, size_t length,
                        char reason[POLICY_REASON_SIZE])
{
    const size_t fqdn_length = length - AKMA_UA_PROTOCOL_ID_LENGTH;

    return permits_fqdn(policy, naf_id, fqdn_length, reason) &&
           permits_ua_protocol(policy, naf_id + fqdn_length, reason);
}
