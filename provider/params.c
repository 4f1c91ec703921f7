/*
 * The parameters a context takes: one table of name, type, bounds and form
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "params.h"

#include "naf.h"
#include "text.h"

#include <akma/kdf.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <string.h>

static const char *supi_fault(const unsigned char *supi, size_t length)
{
    static const char prefix[] = "imsi-";
    const size_t prefix_length = sizeof(prefix) - 1;
    size_t digits = 0;

    if (length <= prefix_length || memcmp(supi, prefix, prefix_length) != 0)
        return text_fault(supi, length);
    while (prefix_length + digits < length && supi[prefix_length + digits] >= '0' &&
           supi[prefix_length + digits] <= '9')
        digits++;
    return prefix_length + digits < length
               ? text_fault(supi, length)
               : "leave out 'imsi-': the SUPI of an IMSI is its bare digits here (TS 33.501 A.7.0)";
}

static const char *fc_fault(const unsigned char *fc, size_t length)
{
    if ((length == 1) != (fc[0] != 0xFF))
        return "one octet other than FF, or FF and one more, wanted (TS 33.220 B.2.0)";
    if (length == 2 && fc[1] == 0xE2)
        return "FFE2 belongs to AKMA-E2E, another FC wanted";
    return NULL;
}

#define OCTETS  OSSL_PARAM_OCTET_STRING
#define TEXT    OSSL_PARAM_UTF8_STRING
#define INTEGER OSSL_PARAM_INTEGER

const struct param params_table[] = {
    {AKMA_PARAM_KS_NAF, INPUT_KS_NAF, OCTETS, AKMA_KEY_LENGTH, AKMA_KEY_LENGTH, NULL},
    {AKMA_PARAM_KEY, INPUT_KS_NAF, OCTETS, AKMA_KEY_LENGTH, AKMA_KEY_LENGTH, NULL},
    {AKMA_PARAM_KEY, INPUT_KEY, OCTETS, AKMA_KEY_LENGTH, AKMA_KEY_LENGTH, NULL},
    {AKMA_PARAM_KEY, INPUT_ANY_KEY, OCTETS, 1, INT_MAX, NULL},
    {AKMA_PARAM_KA, INPUT_KA, OCTETS, AKMA_KA_MIN, AKMA_KA_MAX, NULL},
    {AKMA_PARAM_SECRET, INPUT_KA, OCTETS, AKMA_KA_MIN, AKMA_KA_MAX, NULL},
    {AKMA_PARAM_NAF_ID, INPUT_NAF_ID, OCTETS, AKMA_NAF_ID_MIN, AKMA_NAF_ID_MAX, naf_id_fault},
    {AKMA_PARAM_NAF_FQDN, INPUT_NAF_FQDN, TEXT, 1, AKMA_NAF_FQDN_MAX, naf_fqdn_fault},
    {AKMA_PARAM_UA_PROTOCOL_ID, INPUT_UA_PROTOCOL_ID, OCTETS, AKMA_UA_PROTOCOL_ID_LENGTH,
     AKMA_UA_PROTOCOL_ID_LENGTH, naf_ua_protocol_fault},
    {AKMA_PARAM_REFRESH, INPUT_REFRESH, OCTETS, 0, AKMA_REFRESH_MAX, NULL},
    {AKMA_PARAM_USAGE, INPUT_USAGE, TEXT, 0, AKMA_USAGE_MAX, text_fault},
    {AKMA_PARAM_RAND, INPUT_RAND, OCTETS, AKMA_RAND_LENGTH, AKMA_RAND_LENGTH, NULL},
    {AKMA_PARAM_IMPI, INPUT_IMPI, TEXT, 1, AKMA_P_MAX, text_fault},
    {AKMA_PARAM_SUPI, INPUT_SUPI, TEXT, 1, AKMA_P_MAX, supi_fault},
    {AKMA_PARAM_FC, INPUT_FC, OCTETS, 1, 2, fc_fault},
    {AKMA_PARAM_P, INPUT_P, OCTETS, 0, AKMA_P_MAX, NULL},
    {AKMA_PARAM_DIGEST, INPUT_DIGEST, TEXT, 0, SIZE_MAX, text_fault},
    {AKMA_PARAM_MODE, INPUT_MODE, TEXT, 0, SIZE_MAX, text_fault},
    {AKMA_PARAM_NOT_AFTER, INPUT_NOT_AFTER, INTEGER, 0, 0, NULL},
    {AKMA_PARAM_PROPERTIES, INPUT_PROPERTIES, TEXT, 0, SIZE_MAX, text_fault},
    {NULL, INPUT_NONE, 0, 0, 0, NULL},
};

const char *params_name(enum input input)
{
    const struct param *param = params_table;

    while (param->input != input)
        param++;
    return param->name;
}

/*
 * The one thing ever asked of a key's octets: do 64 of them look like hexadecimal text, where 32
 * octets are wanted? The answer is about the form of an argument that is refused, so it may be
 * told.
 */
static bool declassified_is_hex_text(const unsigned char *octets, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (OPENSSL_hexchar2int(octets[i]) < 0)
            return false;
    return true;
}

static void raise_length(const struct param *param, const struct value *value,
                         const struct errors *errors)
{
    if (param->min == AKMA_KEY_LENGTH && param->max == AKMA_KEY_LENGTH &&
        value->length == 2 * (size_t)AKMA_KEY_LENGTH &&
        declassified_is_hex_text(value->octets, value->length))
        RAISE(errors, REASON_LENGTH,
              "%s: %zu octets given, exactly %zu wanted; looks like hex text: give it as hex%s on "
              "the command line, or decode it",
              param->name, value->length, param->max, param->name);
    else if (param->min == param->max)
        RAISE(errors, REASON_LENGTH, "%s: %zu octets given, exactly %zu wanted", param->name,
              value->length, param->max);
    else
        RAISE(errors, REASON_LENGTH, "%s: %zu octets given, %zu to %zu wanted", param->name,
              value->length, param->min, param->max);
}

static const char *type_name(unsigned int type)
{
    switch (type) {
    case OSSL_PARAM_INTEGER:
    case OSSL_PARAM_UNSIGNED_INTEGER:
        return "an integer";
    case OSSL_PARAM_UTF8_STRING:
    case OSSL_PARAM_UTF8_PTR:
        return "a UTF-8 string";
    case OSSL_PARAM_OCTET_STRING:
    case OSSL_PARAM_OCTET_PTR:
        return "an octet string";
    default:
        return "another type";
    }
}

static bool raise_type(const struct param *param, const OSSL_PARAM *given,
                       const struct errors *errors)
{
    RAISE(errors, REASON_TYPE, "%s: %s given, %s wanted", param->name, type_name(given->data_type),
          type_name(param->type));
    return false;
}

const unsigned char *params_octets(const OSSL_PARAM *given)
{
    const bool pointer =
        given->data_type == OSSL_PARAM_OCTET_PTR || given->data_type == OSSL_PARAM_UTF8_PTR;

    return pointer && given->data != NULL ? *(const unsigned char *const *)given->data
                                          : given->data;
}

bool params_value(const struct param *param, const OSSL_PARAM *given, struct value *value,
                  const struct errors *errors)
{
    const unsigned int pointer_type =
        param->type == TEXT ? OSSL_PARAM_UTF8_PTR : OSSL_PARAM_OCTET_PTR;
    const char *fault = NULL;

    if (given->data_type != param->type && given->data_type != pointer_type)
        return raise_type(param, given, errors);
    value->octets = params_octets(given);
    value->length = given->data_size;
    if (given->data_type == OSSL_PARAM_UTF8_PTR) /* as libcrypto reads it: up to its NUL */
        value->length = value->octets == NULL ? 0 : strlen((const char *)value->octets);
    if (value->octets == NULL && value->length > 0) {
        RAISE(errors, REASON_VALUE, "%s: no data (NULL) of %zu octets given, octets wanted",
              param->name, value->length);
        return false;
    }
    if (value->length < param->min || value->length > param->max) {
        raise_length(param, value, errors);
        return false;
    }
    if (param->fault != NULL)
        fault = param->fault(value->octets, value->length);
    if (fault != NULL)
        RAISE(errors, REASON_VALUE, "%s: %s", param->name, fault);
    return fault == NULL;
}

bool params_integer(const struct param *param, const OSSL_PARAM *given, int64_t *value,
                    const struct errors *errors)
{
    if (given->data_type != OSSL_PARAM_INTEGER && given->data_type != OSSL_PARAM_UNSIGNED_INTEGER)
        return raise_type(param, given, errors);
    if (given->data != NULL && given->data_size > 0 && OSSL_PARAM_get_int64(given, value))
        return true;
    RAISE(errors, REASON_VALUE, "%s: an integer of 64 bits wanted, this one %s", param->name,
          given->data == NULL || given->data_size == 0 ? "has no octets" : "is out of its range");
    return false;
}
