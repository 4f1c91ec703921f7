/*
 * The form of a NAF_Id (AF_ID): FQDN, then the Ua security protocol identifier
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "naf_syntax.h"

#include <akma/kdf.h>
#include <stdbool.h>

#define LABEL_MAX 63 /* RFC 1035 2.3.4 */

/* These two without branches: is_everyday_name() asks them of every octet of every NAF_Id. */
static unsigned int is_separator(unsigned char c)
{
    return (unsigned int)(c == '-') | (unsigned int)(c == '.');
}

static unsigned int is_host_name_octet(unsigned char c)
{
    return (unsigned int)((unsigned char)((c | 0x20) - 'a') < 26) |
           (unsigned int)((unsigned char)(c - '0') < 10) | is_separator(c);
}

/* Is the last label a number? Then this is an IPv4 address, and no name. */
static bool ends_in_number(const unsigned char *fqdn, size_t length)
{
    size_t i = length;

    while (i > 0 && (unsigned char)(fqdn[i - 1] - '0') < 10)
        i--;
    return i < length && (i == 0 || fqdn[i - 1] == '.');
}

/*
 * Most names hold host-name octets only, no two separators side by side and none at an end, and no
 * label too long: one loop, which compilers vectorise, tells. A name that it does not accept is
 * checked label by label.
 */
static bool is_everyday_name(const unsigned char *fqdn, size_t length)
{
    const unsigned char last = fqdn[length - 1];
    unsigned char bad =
        (unsigned char)(is_separator(fqdn[0]) | is_separator(last) | !is_host_name_octet(last));

    for (size_t i = 0; i + 1 < length; i++)
        bad |= (unsigned char)((unsigned int)!is_host_name_octet(fqdn[i]) |
                               (is_separator(fqdn[i]) & is_separator(fqdn[i + 1])));
    return bad == 0 && length <= LABEL_MAX && !ends_in_number(fqdn, length);
}

/* One label, without the dot behind it. */
static const char *label_fault(const unsigned char *label, size_t length)
{
    if (length == 0)
        return "an empty label, or a dot at the end; each label must have 1 to 63 octets";
    if (length > LABEL_MAX)
        return "a label is longer than 63 octets";
    if (label[0] == '-' || label[length - 1] == '-')
        return "a label starts or ends with a hyphen; use a letter or digit there";
    return NULL;
}

static const char *octet_fault(unsigned char c)
{
    if (c == ':' || c == '/')
        return "not host-name text: a URL, an IPv6 address, or a host and its port; give the "
               "host's name alone";
    return "not host-name text: only letters, digits, hyphens and dots are allowed (give an "
           "internationalised name in its A-label form)";
}

const char *naf_fqdn_fault(const unsigned char *fqdn, size_t length)
{
    size_t label = 0; /* where the label starts */
    const char *fault = NULL;

    if (length == 0 || length > AKMA_NAF_FQDN_MAX)
        return "the FQDN must have 1 to 253 octets";
    if (is_everyday_name(fqdn, length))
        return NULL;
    for (size_t i = 0; i < length && fault == NULL; i++) {
        if (fqdn[i] == '.') {
            fault = label_fault(fqdn + label, i - label);
            label = i + 1;
        } else if (!is_host_name_octet(fqdn[i])) {
            fault = octet_fault(fqdn[i]);
        }
    }
    if (fault == NULL)
        fault = label_fault(fqdn + label, length - label);
    if (fault == NULL && ends_in_number(fqdn, length))
        fault = "an IPv4 address, or a last label of digits alone; give the host's name";
    return fault;
}

const char *naf_ua_protocol_fault(const unsigned char *identifier, size_t length)
{
    if (length != AKMA_UA_PROTOCOL_ID_LENGTH)
        return "must be exactly 5 octets";
    if (is_host_name_octet(identifier[0]))
        return "starts with a host-name character: the Ua security protocol identifier is 5 octets "
               "such as 0100000007, not text";
    if (identifier[0] == 0)
        for (size_t i = 1; i < length; i++)
            if (identifier[i] != 0)
                return "starts with 00 and is not all zero; give 0000000000 (TS 33.220 H.2)";
    return NULL;
}

const char *naf_id_fault(const unsigned char *naf_id, size_t length)
{
    size_t fqdn_length;
    const char *fault;

    if (length < AKMA_NAF_ID_MIN || length > AKMA_NAF_ID_MAX)
        return "must be 6 to 258 octets: the FQDN, then the 5-octet Ua security protocol "
               "identifier";
    fqdn_length = length - AKMA_UA_PROTOCOL_ID_LENGTH;
    if (is_host_name_octet(naf_id[fqdn_length]))
        return "the Ua security protocol identifier is missing: append its 5 octets to the FQDN, "
               "or give naf-fqdn and ua-protocol-id";
    fault = naf_fqdn_fault(naf_id, fqdn_length);
    return fault != NULL ? fault
                         : naf_ua_protocol_fault(naf_id + fqdn_length, AKMA_UA_PROTOCOL_ID_LENGTH);
}
