/*
 * What main_loop.c needs from a board's operating system and drivers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BOARD_H
#define BOARD_H

#include "flow.h"

void board_start(void);
void board_wait(void);
uint32_t board_now(void *ctx); /* milliseconds */

/* From a CTR_DRBG seeded by a true random number generator. Returns 0 on success. */
int board_random(void *ctx, unsigned char *out, size_t n);

/* Sockets to the NAF and the endpoint; Ks_NAF and Ka from protected storage. */
const struct flow_platform *board_platform(void);
const struct flow_settings *board_settings(void);

/* The application: a message to send, and one that came. */
size_t board_reading(uint8_t *datagram, size_t size);
void board_received(const uint8_t *datagram, size_t n);

/* For a log: no secret in it. */
void board_report(enum flow_fault fault, int error);

#endif
