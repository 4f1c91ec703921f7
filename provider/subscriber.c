/*
 * The forms of a subscriber's identities: SUPI and IMPI
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "subscriber.h"

#include "utf8.h"

#include <string.h>

#define IMSI_MIN 5 /* TS 23.003 2.2: MCC and MNC, at least */
#define IMSI_MAX 15

#define SUPI_WANTED "must be the 5 to 15 digits of an IMSI, or user@realm (TS 33.501 A.7.0)"
#define IMPI_WANTED "must be user@realm (TS 23.003 13.3)"
#define BLANK       "a blank in it; "

/* What a form is told by, in any case, and what is wrong if it comes first. */
struct prefix {
    const char *text, *fault;
};

/* The prefixes of the service based interfaces (TS 29.571); S has the value alone. */
static const struct prefix supi_prefixes[] = {
    {"imsi-", "leave out 'imsi-': the SUPI of an IMSI is its bare digits here (TS 33.501 A.7.0)"},
    {"nai-", "leave out 'nai-': the SUPI is only user@realm here (TS 33.501 A.7.0)"},
    {"gci-", "a GCI is given as its NAI, without 'gci-'; " SUPI_WANTED},
    {"gli-", "a GLI is given as its NAI, without 'gli-'; " SUPI_WANTED},
    {"suci-", "a SUCI is concealed and gives another key; " SUPI_WANTED},
    {"msisdn-", "a GPSI is no SUPI; " SUPI_WANTED},
    {"extid-", "a GPSI is no SUPI; " SUPI_WANTED},
    {"imei-", "a PEI names the equipment; " SUPI_WANTED},
    {"imeisv-", "a PEI names the equipment; " SUPI_WANTED},
    {NULL, NULL},
};

static const struct prefix impi_prefixes[] = {
    {"sip:", "leave out 'sip:', a URI is a public identity; " IMPI_WANTED},
    {"sips:", "leave out 'sips:', a URI is a public identity; " IMPI_WANTED},
    {"tel:", "a 'tel:' URI is a public identity; " IMPI_WANTED},
    {NULL, NULL},
};

static const char *prefix_fault(const unsigned char *text, size_t length,
                                const struct prefix *prefix)
{
    for (; prefix->text != NULL; prefix++) {
        const size_t size = strlen(prefix->text);

        if (length >= size && ascii_same(prefix->text, (const char *)text, size))
            return prefix->fault;
    }
    return NULL;
}

/* Something, one '@', and something more. */
static bool is_nai(const unsigned char *text, size_t length)
{
    const unsigned char *at = memchr(text, '@', length);
    const unsigned char *end = text + length;

    return at != NULL && at > text && at + 1 < end &&
           memchr(at + 1, '@', (size_t)(end - at) - 1) == NULL;
}

static bool is_digits(const unsigned char *text, size_t length)
{
    size_t digits = 0;

    while (digits < length && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    return digits == length;
}

const char *supi_fault(const unsigned char *supi, size_t length)
{
    const char *fault = utf8_fault(supi, length);

    if (fault == NULL && utf8_has_blank(supi, length))
        fault = BLANK SUPI_WANTED;
    if (fault == NULL)
        fault = prefix_fault(supi, length, supi_prefixes);
    if (fault != NULL || is_nai(supi, length))
        return fault;
    return is_digits(supi, length) && length >= IMSI_MIN && length <= IMSI_MAX ? NULL : SUPI_WANTED;
}

const char *impi_fault(const unsigned char *impi, size_t length)
{
    const char *fault = utf8_fault(impi, length);

    if (fault == NULL && utf8_has_blank(impi, length))
        fault = BLANK IMPI_WANTED;
    if (fault == NULL)
        fault = prefix_fault(impi, length, impi_prefixes);
    return fault != NULL || is_nai(impi, length) ? fault : IMPI_WANTED;
}
