/*
 * The UE's nonce, and what it makes of the flag that comes back
 *
 * Within client.c's implementation, whose steps these are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLIENT_FLAG_H
#define CLIENT_FLAG_H

#include "messages/e2e_flag.h"
#include "net/connector.h"
#include "net/io_watch.h"
#include "net/tls_lines.h"
#include "ue/client.h"

struct client {
    const struct client_setup *setup;
    struct loop *loop;
    client_done *done;
    void *argument;
    size_t step; /* of steps */
    struct first_pool *pool;
    bool is_reused; /* the first connection is from there */
    struct io_watch watch;
    int64_t deadline;
    struct connector *connector; /* while a connection is being made */
    int fd; /* of a connection without TLS so far; -1: none, or it is lines.ssl's */
    struct sockaddr_storage address; /* of the connection that is under way */
    struct tls_lines lines;          /* the connection that is under way */
    unsigned char nonce[NONCE_LENGTH];
    unsigned char e2e_key[E2E_KEY_LENGTH]; /* from the flag to the second handshake */
    struct e2e_flag flag;
    enum client_outcome outcome;
    char reason[CLIENT_REASON_SIZE];
};

/* Note how it ends, and the reason; IO_ERROR. */
enum io_status client_fail(struct client *client, enum client_outcome outcome, const char *format,
                           ...) __attribute__((format(printf, 3, 4)));

/* Close the connection that is under way. */
void client_disconnect(struct client *client);

/* The first connection has done its work: leave it for others, or close it. */
void client_leave_first(struct client *client);

enum io_status client_send_nonce(struct client *client);

/*
 * Read the flag, and derive the key that it promises. What is no flag is refused whatever is
 * allowed.
 */
enum io_status client_read_flag(struct client *client);

#endif
