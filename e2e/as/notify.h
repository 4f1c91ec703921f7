/*
 * Notifications of revoked keys: what the NEF posts to the URI that it was told (TS 29.522 5.14)
 *
 *     POST {path of --notify-uri}, application/json, {"aKId":"<A-KID>"}     204: it is void
 *
 * HTTPS with certificates both ways, HTTP/1.1; the other side has to have the name that was given.
 * The answer comes when the cache has forgotten the key and the third party has voided what
 * it had promised with it; until then, and where that fails, the operator has to try again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "server/server.h"

#include <openssl/ssl.h>

struct notify_setup {
    const char *accept; /* HOST:PORT */
    const char *name;   /* whose notifications count: a DNS name of the certificate */
    const char *uri;    /* its path alone counts */
    SSL_CTX *ctx;       /* set up with notify_tls.h; is the notifier's from now on */
};

struct notify;

/*
 * Listen, and print "notify-accept HOST:PORT"; to be called before the source's loop runs. NULL:
 * the reason went to standard error.
 */
struct notify *notify_new(struct event_base *base, const struct notify_setup *setup,
                          struct server *server);

/* Certificate, key and CA of connections to come; on the loop. ctx becomes the notifier's own. */
void notify_use(struct notify *notify, SSL_CTX *ctx);

/* Close what is open. The loop does not run any more. NULL is fine. */
void notify_stop(struct notify *notify);

/* To be called after the loop's event base is gone, which ends connections late. NULL is fine. */
void notify_free(struct notify *notify);

#endif
