/*
 * The contracts of what checks a form or looks for a name: it may find fault with any octets. What
 * each of them accepts is proved on its own, in naf/, text/ and digests/
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "forms.h"

#include "digests.h"
#include "key_form.h"
#include "modes.h"
#include "naf_syntax.h"
#include "proof.h"
#include "property_query.h"
#include "subscriber.h"
#include "utf8.h"

#include <openssl/params.h>

struct asked asked;

static const char *any_fault(const unsigned char *octets, size_t length)
{
    CLAIM(length == 0 || __CPROVER_r_ok(octets, length));
    return fails() ? "a fault" : NULL;
}

static const char *form_fault(enum form form, const unsigned char *octets, size_t length)
{
    asked = (struct asked){form, {octets, length}};
    return any_fault(octets, length);
}

const char *key_fault(const unsigned char *key, size_t length)
{
    return form_fault(FORM_KEY, key, length);
}

const char *supi_fault(const unsigned char *supi, size_t length)
{
    return form_fault(FORM_SUPI, supi, length);
}

const char *impi_fault(const unsigned char *impi, size_t length)
{
    return form_fault(FORM_IMPI, impi, length);
}

bool utf8_find_unseen(const unsigned char *text, size_t length, uint32_t *character)
{
    CLAIM(length == 0 || __CPROVER_r_ok(text, length));
    *character = 0xFEFF;
    return nondet_bool();
}

const char *naf_id_fault(const unsigned char *naf_id, size_t length)
{
    return form_fault(FORM_NAF_ID, naf_id, length);
}

const char *naf_fqdn_fault(const unsigned char *fqdn, size_t length)
{
    return form_fault(FORM_FQDN, fqdn, length);
}

const char *naf_ua_protocol_fault(const unsigned char *identifier, size_t length)
{
    return form_fault(FORM_UA_PROTOCOL, identifier, length);
}

const char *utf8_fault(const unsigned char *text, size_t length)
{
    return form_fault(FORM_TEXT, text, length);
}

const char *property_query_fault(const unsigned char *query, size_t length)
{
    return form_fault(FORM_QUERY, query, length);
}

size_t named; /* what a name stands for, if it is one: the harness says */

static bool is_name(const char *name, size_t length)
{
    return any_fault((const unsigned char *)name, length) == NULL;
}

bool digest_find(const char *name, size_t length, enum digest_id *id)
{
    const bool is_known = is_name(name, length);

    if (is_known)
        *id = (enum digest_id)named;
    return is_known;
}

bool mode_find(const char *name, size_t length, enum kdf_mode *mode)
{
    const bool is_known = is_name(name, length);

    if (is_known)
        *mode = (enum kdf_mode)named;
    return is_known;
}

int64_t integer; /* what an integer is: the harness says */

int OSSL_PARAM_get_int64(const OSSL_PARAM *given, int64_t *value)
{
    CLAIM(__CPROVER_r_ok(given->data, given->data_size));
    if (fails())
        return 0;
    *value = integer;
    return 1;
}
