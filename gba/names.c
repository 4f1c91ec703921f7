/*
 * Names that follow from an IMSI
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "names.h"

#include "home_network.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MCC_LENGTH 3
#define DOMAIN_MAX 253

/* "mnc<MNC>.mcc<MCC>", the MNC with three digits */
static bool make_plmn(char plmn[32], const struct usim_identity *identity)
{
    const char *mnc = identity->imsi + MCC_LENGTH;

    return strlen(identity->imsi) > MCC_LENGTH + identity->mnc_length &&
           snprintf(plmn, 32, "mnc%s%.*s.mcc%.3s", identity->mnc_length == 2 ? "0" : "",
                    (int)identity->mnc_length, mnc, identity->imsi) < 32;
}

bool names_impi(char impi[USIM_NAME_SIZE], const struct usim_identity *identity)
{
    char plmn[32];

    if (identity->impi[0] != '\0')
        return snprintf(impi, USIM_NAME_SIZE, "%s", identity->impi) < USIM_NAME_SIZE;
    return make_plmn(plmn, identity) && snprintf(impi, USIM_NAME_SIZE, "%s@ims.%s.3gppnetwork.org",
                                                 identity->imsi, plmn) < USIM_NAME_SIZE;
}

bool names_bsf(char bsf[USIM_NAME_SIZE], const struct usim_identity *identity)
{
    char plmn[32];

    return make_plmn(plmn, identity) &&
           snprintf(bsf, USIM_NAME_SIZE, "bsf.%s.pub.3gppnetwork.org", plmn) < USIM_NAME_SIZE;
}

static bool is_label(const char *label, size_t length)
{
    if (length == 0 || length > 63 || label[0] == '-' || label[length - 1] == '-')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)label[i]) && label[i] != '-')
            return false;
    return true;
}

const char *names_domain_fault(const char *domain)
{
    const size_t length = strlen(domain);

    if (length == 0 || length > DOMAIN_MAX)
        return "a domain name of 1 to 253 octets";
    for (const char *label = domain; label != NULL;) {
        const size_t octets = strcspn(label, ".");

        if (!is_label(label, octets))
            return "a domain name: letters, digits and hyphens between dots";
        label = label[octets] == '\0' ? NULL : label + octets + 1;
    }
    return home_network_fault(domain);
}

const char *names_nai_fault(const char *nai)
{
    const char *at = strchr(nai, '@');

    if (at == NULL || at == nai || strlen(nai) >= USIM_NAME_SIZE)
        return "user@realm of at most 255 octets";
    for (const char *c = nai; c < at; c++)
        if (*c <= ' ' || *c >= 0x7F || *c == '"' || *c == ',' || *c == '\\')
            return "printable ASCII without blank, comma, quote and backslash";
    return names_domain_fault(at + 1);
}
