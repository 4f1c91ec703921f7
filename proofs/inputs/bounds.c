/*
 * A parameter is read if and only if it has its type, as many octets as akma/kdf.h says, and its
 * form; which is asked for, of the very octets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "forms.h"
#include "proof.h"

#include <openssl/params.h>

#define OCTETS  OSSL_PARAM_OCTET_STRING
#define TEXT    OSSL_PARAM_UTF8_STRING
#define INTEGER OSSL_PARAM_INTEGER

#define LAST_TYPE (OSSL_PARAM_OCTET_PTR + 1) /* there is none of that number */
#define TEXT_MAX  3 /* octets of a text that its NUL ends, and of one that is copied */

static const struct row {
    enum input input;
    unsigned int type;
    size_t min, max; /* octets */
    enum form form;
} rows[] = {
    {INPUT_KS_NAF, OCTETS, 32, 32, FORM_KEY},
    {INPUT_KEY, OCTETS, 32, 32, FORM_KEY},
    {INPUT_ANY_KEY, OCTETS, 1, 2147483647, NO_FORM},
    {INPUT_KA, OCTETS, 16, 65535, FORM_KEY},
    {INPUT_NAF_ID, OCTETS, 6, 258, FORM_NAF_ID},
    {INPUT_NAF_FQDN, TEXT, 1, 253, FORM_FQDN},
    {INPUT_UA_PROTOCOL_ID, OCTETS, 5, 5, FORM_UA_PROTOCOL},
    {INPUT_REFRESH, OCTETS, 0, 255, NO_FORM},
    {INPUT_USAGE, TEXT, 0, 255, FORM_TEXT},
    {INPUT_RAND, OCTETS, 16, 16, NO_FORM},
    {INPUT_IMPI, TEXT, 1, 65535, FORM_IMPI},
    {INPUT_SUPI, TEXT, 1, 65535, FORM_SUPI},
    {INPUT_DEVICE, TEXT, 1, 255, FORM_TEXT},
    {INPUT_KA_ID, TEXT, 0, 255, FORM_TEXT},
    {INPUT_P, OCTETS, 0, 65535, NO_FORM},
    {INPUT_DIGEST, TEXT, 0, SIZE_MAX, FORM_TEXT},
    {INPUT_MODE, TEXT, 0, SIZE_MAX, FORM_TEXT},
    {INPUT_NOT_AFTER, INTEGER, 1, SIZE_MAX, NO_FORM},
    {INPUT_PROPERTIES, TEXT, 0, SIZE_MAX, FORM_QUERY},
};

static const struct errors errors;
extern int64_t integer; /* stubs/forms.c: what an integer is */

static bool is_pointer(unsigned int type)
{
    return type == OSSL_PARAM_OCTET_PTR || type == OSSL_PARAM_UTF8_PTR;
}

/* By value or by pointer, signed or not. */
static bool has_type(const struct row *row, unsigned int type)
{
    switch (row->type) {
    case OCTETS:
        return type == OCTETS || type == OSSL_PARAM_OCTET_PTR;
    case TEXT:
        return type == TEXT || type == OSSL_PARAM_UTF8_PTR;
    default:
        return type == INTEGER || type == OSSL_PARAM_UNSIGNED_INTEGER;
    }
}

/* A value of any length. What its octets are does not matter to the contracts. */
static struct value any_value(const struct row *row, unsigned int type)
{
    static const unsigned char octets[65535];
    static unsigned char text[TEXT_MAX + 1];
    struct value value = {octets, nondet_size()};

    if (type == OSSL_PARAM_UTF8_PTR) {
        value.octets = text;
        for (size_t i = 0; i < TEXT_MAX; i++)
            text[i] = i < value.length ? 'a' : '\0';
    }
    GIVEN(value.length <= (type == OSSL_PARAM_UTF8_PTR || row->input == INPUT_PROPERTIES ? TEXT_MAX
                           : row->max < SIZE_MAX                                         ? SIZE_MAX
                                                 : sizeof(octets)));
    return value;
}

static void claim_value(const struct row *row, const struct value *read, const struct value *value)
{
    CLAIM(read->octets == value->octets && read->length == value->length);
    CLAIM(asked.form == row->form);
    CLAIM(row->form == NO_FORM ||
          (asked.value.octets == value->octets && asked.value.length == value->length));
}

static void prove_read(const struct row *row, unsigned int type, bool has_octets,
                       size_t which_fails)
{
    struct value value = any_value(row, type), read = {NULL};
    const bool is_bare =
        type == OSSL_PARAM_UTF8_PTR && !has_octets; /* then nothing says how long */
    OSSL_PARAM given = {"a name", type, NULL, value.length, 0};
    struct settings settings = {0};
    bool is_read, fits;

    if (!has_octets)
        value.octets = NULL;
    if (is_bare)
        value.length = 0;
    given.data = is_pointer(type) ? (void *)&value.octets : (void *)value.octets;
    integer = nondet_int64();
    fits = has_type(row, type) && value.length >= row->min && value.length <= row->max &&
           (has_octets || value.length == 0) &&
           (row->input != INPUT_NOT_AFTER || integer <= 253402300799); /* the year 9999 */
    raised = 0;
    has_failed = false;
    failing = which_fails;
    asked = (struct asked){NO_FORM};
    is_read = params_read(&param_table[row->input], &given, &read, &settings, &errors);
    CLAIM(is_read == (fits && !has_failed));
    CLAIM(raised == !is_read);
    if (is_read && row->type != INTEGER)
        claim_value(row, &read, &value);
}

void prove(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (unsigned int type = 0; type <= LAST_TYPE; type++) {
            prove_read(&rows[i], type, true, 0);
            if (!has_type(&rows[i], type))
                continue;
            prove_read(&rows[i], type, false, 0);
            if (rows[i].form != NO_FORM)
                prove_read(&rows[i], type, true, 1);
        }
}
