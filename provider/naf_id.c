/*
 * NAF_Id as an input: given whole, or by its two halves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "naf_id.h"

#include <string.h>

/* The halves that inputs hold; a half that was never set has length zero. */
static void find_halves(const struct inputs *inputs, struct value *fqdn, struct value *ua)
{
    const unsigned int present = inputs->settings.present;
    const struct value held = s_part(&inputs->s, INPUT_NAF_ID);

    ua->length = has_input(present, INPUT_UA_PROTOCOL_ID) ? AKMA_UA_PROTOCOL_ID_LENGTH : 0;
    fqdn->length = has_input(present, INPUT_NAF_FQDN) ? held.length - ua->length : 0;
    fqdn->octets = held.octets;
    ua->octets = held.octets + fqdn->length;
}

bool naf_id_join(unsigned char joined[AKMA_NAF_ID_MAX], struct value values[INPUT_COUNT],
                 unsigned int given, const struct inputs *inputs, const struct errors *errors)
{
    const bool has_fqdn = has_input(given, INPUT_NAF_FQDN);
    struct value fqdn, ua;

    if (has_input(given, INPUT_NAF_ID)) {
        RAISE(errors, REASON_CONFLICT,
              "naf-id: given together with %s; give naf-id alone, or naf-fqdn and ua-protocol-id",
              param_table[has_fqdn ? INPUT_NAF_FQDN : INPUT_UA_PROTOCOL_ID].names[0]);
        return false;
    }
    find_halves(inputs, &fqdn, &ua);
    if (has_fqdn)
        fqdn = values[INPUT_NAF_FQDN];
    if (has_input(given, INPUT_UA_PROTOCOL_ID))
        ua = values[INPUT_UA_PROTOCOL_ID];
    memcpy(joined, fqdn.octets, fqdn.length);
    memcpy(joined + fqdn.length, ua.octets, ua.length);
    values[INPUT_NAF_ID] = (struct value){joined, fqdn.length + ua.length};
    return true;
}

unsigned int naf_id_present(unsigned int before, unsigned int given)
{
    if (has_input(given, INPUT_NAF_ID))
        before &= ~NAF_ID_HALVES;
    if ((given & NAF_ID_HALVES) != 0)
        before &= ~INPUT_BIT(INPUT_NAF_ID);
    return before | given;
}

bool naf_id_missing(unsigned int present, const struct errors *errors)
{
    if (has_input(present, INPUT_NAF_FQDN))
        RAISE(errors, REASON_MISSING,
              "ua-protocol-id: missing; naf-fqdn needs its 5 octets as well");
    else if (has_input(present, INPUT_UA_PROTOCOL_ID))
        RAISE(errors, REASON_MISSING, "naf-fqdn: missing; ua-protocol-id needs it as well");
    else
        RAISE(errors, REASON_MISSING,
              "naf-id: missing; set it (or naf-fqdn and ua-protocol-id) before deriving");
    return false;
}
