/*
 * Domain names of a mobile network
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "home_network.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define LABEL_SIZE 6 /* mncNNN, mccNNN */

static const char wanted[] =
    "a name with mnc<MNC>.mcc<MCC> in front of 3gppnetwork.org, three digits each, such as "
    "5gc.mnc012.mcc345.3gppnetwork.org (TS 23.003 clause 28.2)";

/* Remove this label, with the dot before it, from the end; false: the name ends otherwise. */
static bool take_off(const char *domain, size_t *length, const char *label)
{
    const size_t size = strlen(label);

    if (*length < size || strncasecmp(domain + *length - size, label, size) != 0 ||
        (*length > size && domain[*length - size - 1] != '.'))
        return false;
    *length -= *length > size ? size + 1 : size;
    return true;
}

/* The same for a label of these letters and three digits. */
static bool take_off_code(const char *domain, size_t *length, const char *letters)
{
    const char *const label = domain + *length - LABEL_SIZE;

    if (*length < LABEL_SIZE || strncasecmp(label, letters, strlen(letters)) != 0)
        return false;
    for (size_t i = strlen(letters); i < LABEL_SIZE; i++)
        if (isdigit((unsigned char)label[i]) == 0)
            return false;
    if (*length > LABEL_SIZE && label[-1] != '.')
        return false;
    *length -= *length > LABEL_SIZE ? LABEL_SIZE + 1 : LABEL_SIZE;
    return true;
}

const char *home_network_fault(const char *domain)
{
    size_t length = strlen(domain);

    if (domain[0] == '.' || (length > 0 && domain[length - 1] == '.') ||
        strstr(domain, "..") != NULL)
        return "a name without an empty label: no dot before or behind it, nor two in a row";
    if (!take_off(domain, &length, "3gppnetwork.org") || take_off(domain, &length, "ipxuni"))
        return NULL; /* the second is for a caller without an MNC */
    (void)take_off(domain, &length, "pub");
    return take_off_code(domain, &length, "mcc") && take_off_code(domain, &length, "mnc") ? NULL
                                                                                          : wanted;
}

const char *home_network_nai_fault(const char *nai)
{
    const char *const at = strrchr(nai, '@');

    return at == NULL ? NULL : home_network_fault(at + 1);
}
