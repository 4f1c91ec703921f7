/*
 * The NAF's side of the link: the third party of third_party.h at the other end of it
 *
 * One connection of the process carries the requests of all loops; it lives on one of them. It is
 * kept up: when it ends it is made again, at once, then after pauses that double.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TP_LINK_CLIENT_H
#define TP_LINK_CLIENT_H

#include "net/addrs.h"
#include "third_party/third_party.h"
#include "third_party/tp_link_tls.h"

struct tp_link_client_setup {
    struct addrs addrs; /* of the third party */
    const char *host;   /* its name, or address in numbers, that its certificate must have */
    const char *naf_fqdn;
};

/*
 * setup and tls are kept, not copied; the loops do not run yet. NULL: out of memory.
 */
struct third_party *tp_link_client_new(const struct tp_link_client_setup *setup,
                                       struct tp_link_tls *tls, struct loops *loops);

#endif
