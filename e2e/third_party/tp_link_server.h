/*
 * The third party's side of the link: requests of NAFs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TP_LINK_SERVER_H
#define TP_LINK_SERVER_H

#include "server/connection.h"

#define TP_LINKS_MAX_OF_NAF \
    64 /* at a time of one name, so that a NAF does not hold up the others */

/* What the connections of NAFs work with. */
struct tp_link_service {
    struct tp_link_tls *tls;
    struct key_issuer *issuer;
    struct conn_limit *per_naf; /* connections of one name */
    const char *mode, *digest, *usage;
};

/* Kind of connection.h: of a NAF. */
extern const struct connection_kind tp_link_kind;

#endif
