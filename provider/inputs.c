/*
 * The inputs of one context, kept in the form in which they are hashed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inputs.h"

#include <openssl/crypto.h>
#include <string.h>

/* Parameters read and checked, nothing of them taken yet. */
struct pending {
    unsigned int present;
    unsigned int parts; /* the same, with NAF_Id where a half of it is there */
    struct value values[INPUT_COUNT];
    enum digest_id digest;
    enum kdf_mode mode;
    int64_t not_after;
    char *properties;
    bool has_new_key;
    size_t first, offset; /* the first part that is there: index, and where it stands in S */
    size_t p_size;        /* octets of all p with their lengths */
    unsigned char naf_id[AKMA_NAF_ID_MAX]; /* put together from its halves */
};

static bool has(unsigned int present, enum input input)
{
    return (present & INPUT_BIT(input)) != 0;
}

static void append(struct octets *octets, const void *value, size_t length)
{
    octets_splice(octets, octets->length, 0, value, length);
}

static void append_counted(struct octets *octets, const void *value, size_t length)
{
    unsigned char l[L_SIZE];

    (void)write_l(l, length);
    append(octets, value, length);
    append(octets, l, sizeof(l));
}

void inputs_init(struct inputs *inputs, const struct algorithm *algorithm)
{
    inputs->algorithm = algorithm;
    inputs->settings = (struct settings){.digest = DIGEST_SHA2_256, .mode = MODE_3GPP};
    octets_init(&inputs->key, inputs->key_embedded, sizeof(inputs->key_embedded));
    octets_init(&inputs->s, inputs->s_embedded, sizeof(inputs->s_embedded));
    append(&inputs->s, algorithm->empty_s, algorithm->empty_length);
}

void inputs_free(struct inputs *inputs)
{
    octets_free(&inputs->key);
    octets_free(&inputs->s);
    OPENSSL_free(inputs->settings.properties);
}

bool inputs_copy(struct inputs *copy, const struct inputs *inputs)
{
    char *properties = NULL;

    inputs_init(copy, inputs->algorithm);
    if (!octets_reserve(&copy->key, inputs->key.length) ||
        !octets_reserve(&copy->s, inputs->s.length + S_TAIL) ||
        (inputs->settings.properties != NULL &&
         (properties = OPENSSL_strdup(inputs->settings.properties)) == NULL)) {
        inputs_free(copy);
        inputs_init(copy, inputs->algorithm);
        return false;
    }
    octets_splice(&copy->key, 0, copy->key.length, inputs->key.data, inputs->key.length);
    octets_splice(&copy->s, 0, copy->s.length, inputs->s.data, inputs->s.length);
    copy->settings = inputs->settings;
    copy->settings.properties = properties;
    return true;
}

/* Offset and index of a part in S; the derivation must have it. */
static size_t part_offset(const struct inputs *inputs, enum input part, size_t *index)
{
    const enum input *parts = inputs->algorithm->row->parts;
    size_t offset = inputs->algorithm->prefix;
    size_t i;

    for (i = 0; parts[i] != part; i++)
        offset += inputs->settings.length[i] + (part_has_l(parts[i]) ? L_SIZE : 0);
    *index = i;
    return offset;
}

struct value inputs_part(const struct inputs *inputs, enum input part)
{
    size_t index;
    size_t offset = part_offset(inputs, part, &index);

    return (struct value){inputs->s.data + offset, inputs->settings.length[index]};
}

static bool refuse_name(const char *name, const struct value *value, const char *wanted,
                        const struct errors *errors)
{
    char shown[SHOWN_SIZE];

    RAISE(errors, REASON_VALUE, "%s: '%s' given, %s wanted", name,
          errors_shown(shown, (const char *)value->octets, value->length), wanted);
    return false;
}

static bool read_properties(struct pending *pending, const struct value *value,
                            const struct errors *errors)
{
    pending->properties = OPENSSL_strndup((const char *)value->octets, value->length);
    if (pending->properties == NULL)
        RAISE(errors, REASON_MEMORY, "properties: no memory for %zu octets", value->length);
    return pending->properties != NULL;
}

static bool count_p(struct pending *pending, size_t length, const struct errors *errors)
{
    pending->p_size += length + L_SIZE;
    if (pending->p_size <= AKMA_P_LIST_MAX)
        return true;
    RAISE(errors, REASON_LENGTH,
          "p: more than %d octets given in all, 2 for the length of each p counted: give fewer or "
          "shorter ones",
          AKMA_P_LIST_MAX);
    return false;
}

/* Read and check one parameter of a known name. */
static bool read_param(struct pending *pending, const struct param *param, const OSSL_PARAM *given,
                       const struct errors *errors)
{
    struct value *value = &pending->values[param->input];

    pending->present |= INPUT_BIT(param->input);
    if (param->input == INPUT_NOT_AFTER)
        return params_integer(param, given, &pending->not_after, errors);
    if (!params_value(param, given, value, errors))
        return false;
    switch (param->input) {
    case INPUT_DIGEST:
        return digest_find((const char *)value->octets, value->length, &pending->digest) ||
               refuse_name(param->name, value, DIGEST_NAMES, errors);
    case INPUT_MODE:
        return mode_find((const char *)value->octets, value->length, &pending->mode) ||
               refuse_name(param->name, value, MODE_NAMES, errors);
    case INPUT_PROPERTIES:
        return value->length == 0 || read_properties(pending, value, errors);
    case INPUT_P:
        return count_p(pending, value->length, errors);
    default:
        return true;
    }
}

/* Say by which two names the input of the second one was given. */
static bool raise_repeated(const struct algorithm *algorithm, const OSSL_PARAM *first,
                           const struct param *second, const struct errors *errors)
{
    const struct param *param = algorithm_param(algorithm, first->key);

    while (param == NULL || param->input != second->input)
        param = algorithm_param(algorithm, (++first)->key);
    if (param == second)
        RAISE(errors, REASON_REPEATED, "%s: given twice in one call, once wanted", second->name);
    else
        RAISE(errors, REASON_REPEATED, "%s: given twice, as %s and as %s; once wanted",
              params_name(second->input), param->name, second->name);
    return false;
}

static bool read_params(struct pending *pending, const struct algorithm *algorithm,
                        const OSSL_PARAM params[], const struct errors *errors)
{
    for (const OSSL_PARAM *given = params; given->key != NULL; given++) {
        const struct param *param = algorithm_param(algorithm, given->key);

        if (param == NULL)
            continue;
        if (has(pending->present, param->input) && param->input != INPUT_P)
            return raise_repeated(algorithm, params, param, errors);
        if (!read_param(pending, param, given, errors))
            return false;
    }
    return true;
}

/*
 * Put NAF_Id together where halves of it were given: either half replaces its own kind, and drops a
 * NAF_Id that was given whole.
 */
static bool join_naf_id(const struct inputs *inputs, struct pending *pending,
                        const struct errors *errors)
{
    const struct value *fqdn = &pending->values[INPUT_NAF_FQDN];
    const struct value *ua = &pending->values[INPUT_UA_PROTOCOL_ID];
    struct value held, held_fqdn, held_ua;

    pending->parts = pending->present;
    if ((pending->present & NAF_ID_HALVES) == 0)
        return true;
    pending->parts |= INPUT_BIT(INPUT_NAF_ID);
    if (has(pending->present, INPUT_NAF_ID)) {
        RAISE(errors, REASON_CONFLICT,
              "naf-id: given together with %s, wanted is naf-id alone or the pair of naf-fqdn and "
              "ua-protocol-id",
              params_name(has(pending->present, INPUT_NAF_FQDN) ? INPUT_NAF_FQDN
                                                                : INPUT_UA_PROTOCOL_ID));
        return false;
    }
    held = inputs_part(inputs, INPUT_NAF_ID);
    held_ua.length =
        has(inputs->settings.present, INPUT_UA_PROTOCOL_ID) ? AKMA_UA_PROTOCOL_ID_LENGTH : 0;
    held_fqdn.length =
        has(inputs->settings.present, INPUT_NAF_FQDN) ? held.length - held_ua.length : 0;
    held_fqdn.octets = held.octets;
    held_ua.octets = held.octets + held_fqdn.length;
    if (!has(pending->present, INPUT_NAF_FQDN))
        fqdn = &held_fqdn;
    if (!has(pending->present, INPUT_UA_PROTOCOL_ID))
        ua = &held_ua;
    memcpy(pending->naf_id, fqdn->octets, fqdn->length);
    memcpy(pending->naf_id + fqdn->length, ua->octets, ua->length);
    pending->values[INPUT_NAF_ID] = (struct value){pending->naf_id, fqdn->length + ua->length};
    return true;
}

static bool reserve_octets(struct octets *octets, size_t capacity, const struct errors *errors)
{
    if (octets_reserve(octets, capacity))
        return true;
    RAISE(errors, REASON_MEMORY, "no memory for %zu octets of input", capacity);
    return false;
}

/* Get all the memory that taking the parameters needs. */
static bool reserve(struct inputs *inputs, const struct pending *pending,
                    const struct errors *errors)
{
    const struct derivation *row = inputs->algorithm->row;
    size_t key = has(pending->present, row->key) ? pending->values[row->key].length : 0;
    size_t s = inputs->s.length + S_TAIL;

    /* one part can grow before another shrinks, so only growth counts */
    for (size_t i = 0; row->parts[i] != INPUT_NONE; i++)
        if (has(pending->parts, row->parts[i])) {
            const size_t length =
                row->parts[i] == INPUT_P ? pending->p_size : pending->values[row->parts[i]].length;

            s += length > inputs->settings.length[i] ? length - inputs->settings.length[i] : 0;
        }
    return reserve_octets(&inputs->key, key, errors) && reserve_octets(&inputs->s, s, errors);
}

/*
 * Was this very key set before? An application that gives all parameters each time then keeps the
 * keyed HMAC. The answer is no secret to who gives the keys.
 */
static bool declassified_same_key(const struct octets *key, const struct value *value)
{
    return key->length == value->length &&
           CRYPTO_memcmp(key->data, value->octets, value->length) == 0;
}

static bool is_new_key(const struct inputs *inputs, const struct pending *pending)
{
    const enum input key = inputs->algorithm->row->key;

    return has(pending->present, key) &&
           !declassified_same_key(&inputs->key, &pending->values[key]);
}

static bool save(struct octets *saved, const unsigned char *octets, size_t length,
                 const struct errors *errors)
{
    if (!reserve_octets(saved, length, errors))
        return false;
    memcpy(saved->data, octets, length);
    saved->length = length;
    return true;
}

/* Find the first part that is given. */
static void find_first(struct pending *pending, const struct inputs *inputs)
{
    const enum input *parts = inputs->algorithm->row->parts;
    size_t i = 0;

    pending->offset = inputs->algorithm->prefix;
    for (; parts[i] != INPUT_NONE && !has(pending->parts, parts[i]); i++)
        pending->offset += inputs->settings.length[i] + (part_has_l(parts[i]) ? L_SIZE : 0);
    pending->first = i;
}

/* Save what will be replaced; of a context that was empty there is nothing. */
static bool save_replaced(struct replaced *replaced, const struct inputs *inputs,
                          const struct pending *pending, const struct errors *errors)
{
    replaced->settings.present = inputs->settings.present;
    if (inputs->settings.present == 0)
        return true;
    replaced->settings = inputs->settings;
    replaced->s_offset = pending->offset;
    replaced->is_public = pending->first >= inputs->algorithm->public_parts;
    octets_init(&replaced->s, replaced->s_embedded, sizeof(replaced->s_embedded));
    if (!save(&replaced->s, inputs->s.data + pending->offset, inputs->s.length - pending->offset,
              errors))
        return false;
    if (!pending->has_new_key)
        return true;
    octets_init(&replaced->key, replaced->key_embedded, sizeof(replaced->key_embedded));
    if (save(&replaced->key, inputs->key.data, inputs->key.length, errors))
        return true;
    octets_free(&replaced->s);
    return false;
}

/* A new list replaces the whole old one; it is the last part of S. */
static void take_p_list(struct inputs *inputs, size_t index, size_t offset,
                        const OSSL_PARAM params[], size_t size)
{
    octets_splice(&inputs->s, offset, inputs->settings.length[index], NULL, 0);
    for (const OSSL_PARAM *given = params; given->key != NULL; given++)
        if (strcmp(given->key, AKMA_PARAM_P) == 0)
            append_counted(&inputs->s, params_octets(given), given->data_size);
    inputs->settings.length[index] = size;
}

static void take_part(struct inputs *inputs, size_t index, size_t offset, bool counted,
                      const struct value *value)
{
    octets_splice(&inputs->s, offset, inputs->settings.length[index], value->octets, value->length);
    inputs->settings.length[index] = value->length;
    if (counted)
        (void)write_l(inputs->s.data + offset + value->length, value->length);
}

static void take_parts(struct inputs *inputs, const struct pending *pending,
                       const OSSL_PARAM params[])
{
    const enum input *parts = inputs->algorithm->row->parts;
    size_t offset = pending->offset;

    for (size_t i = pending->first; parts[i] != INPUT_NONE; i++) {
        const bool counted = part_has_l(parts[i]);

        if (has(pending->parts, parts[i])) {
            if (parts[i] == INPUT_P)
                take_p_list(inputs, i, offset, params, pending->p_size);
            else
                take_part(inputs, i, offset, counted, &pending->values[parts[i]]);
        }
        offset += inputs->settings.length[i] + (counted ? L_SIZE : 0);
    }
}

static void take_key(struct inputs *inputs, const struct pending *pending, unsigned int *changed)
{
    const enum input key = inputs->algorithm->row->key;
    const struct value *value = &pending->values[key];

    if (!pending->has_new_key)
        return;
    octets_splice(&inputs->key, 0, inputs->key.length, value->octets, value->length);
    *changed |= INPUT_BIT(key);
}

static void take_settings(struct inputs *inputs, struct pending *pending, unsigned int *changed)
{
    if (has(pending->present, INPUT_DIGEST) && pending->digest != inputs->settings.digest) {
        inputs->settings.digest = pending->digest;
        *changed |= INPUT_BIT(INPUT_DIGEST);
    }
    if (has(pending->present, INPUT_MODE))
        inputs->settings.mode = pending->mode;
    if (has(pending->present, INPUT_NOT_AFTER))
        inputs->settings.not_after = pending->not_after;
    if (has(pending->present, INPUT_PROPERTIES)) {
        inputs->settings.properties = pending->properties;
        *changed |= INPUT_BIT(INPUT_PROPERTIES);
    }
}

/* What is given after this set: a NAF_Id is there whole or by its halves. */
static unsigned int present_after(unsigned int before, unsigned int given)
{
    const unsigned int whole = INPUT_BIT(INPUT_NAF_ID);

    if ((given & whole) != 0)
        before &= ~NAF_ID_HALVES;
    if ((given & NAF_ID_HALVES) != 0)
        before &= ~whole;
    return before | given;
}

bool inputs_set(struct inputs *inputs, const OSSL_PARAM params[], struct replaced *replaced,
                const struct errors *errors)
{
    struct pending pending;

    pending.present = 0;
    pending.properties = NULL;
    pending.p_size = 0;
    replaced->anything = false;
    replaced->changed = 0;
    if (params == NULL)
        return true;
    if (!read_params(&pending, inputs->algorithm, params, errors) ||
        !join_naf_id(inputs, &pending, errors) || !reserve(inputs, &pending, errors))
        goto refuse;
    if (pending.present == 0)
        return true;
    pending.has_new_key = is_new_key(inputs, &pending);
    find_first(&pending, inputs);
    if (!save_replaced(replaced, inputs, &pending, errors))
        goto refuse;
    replaced->anything = true;
    take_key(inputs, &pending, &replaced->changed);
    take_parts(inputs, &pending, params);
    take_settings(inputs, &pending, &replaced->changed);
    replaced->changed |= pending.present & INPUT_BIT(INPUT_KA);
    inputs->settings.present = present_after(inputs->settings.present, pending.present);
    return true;

refuse:
    OPENSSL_free(pending.properties);
    return false;
}

static bool has_old_key(const struct inputs *inputs, const struct replaced *replaced)
{
    return (replaced->changed & INPUT_BIT(inputs->algorithm->row->key)) != 0;
}

/* Forget what was saved; what everybody may know need not be wiped. */
static void forget(const struct inputs *inputs, struct replaced *replaced)
{
    if (has_old_key(inputs, replaced))
        octets_free(&replaced->key);
    if (replaced->is_public)
        replaced->s.length = 0;
    octets_free(&replaced->s);
}

void inputs_keep(struct inputs *inputs, struct replaced *replaced)
{
    if (!replaced->anything || replaced->settings.present == 0)
        return;
    if (replaced->settings.properties != inputs->settings.properties)
        OPENSSL_free(replaced->settings.properties);
    forget(inputs, replaced);
}

void inputs_put_back(struct inputs *inputs, struct replaced *replaced)
{
    if (!replaced->anything)
        return;
    if (replaced->settings.present == 0) {
        inputs_free(inputs);
        inputs_init(inputs, inputs->algorithm);
        return;
    }
    if (replaced->settings.properties != inputs->settings.properties)
        OPENSSL_free(inputs->settings.properties);
    inputs->settings = replaced->settings;
    if (has_old_key(inputs, replaced))
        octets_splice(&inputs->key, 0, inputs->key.length, replaced->key.data,
                      replaced->key.length);
    octets_splice(&inputs->s, replaced->s_offset, inputs->s.length - replaced->s_offset,
                  replaced->s.data, replaced->s.length);
    forget(inputs, replaced);
}

static bool raise_missing(const char *missing, const char *wanted, const struct errors *errors)
{
    RAISE(errors, REASON_MISSING, "%s: missing, %s", missing, wanted);
    return false;
}

bool inputs_has_naf_id(const struct inputs *inputs)
{
    return has(inputs->settings.present, INPUT_NAF_ID) ||
           (inputs->settings.present & NAF_ID_HALVES) == NAF_ID_HALVES;
}

static bool raise_missing_naf_id(unsigned int present, const struct errors *errors)
{
    if (has(present, INPUT_NAF_FQDN))
        return raise_missing(AKMA_PARAM_UA_PROTOCOL_ID,
                             "naf-fqdn is given and needs its 5 octets beside it", errors);
    if (has(present, INPUT_UA_PROTOCOL_ID))
        return raise_missing(AKMA_PARAM_NAF_FQDN,
                             "ua-protocol-id is given and needs the FQDN beside it", errors);
    return raise_missing(AKMA_PARAM_NAF_ID,
                         "set it (or naf-fqdn and ua-protocol-id) before deriving", errors);
}

bool inputs_complete(const struct inputs *inputs, const struct errors *errors)
{
    const unsigned int missing = inputs->algorithm->required & ~inputs->settings.present;
    enum input first = INPUT_NONE;

    if (missing != 0) {
        while (!has(missing, first))
            first++;
        return raise_missing(params_name(first), "set it before deriving", errors);
    }
    if (inputs->algorithm->has_naf_id && !inputs_has_naf_id(inputs))
        return raise_missing_naf_id(inputs->settings.present, errors);
    return true;
}
