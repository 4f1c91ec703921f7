/*
 * What one context was given: its key, its S and its settings, changed in transactions
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "inputs.h"

#include "naf_id.h"
#include "uninitialized.h"

#include <openssl/crypto.h>
#include <string.h>

/* Life */

void inputs_init(struct inputs *inputs, const struct algorithm *algorithm)
{
    inputs->algorithm = algorithm;
    inputs->settings = (struct settings){.digest = DIGEST_SHA2_256, .mode = MODE_3GPP};
    octets_init(&inputs->key, inputs->key_embedded, sizeof(inputs->key_embedded));
    s_init(&inputs->s, &algorithm->layout);
}

void inputs_free(struct inputs *inputs)
{
    octets_free(&inputs->key);
    s_free(&inputs->s);
    OPENSSL_free(inputs->settings.properties);
}

bool inputs_copy(struct inputs *copy, const struct inputs *inputs)
{
    char *properties = NULL;

    inputs_init(copy, inputs->algorithm);
    if (!octets_reserve(&copy->key, inputs->key.length) || !s_copy(&copy->s, &inputs->s) ||
        (inputs->settings.properties != NULL &&
         (properties = OPENSSL_strdup(inputs->settings.properties)) == NULL)) {
        inputs_free(copy);
        inputs_init(copy, inputs->algorithm);
        return false;
    }
    octets_splice(&copy->key, 0, 0, inputs->key.data, inputs->key.length);
    copy->settings = inputs->settings;
    copy->settings.properties = properties;
    return true;
}

/* Begin: parameters are understood and checked, and nothing of them is applied yet */

struct inputs_tx {
    struct settings settings; /* as they will be; present: what is given now */
    struct value values[INPUT_COUNT];
    unsigned int parts; /* INPUT_BIT of the parts that are given, NAF_Id also by a half of it */
    struct place first; /* where S begins to be another */
    bool has_new_key;
    size_t list;                           /* octets of a repeated input, each one's L counted */
    unsigned char naf_id[AKMA_NAF_ID_MAX]; /* put together from its halves */
};

/* Say by which two names the input of the second one was given. */
static bool raise_repeated(const struct algorithm *algorithm, const OSSL_PARAM *first,
                           const OSSL_PARAM *second, const struct errors *errors)
{
    const struct param *param = algorithm_param(algorithm, second->key);

    while (algorithm_param(algorithm, first->key) != param)
        first++;
    if (strcmp(first->key, second->key) == 0)
        RAISE(errors, REASON_REPEATED, "%s: given twice in one call; give it once", second->key);
    else
        RAISE(errors, REASON_REPEATED, "%s: given twice, as %s and as %s; give it once",
              param->names[0], first->key, second->key);
    return false;
}

/* The sum cannot wrap, on 32 bits either: it grows by little more than AKMA_P_MAX each time. */
static bool count_element(struct inputs_tx *tx, const OSSL_PARAM *given, size_t length,
                          const struct errors *errors)
{
    tx->list += length + L_SIZE;
    if (tx->list <= AKMA_P_LIST_MAX)
        return true;
    RAISE(errors, REASON_LENGTH,
          "%s: more than %d octets given in all, counting 2 for the length of each; give fewer or "
          "shorter ones",
          given->key, AKMA_P_LIST_MAX);
    return false;
}

static bool read_all(struct inputs_tx *tx, const struct algorithm *algorithm,
                     const OSSL_PARAM all[], const struct errors *errors)
{
    for (const OSSL_PARAM *given = all; given->key != NULL; given++) {
        const struct param *param = algorithm_param(algorithm, given->key);
        const bool repeated = param != NULL && (param->traits & REPEATED) != 0;
        struct value *value;

        if (param == NULL)
            continue;
        if (has_input(tx->settings.present, param->input) && !repeated)
            return raise_repeated(algorithm, all, given, errors);
        tx->settings.present |= INPUT_BIT(param->input);
        value = &tx->values[param->input];
        if (!params_read(param, given, value, &tx->settings, errors) ||
            (repeated && !count_element(tx, given, value->length, errors)))
            return false;
    }
    return true;
}

/*
 * True if this very key was set before: an application that gives all parameters each time then
 * keeps the keyed HMAC. The caller, who gives the keys, already knows the answer.
 */
static bool declassified_same_key(const struct octets *key, const struct value *value)
{
    volatile bool same = false; /* one branch here, and none behind it sees more than the answer */

    if (key->length == value->length && CRYPTO_memcmp(key->data, value->octets, value->length) == 0)
        same = true;
    return same;
}

static bool read_tx(struct inputs_tx *tx, const struct inputs *inputs, const OSSL_PARAM given[],
                    const struct errors *errors)
{
    const enum input key = inputs->algorithm->row->key;

    tx->settings = inputs->settings;
    tx->settings.present = 0;
    tx->list = 0;
    if (!read_all(tx, inputs->algorithm, given, errors))
        return false;
    tx->parts = tx->settings.present;
    if ((tx->settings.present & NAF_ID_HALVES) != 0) {
        if (!naf_id_join(tx->naf_id, tx->values, tx->settings.present, inputs, errors))
            return false;
        tx->parts |= INPUT_BIT(INPUT_NAF_ID);
    }
    tx->has_new_key = has_input(tx->settings.present, key) &&
                      !declassified_same_key(&inputs->key, &tx->values[key]);
    tx->first = s_find(&inputs->s, tx->parts);
    return true;
}

/* All the memory that applying them needs is reserved, and what they replace is saved */

static size_t tx_length(const struct inputs_tx *tx, enum input part)
{
    return (param_table[part].traits & REPEATED) != 0 ? tx->list : tx->values[part].length;
}

/* One part can grow before another shrinks, so only growth counts. */
static size_t growth(const struct s *s, const struct inputs_tx *tx)
{
    size_t sum = 0;

    for (struct place place = tx->first; s_at(s, &place) != INPUT_NONE; s_next(s, &place))
        if (has_input(tx->parts, s_at(s, &place))) {
            const size_t length = tx_length(tx, s_at(s, &place));

            sum += length > s->length[place.index] ? length - s->length[place.index] : 0;
        }
    return sum;
}

static bool save_key(struct inputs_undo *undo, const struct octets *key)
{
    octets_init(&undo->key, undo->key_embedded, sizeof(undo->key_embedded));
    if (!octets_reserve(&undo->key, key->length))
        return false;
    octets_splice(&undo->key, 0, 0, key->data, key->length);
    return true;
}

/* An empty context has nothing to save. */
static bool save_undo(struct inputs_undo *undo, const struct inputs *inputs,
                      const struct inputs_tx *tx)
{
    if (inputs->settings.present == 0) {
        undo->kind = UNDO_TO_EMPTY;
        return true;
    }
    if (!s_save(&inputs->s, &tx->first, &undo->s))
        return false;
    if (tx->has_new_key && !save_key(undo, &inputs->key)) {
        s_undo_free(&undo->s);
        return false;
    }
    undo->settings = inputs->settings;
    undo->kind = UNDO_SAVED;
    return true;
}

static bool reserve_tx(struct inputs *inputs, const struct inputs_tx *tx, struct inputs_undo *undo,
                       const struct errors *errors)
{
    const enum input key = inputs->algorithm->row->key;

    if ((!tx->has_new_key || octets_reserve(&inputs->key, tx->values[key].length)) &&
        s_reserve(&inputs->s, growth(&inputs->s, tx)) && save_undo(undo, inputs, tx))
        return true;
    RAISE(errors, REASON_MEMORY, "no memory for the parameters given");
    return false;
}

/* Applying: nothing can fail from here on */

static void apply_list(struct s *s, const struct place *place, const struct algorithm *algorithm,
                       const OSSL_PARAM all[])
{
    s_empty(s, place);
    for (const OSSL_PARAM *given = all; given->key != NULL; given++) {
        const struct param *param = algorithm_param(algorithm, given->key);
        const struct value element = {params_octets(given), given->data_size};

        if (param != NULL && param->input == s_at(s, place))
            s_add(s, place, &element);
    }
}

static void apply_parts(struct inputs *inputs, const struct inputs_tx *tx, const OSSL_PARAM given[])
{
    struct s *s = &inputs->s;

    for (struct place place = tx->first; s_at(s, &place) != INPUT_NONE; s_next(s, &place)) {
        const enum input part = s_at(s, &place);

        if (!has_input(tx->parts, part))
            continue;
        if ((param_table[part].traits & REPEATED) != 0)
            apply_list(s, &place, inputs->algorithm, given);
        else
            s_put(s, &place, &tx->values[part]);
    }
}

/* Which values that an HMAC depends on are others now. */
static unsigned int changes(const struct inputs *inputs, const struct inputs_tx *tx)
{
    const struct derivation *row = inputs->algorithm->row;
    unsigned int changed = tx->parts & INPUT_BIT(row->parts[0]);

    if (tx->has_new_key)
        changed |= INPUT_BIT(row->key);
    if (tx->settings.digest != inputs->settings.digest)
        changed |= INPUT_BIT(INPUT_DIGEST);
    if (has_input(tx->settings.present, INPUT_PROPERTIES))
        changed |= INPUT_BIT(INPUT_PROPERTIES);
    return changed;
}

static void apply_tx(struct inputs *inputs, const struct inputs_tx *tx, const OSSL_PARAM given[])
{
    const struct value *key = &tx->values[inputs->algorithm->row->key];
    const unsigned int before = inputs->settings.present;

    if (tx->has_new_key)
        octets_splice(&inputs->key, 0, inputs->key.length, key->octets, key->length);
    apply_parts(inputs, tx, given);
    inputs->settings = tx->settings;
    inputs->settings.present = naf_id_present(before, tx->settings.present);
}

bool inputs_begin(struct inputs *inputs, const OSSL_PARAM given[], struct inputs_undo *undo,
                  const struct errors *errors)
{
    UNINITIALIZED struct inputs_tx tx;

    undo->kind = UNDO_NOTHING;
    undo->changed = 0;
    if (given == NULL)
        return true;
    if (!read_tx(&tx, inputs, given, errors) || !reserve_tx(inputs, &tx, undo, errors)) {
        if (tx.settings.properties != inputs->settings.properties)
            OPENSSL_free(tx.settings.properties);
        return false;
    }
    undo->changed = changes(inputs, &tx);
    apply_tx(inputs, &tx, given);
    return true;
}

/* Commit and rollback */

static void free_undo(const struct inputs *inputs, struct inputs_undo *undo)
{
    if (has_input(undo->changed, inputs->algorithm->row->key))
        octets_free(&undo->key);
    s_undo_free(&undo->s);
}

void inputs_commit(struct inputs *inputs, struct inputs_undo *undo)
{
    if (undo->kind != UNDO_SAVED)
        return;
    if (undo->settings.properties != inputs->settings.properties)
        OPENSSL_free(undo->settings.properties);
    free_undo(inputs, undo);
}

void inputs_rollback(struct inputs *inputs, struct inputs_undo *undo)
{
    if (undo->kind == UNDO_TO_EMPTY) {
        inputs_free(inputs);
        inputs_init(inputs, inputs->algorithm);
    }
    if (undo->kind != UNDO_SAVED)
        return;
    if (undo->settings.properties != inputs->settings.properties)
        OPENSSL_free(inputs->settings.properties);
    inputs->settings = undo->settings;
    if (has_input(undo->changed, inputs->algorithm->row->key))
        octets_splice(&inputs->key, 0, inputs->key.length, undo->key.data, undo->key.length);
    s_rollback(&inputs->s, &undo->s);
    free_undo(inputs, undo);
}

/* Is all there? */

bool inputs_has(const struct inputs *inputs, enum input input)
{
    const unsigned int present = inputs->settings.present;

    return has_input(present, input) || (param_table[input].traits & OPTIONAL) != 0 ||
           (input == INPUT_NAF_ID && (present & NAF_ID_HALVES) == NAF_ID_HALVES);
}

bool inputs_complete(const struct inputs *inputs, const struct errors *errors)
{
    const unsigned int missing = inputs->algorithm->required & ~inputs->settings.present;
    enum input first = INPUT_NONE;

    if (missing != 0) {
        while (!has_input(missing, first))
            first++;
        RAISE(errors, REASON_MISSING, "%s: missing; set it before deriving",
              param_table[first].names[0]);
        return false;
    }
    return !inputs->algorithm->has_naf_id || inputs_has(inputs, INPUT_NAF_ID) ||
           naf_id_missing(inputs->settings.present, errors);
}
