/*
 * The e2e flag, read on a device: one strict object of JSON in one datagram, without an allocation
 *
 *     {"e2e":1,"mode":"3GPP","digest":"SHA2-256","refresh":"<hex>","usage":"...",
 *      "identity":"...","ka-id":"..."}
 *     {"e2e":0}
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FLAG_H
#define FLAG_H

#include <stddef.h>

enum flag_member {
    FLAG_MODE,
    FLAG_DIGEST,
    FLAG_REFRESH,
    FLAG_USAGE,
    FLAG_IDENTITY,
    FLAG_KA_ID,
    FLAG_MEMBERS
};

/* The texts point into the line that was read; a missing member has a NULL start. */
struct flag {
    int e2e;
    struct {
        const char *start;
        size_t length;
    } member[FLAG_MEMBERS];
};

/* 1 if the line is a flag: known members only, none twice, texts without an escape. */
int flag_read(struct flag *flag, const char *line, size_t length);

/* 1 if a member is exactly this text. */
int flag_is(const struct flag *flag, enum flag_member member, const char *text);

#endif
