/*
 * Notifications of revoked keys: what a NEF or AAnF posts to the URI that it was told
 * (ServiceDisableNotif of TS 29.522 5.14, TS 29.535 5.1.5.2)
 *
 *     POST {path of --notify-uri}, application/json, {"aKId":"<A-KID>"}     204: it is revoked
 *
 * HTTPS with certificates both ways, HTTP/1.1 or HTTP/2; the other side has to have the name that
 * was given. The answer comes when the cache has forgotten the key and the third party has revoked
 * what it had promised with it; until then, and if that fails, the operator has to try again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "current.h"
#include "server/connection.h"
#include "session/ue_service.h"

#include <openssl/ssl.h>
#include <stdbool.h>

struct notify;

/*
 * HTTP/2 or HTTP/1.1, and a client with the notifier's name alone, exactly and as a DNS name of its
 * certificate: no other gets through the handshake. False with the reason on the error stack.
 */
bool notify_set_up_tls(SSL_CTX *ctx, const char *name);

/* Its connections; their service is the struct notify. */
extern const struct connection_kind *const notify_kind;

/*
 * naf: whose keys are revoked; kept. uri: its path alone counts. ctx: an SSL_CTX, set up with
 * notify_set_up_tls(); it is the notifier's from now on. NULL: out of memory.
 */
struct notify *notify_new(struct naf_service *naf, const char *uri, struct current_version *ctx);

/* Certificate, key and CA of connections to come, on any thread. ctx becomes the notifier's own. */
void notify_use(struct notify *notify, struct current_version *ctx);

/* After the loops. NULL is fine. */
void notify_free(struct notify *notify);

#endif
