/*
 * From the options of e2e-as to a server that can run
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AS_SETUP_H
#define AS_SETUP_H

#include "as/as_options.h"
#include "as/removals.h"
#include "e2e_key.h"
#include "net/target.h"
#include "server/acceptor.h"
#include "store/store_redis.h"
#include "third_party/line_client.h"
#include "third_party/line_tls.h"

/* The whole program. */
struct as {
    const struct as_options *options;
    struct as_roles roles;
    struct server server;
    struct endpoints endpoints;
    struct e2e e2e;               /* the setup of this process's own NAF */
    struct line_client_setup naf; /* of a NAF apart */
    char *third_party_host;
    struct store_redis_options store;
    struct target application; /* --forward */
    struct removals *removals; /* NULL: without a devices file */
    unsigned int drain;        /* seconds */
};

/*
 * Understand the options, read the files, listen; the loops are not started. An exit status:
 * EXIT_SUCCESS, or the reason went to standard error.
 */
int as_set_up(struct as *as);

/* Say on standard error why the program cannot start; false. */
bool as_complain(const char *sentence);

/* Release everything; the loops do not run any more. */
void as_release(struct as *as);

#endif
