/*
 * What an operator answers to the question for a key, and its errors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/key_answer.h"

#include "hex.h"
#include "utc.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define JSON    "application/json"
#define PROBLEM "application/problem+json" /* RFC 9457 */

/* How a member is read, into the place that its row names. */
typedef bool take_fn(void *place, json_t *value);

/* Not here at all: what nobody needs (gbaType, ussList, creation time, suppFeat). */
struct member {
    const char *name;
    enum {
        OPTIONAL,
        REQUIRED,
        REQUIRED_OR_NULL
    } presence; /* an optional one may be null as well */
    take_fn *take;
    size_t place; /* in struct reading */
    const char *wanted;
};

/* An answer as it is read: it can name the device in three ways. */
struct reading {
    struct key_answer answer;
    char names[KEY_NAMES][DEVICE_TEXT_MAX + 1];
};

int key_wanted_compare_owners(const struct key_wanted *one, const struct key_wanted *other)
{
    return one->system != other->system ? (int)one->system - (int)other->system
                                        : strcmp(one->identity, other->identity);
}

int key_wanted_compare(const struct key_wanted *one, const struct key_wanted *other)
{
    const int owners = key_wanted_compare_owners(one, other);

    return owners != 0
               ? owners
               : memcmp(one->ua_protocol_id, other->ua_protocol_id, sizeof(one->ua_protocol_id));
}

static bool take_key(void *place, json_t *value)
{
    struct given_key *key = place;

    key->given = json_is_string(value) && json_string_length(value) == (size_t)2 * KS_NAF_LENGTH &&
                 hex_decode(key->octets, json_string_value(value), (size_t)2 * KS_NAF_LENGTH);
    return key->given;
}

static bool take_time(void *place, json_t *value)
{
    return json_is_string(value) && utc_read(json_string_value(value), UTC_RFC_3339, place);
}

/* user@realm, and nothing else with an @ */
static bool is_at_realm(const char *text)
{
    const char *at = strchr(text, '@');

    return at != NULL && at > text && at[1] != '\0' && strchr(at + 1, '@') == NULL;
}

static bool is_number(const char *text)
{
    const size_t digits = strspn(text, "0123456789");

    return text[digits] == '\0' && digits >= 5 && digits <= 15;
}

/* Prefixes of a GPSI and a SUPI whose form is known (TS 29.571 5.3.2); others pass. */
static const struct {
    const char *prefix;
    bool (*is_good)(const char *text);
} forms[] = {
    {"msisdn-", is_number},
    {"imsi-", is_number},
    {"extid-", is_at_realm},
    {"nai-", is_at_realm},
};

/* A name chooses whose Ka is used: what cannot be one is not guessed at. */
static bool take_name(void *place, json_t *value)
{
    const char *text = json_string_value(value);
    const size_t length = json_string_length(value);

    if (text == NULL || length == 0 || length > DEVICE_TEXT_MAX || !row_is_text(text, length))
        return false;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strncmp(text, forms[i].prefix, strlen(forms[i].prefix)) == 0 &&
            !forms[i].is_good(text + strlen(forms[i].prefix)))
            return false;
    memcpy(place, text, length + 1);
    return true;
}

/* TS 23.003 13.3 */
static bool take_impi(void *place, json_t *value)
{
    return json_is_string(value) && is_at_realm(json_string_value(value)) &&
           take_name(place, value);
}

#define KEY_WANTED  "64 hex digits"
#define TIME_WANTED "a date-time of RFC 3339"
#define NAME_WANTED                                                                        \
    "a name of 1 to 255 octets without blanks and quotes; msisdn- and imsi- have 5 to 15 " \
    "digits, extid- and nai- user@realm"
#define IMPI_WANTED "user@realm of at most 255 octets, without blanks and quotes"
#define PLACE(name) offsetof(struct reading, name)

/* TS 29.522 5.14 and TS 29.535 6.1.6: AkmaAfKeyData */
static const struct member akma_members[] = {
    {"kaf", REQUIRED, take_key, PLACE(answer.ks_naf), KEY_WANTED},
    {"expiry", REQUIRED_OR_NULL, take_time, PLACE(answer.not_after), TIME_WANTED},
    {"gpsi", OPTIONAL, take_name, PLACE(names[KEY_NAME_GPSI]), NAME_WANTED},
    {"supi", OPTIONAL, take_name, PLACE(names[KEY_NAME_SUPI]), NAME_WANTED},
    {NULL, OPTIONAL, NULL, 0, NULL},
};

/* TS 29.309 5.2.6: BootstrappingInfoResponse */
static const struct member gba_members[] = {
    {"meKeyMaterial", REQUIRED, take_key, PLACE(answer.ks_naf), KEY_WANTED},
    {"uiccKeyMaterial", OPTIONAL, take_key, PLACE(answer.ks_int_naf), KEY_WANTED},
    {"keyExpiryTime", OPTIONAL, take_time, PLACE(answer.not_after), TIME_WANTED},
    {"impi", OPTIONAL, take_impi, PLACE(names[KEY_NAME_IMPI]), IMPI_WANTED},
    {NULL, OPTIONAL, NULL, 0, NULL},
};

static const struct member *const members_of[] = {
    [KEY_AKMA] = akma_members,
    [KEY_GBA] = gba_members,
};

static bool set_fault(char fault[KEY_ANSWER_FAULT_SIZE], const char *what, const char *wanted)
{
    (void)snprintf(fault, KEY_ANSWER_FAULT_SIZE, "%s: must be %s", what, wanted);
    return false;
}

/* TS 33.535 7.1.3: "K_AF ... or failure indication"; TS 29.309 has meKeyMaterial in every answer.
 */
static bool is_failure(enum key_system system, json_t *object)
{
    const json_t *key = json_object_get(object, akma_members[0].name);

    return system == KEY_AKMA && (key == NULL || json_is_null(key));
}

static bool is_name(const struct member *member)
{
    return member->take == take_name || member->take == take_impi;
}

static bool read_members(struct reading *reading, const struct member *member, enum key_name name,
                         json_t *object, char fault[KEY_ANSWER_FAULT_SIZE])
{
    for (; member->name != NULL; member++) {
        json_t *value = json_object_get(object, member->name);
        const bool is_there = value != NULL && !json_is_null(value);

        if (name == KEY_NAME_NONE && is_name(member))
            continue;
        if (!is_there && (member->presence == OPTIONAL ||
                          (member->presence == REQUIRED_OR_NULL && value != NULL)))
            continue;
        if (!is_there || !member->take((char *)reading + member->place, value))
            return set_fault(fault, member->name, member->wanted);
    }
    return true;
}

/* The permanent name of the device: the wanted one, or else the first that is there. */
static void name_device(struct reading *reading, enum key_name wanted)
{
    for (enum key_name name = KEY_NAME_GPSI; name < KEY_NAMES; name++)
        if (reading->names[name][0] != '\0' && (wanted == KEY_NAMES || name == wanted)) {
            memcpy(reading->answer.device, reading->names[name], strlen(reading->names[name]) + 1);
            return;
        }
}

bool key_answer_read(struct key_answer *answer, enum key_system system, enum key_name name,
                     const char *content_type, const char *body, size_t length,
                     char fault[KEY_ANSWER_FAULT_SIZE])
{
    struct reading reading = {.answer = {.not_after = KEY_ANSWER_NO_END}};
    json_t *object = NULL;
    bool done = false, failed;

    if (!key_answer_is(content_type, JSON)) {
        (void)set_fault(fault, "content type", JSON);
    } else {
        object = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);
        done = json_is_object(object)
                   ? read_members(&reading, members_of[system], name, object, fault)
                   : set_fault(fault, "body", "an object of JSON, no member twice,");
    }
    failed = !done && json_is_object(object) && is_failure(system, object);
    json_decref(object);
    if (done)
        name_device(&reading, name);
    else
        OPENSSL_cleanse(&reading, sizeof(reading));
    *answer = reading.answer;
    answer->is_failure = failed;
    OPENSSL_cleanse(&reading, sizeof(reading));
    return done;
}

bool key_answer_is(const char *content_type, const char *wanted)
{
    const size_t length = strlen(wanted);

    return content_type != NULL && strncasecmp(content_type, wanted, length) == 0 &&
           (content_type[length] == '\0' || strchr("; \t", content_type[length]) != NULL);
}

bool key_answer_has_cause(const char *content_type, const char *body, size_t length)
{
    json_t *object = key_answer_is(content_type, PROBLEM)
                         ? json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL)
                         : NULL;
    const bool has = json_string_length(json_object_get(object, "cause")) > 0;

    json_decref(object);
    return has;
}

static void add(char problem[KEY_ANSWER_PROBLEM_SIZE], json_t *object, const char *name)
{
    const size_t used = strlen(problem);
    json_t *value = json_object_get(object, name);

    if (json_is_string(value))
        (void)snprintf(problem + used, KEY_ANSWER_PROBLEM_SIZE - used, "%s%s: %s",
                       used == 0 ? "" : ", ", name, json_string_value(value));
    else if (json_is_integer(value))
        (void)snprintf(problem + used, KEY_ANSWER_PROBLEM_SIZE - used,
                       "%s%s: %" JSON_INTEGER_FORMAT, used == 0 ? "" : ", ", name,
                       json_integer_value(value));
}

void key_answer_problem(const char *content_type, const char *body, size_t length,
                        char problem[KEY_ANSWER_PROBLEM_SIZE])
{
    static const char *const names[] = {"status", "cause", "error", "detail", "error_description"};
    json_t *object = NULL;

    problem[0] = '\0';
    if (key_answer_is(content_type, PROBLEM) || key_answer_is(content_type, JSON))
        object = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        add(problem, object, names[i]);
    json_decref(object);
}
