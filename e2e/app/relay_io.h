/*
 * What relay.c and relay_ways.c share: a relay with its two directions, and how each of them moves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RELAY_IO_H
#define RELAY_IO_H

#include "app/relay.h"

#include <event2/event_struct.h>
#include <stdbool.h>

/* What stops a direction for now. */
enum relay_status { RELAY_OK, RELAY_YIELD, RELAY_BLOCKED, RELAY_EOF, RELAY_ERROR };

/* One direction: what was read and is not yet written, how far it has come, what it waits for. */
struct direction {
    unsigned char *held;
    size_t length, sent; /* of held */
    int64_t moved;       /* clock_ms() of the last octet */
    bool source_ended, sink_ended;
    enum relay_status status;
    short ssl_wanted, plain_wanted; /* EV_READ, EV_WRITE */
};

struct relay {
    SSL *ssl;
    int plain;
    struct event on_ssl, on_plain;
    struct direction up, down; /* up: from TLS to plain */
    const char *fault;
    int64_t *active;
    relay_ended *ended;
    void *argument;
};

/* The two directions differ in what they read from and write to. part: RELAY_PART octets. */
struct relay_ops {
    /* RELAY_OK: what was written before has gone, and write() or end() may be called. */
    enum relay_status (*flush)(struct relay *relay, struct direction *direction);
    enum relay_status (*read)(struct relay *relay, struct direction *direction, unsigned char *part,
                              size_t *length);
    enum relay_status (*write)(struct relay *relay, struct direction *direction,
                               const unsigned char *octets, size_t length, size_t *sent);
    enum relay_status (*end)(struct relay *relay, struct direction *direction);
};

extern const struct relay_ops relay_up, relay_down;

/* The relay cannot go on: fault says why in a sentence. */
enum relay_status relay_broken(struct relay *relay, const char *fault);

#endif
