/*
 * The NAF's side of the line: the third party of flags.h at the other end of it
 *
 * One connection of the process carries the requests of all loops; it lives on one of them. It is
 * kept up: when it ends it is made again, at once, then after pauses that double.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LINE_CLIENT_H
#define LINE_CLIENT_H

#include "net/target.h"
#include "third_party/flags.h"
#include "third_party/line_tls.h"

struct line_client_setup {
    struct target target; /* of the third party */
    const char *host;     /* its name, or address in numbers, that its certificate must have */
    const char *naf_fqdn;
    unsigned char ua_protocol_id[5];
};

/*
 * setup and tls are kept, not copied; the loops do not run yet. NULL: out of memory.
 */
struct flags *line_client_new(const struct line_client_setup *setup, struct line_tls *tls,
                              struct loops *loops);

#endif
