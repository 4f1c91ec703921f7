/*
 * The inputs a context takes: how each one is read and checked
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "params.h"

#include "key_form.h"
#include "naf_syntax.h"
#include "property_query.h"
#include "subscriber.h"
#include "utf8.h"

#include <openssl/crypto.h>
#include <openssl/params.h>
#include <string.h>

/* Forms */

static const char *fc_fault(const unsigned char *fc, size_t length)
{
    if ((length == 1) != (fc[0] != 0xFF))
        return "must be one octet other than FF, or FF and one more (TS 33.220 B.2.0)";
    if (length == 2 && fc[1] == 0xE2)
        return "FFE2 belongs to AKMA-E2E and AKMA-KA; give another FC";
    return NULL;
}

/* Settings */

static bool refuse_name(const OSSL_PARAM *given, const struct value *value, const char *wanted,
                        const struct errors *errors)
{
    char shown[SHOWN_SIZE];

    RAISE(errors, REASON_VALUE, "%s: '%s' given; must be %s", given->key,
          errors_shown(shown, (const char *)value->octets, value->length), wanted);
    return false;
}

static bool set_digest(struct settings *settings, const OSSL_PARAM *given,
                       const struct value *value, const struct errors *errors)
{
    return digest_find((const char *)value->octets, value->length, &settings->digest) ||
           refuse_name(given, value, DIGEST_NAMES, errors);
}

static const char *digest_text(const struct settings *settings)
{
    return digests[settings->digest].name;
}

static bool set_mode(struct settings *settings, const OSSL_PARAM *given, const struct value *value,
                     const struct errors *errors)
{
    return mode_find((const char *)value->octets, value->length, &settings->mode) ||
           refuse_name(given, value, MODE_NAMES, errors);
}

static const char *mode_text(const struct settings *settings)
{
    return modes[settings->mode].name;
}

static bool set_not_after(struct settings *settings, const OSSL_PARAM *given,
                          const struct value *value, const struct errors *errors)
{
    const bool has_octets = given->data != NULL && given->data_size > 0;

    (void)value;
    if (!has_octets || !OSSL_PARAM_get_int64(given, &settings->not_after))
        RAISE(errors, REASON_VALUE, "%s: must be an integer of 64 bits; this one %s", given->key,
              has_octets ? "is out of its range" : "has no octets");
    else if (settings->not_after > AKMA_NOT_AFTER_MAX)
        RAISE(errors, REASON_VALUE,
              "%s: %lld given, after the year 9999; must be seconds since 1970 UTC, at most %lld "
              "(are these milliseconds?)",
              given->key, (long long)settings->not_after, AKMA_NOT_AFTER_MAX);
    else
        return true;
    return false;
}

static bool set_properties(struct settings *settings, const OSSL_PARAM *given,
                           const struct value *value, const struct errors *errors)
{
    settings->properties = NULL;
    if (value->length == 0)
        return true;
    settings->properties = OPENSSL_strndup((const char *)value->octets, value->length);
    if (settings->properties == NULL)
        RAISE(errors, REASON_MEMORY, "%s: no memory for %zu octets", given->key, value->length);
    return settings->properties != NULL;
}

static const struct setting digest_setting = {set_digest, digest_text};
static const struct setting mode_setting = {set_mode, mode_text};
static const struct setting not_after_setting = {set_not_after, NULL};
static const struct setting properties_setting = {set_properties, NULL};

#define OCTETS  OSSL_PARAM_OCTET_STRING
#define TEXT    OSSL_PARAM_UTF8_STRING
#define INTEGER OSSL_PARAM_INTEGER

const struct param param_table[INPUT_COUNT] = {
#define ROW(id, type, min, max, form, setting, traits, ...) \
    [INPUT_##id] = {INPUT_##id, type,    min,    max,       \
                    form,       setting, traits, (const char *const[]){__VA_ARGS__, NULL}},
    INPUTS(ROW)
#undef ROW
};

/* Reading */

/*
 * The one thing ever asked of a key's octets: do 64 of them look like hexadecimal text, where 32
 * octets are wanted? The answer tells the form of an argument that is refused, which its sender
 * knows.
 */
static bool declassified_is_hex_text(const unsigned char *octets, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (OPENSSL_hexchar2int(octets[i]) < 0)
            return false;
    return true;
}

static bool raise_length(const struct param *param, const OSSL_PARAM *given,
                         const struct value *value, const struct errors *errors)
{
    if (param->min == AKMA_KEY_LENGTH && param->max == AKMA_KEY_LENGTH &&
        value->length == 2 * (size_t)AKMA_KEY_LENGTH &&
        declassified_is_hex_text(value->octets, value->length))
        RAISE(errors, REASON_LENGTH,
              "%s: %zu octets given; must be exactly %zu; looks like hex text: give it as hex%s on "
              "the command line, or decode it",
              given->key, value->length, param->max, given->key);
    else if (param->min == param->max)
        RAISE(errors, REASON_LENGTH, "%s: %zu octets given; must be exactly %zu", given->key,
              value->length, param->max);
    else
        RAISE(errors, REASON_LENGTH, "%s: %zu octets given; must be %zu to %zu", given->key,
              value->length, param->min, param->max);
    return false;
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

/* True if the type given is one that stands for the type of the row. */
static bool is_of_type(const struct param *param, const OSSL_PARAM *given)
{
    switch (param->type) {
    case OSSL_PARAM_OCTET_STRING:
        return given->data_type == OSSL_PARAM_OCTET_STRING ||
               given->data_type == OSSL_PARAM_OCTET_PTR;
    case OSSL_PARAM_UTF8_STRING:
        return given->data_type == OSSL_PARAM_UTF8_STRING ||
               given->data_type == OSSL_PARAM_UTF8_PTR;
    default:
        return given->data_type == OSSL_PARAM_INTEGER ||
               given->data_type == OSSL_PARAM_UNSIGNED_INTEGER;
    }
}

const unsigned char *params_octets(const OSSL_PARAM *given)
{
    const bool pointer =
        given->data_type == OSSL_PARAM_OCTET_PTR || given->data_type == OSSL_PARAM_UTF8_PTR;

    return pointer && given->data != NULL ? *(const unsigned char *const *)given->data
                                          : given->data;
}

static struct value value_of(const OSSL_PARAM *given)
{
    struct value value = {params_octets(given), given->data_size};

    if (given->data_type == OSSL_PARAM_UTF8_PTR) /* as libcrypto reads it: up to its NUL */
        value.length = value.octets == NULL ? 0 : strlen((const char *)value.octets);
    return value;
}

/* A character of a text that cannot be shown is named by its code point. */
static bool raise_form(const struct param *param, const OSSL_PARAM *given,
                       const struct value *value, const char *fault, const struct errors *errors)
{
    uint32_t unseen;

    if (param->type == TEXT && utf8_find_unseen(value->octets, value->length, &unseen))
        RAISE(errors, REASON_VALUE, "%s: U+%04X: %s", given->key, (unsigned int)unseen, fault);
    else
        RAISE(errors, REASON_VALUE, "%s: %s", given->key, fault);
    return false;
}

static bool read_string(const struct param *param, const OSSL_PARAM *given, struct value *value,
                        const struct errors *errors)
{
    const char *fault = NULL;

    *value = value_of(given);
    if (value->octets == NULL && value->length > 0) {
        RAISE(errors, REASON_VALUE, "%s: no data (NULL) of %zu octets given; give the octets",
              given->key, value->length);
        return false;
    }
    if (value->length < param->min || value->length > param->max)
        return raise_length(param, given, value, errors);
    if (param->fault != NULL)
        fault = param->fault(value->octets, value->length);
    return fault == NULL || raise_form(param, given, value, fault, errors);
}

bool params_read(const struct param *param, const OSSL_PARAM *given, struct value *value,
                 struct settings *settings, const struct errors *errors)
{
    if (!is_of_type(param, given)) {
        RAISE(errors, REASON_TYPE, "%s: %s given; must be %s", given->key,
              type_name(given->data_type), type_name(param->type));
        return false;
    }
    if (param->type != INTEGER && !read_string(param, given, value, errors))
        return false;
    return param->setting == NULL || param->setting->set(settings, given, value, errors);
}
