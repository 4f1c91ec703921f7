/*
 * Which form was asked for last, and of which octets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORMS_H
#define FORMS_H

#include "params.h"

enum form {
    NO_FORM,
    FORM_KEY,
    FORM_NAF_ID,
    FORM_FQDN,
    FORM_UA_PROTOCOL,
    FORM_SUPI,
    FORM_IMPI,
    FORM_TEXT,
    FORM_QUERY
};

extern struct asked {
    enum form form;
    struct value value;
} asked;

#endif
