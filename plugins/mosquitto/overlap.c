/*
 * Ka's that were replaced, and are valid for some seconds more
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "overlap.h"

#include "sessions.h"

#include <openssl/crypto.h>
#include <string.h>
#include <time.h>

static int64_t now_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec;
}

static bool has_ka(const struct device *row, const unsigned char *ka, size_t length)
{
    return row->ka_length == length && CRYPTO_memcmp(row->ka, ka, length) == 0;
}

/* Does a row of the identity have this Ka? */
static bool is_listed(const struct devices *devices, const char *identity, const unsigned char *ka,
                      size_t length)
{
    const struct device *row = devices_find(devices, identity);

    for (; row != NULL && row >= devices->rows && strcmp(row->identity, identity) == 0; row--)
        if (row->ka != NULL && has_ka(row, ka, length))
            return true;
    return false;
}

static const struct device *effective(const struct devices *devices, const char *identity)
{
    const struct device *row = devices == NULL ? NULL : devices_find(devices, identity);

    return row == NULL ? NULL : devices_ka(devices, row, NULL);
}

static bool add_ka(struct overlap *overlap, const char *identity, const unsigned char *ka,
                   size_t length, const struct old_ka *pattern)
{
    const size_t capacity = overlap->capacity == 0 ? 16 : 2 * overlap->capacity;
    struct old_ka *kas = overlap->kas, *old;

    if (overlap->count == overlap->capacity) {
        kas = OPENSSL_realloc(kas, capacity * sizeof(*kas));
        if (kas == NULL)
            return false;
        overlap->kas = kas;
        overlap->capacity = capacity;
    }
    old = &kas[overlap->count];
    *old = *pattern;
    memmove(old->identity, identity, strlen(identity) + 1);
    old->ka = OPENSSL_memdup(ka, length);
    old->ka_length = length;
    overlap->count += old->ka != NULL;
    return old->ka != NULL;
}

/* The identity has a new Ka: keep the old one. */
static bool keep_replaced(struct overlap *kept, const char *identity, const struct device *before,
                          const struct devices *now)
{
    const struct old_ka pattern = {.until = now_seconds() + kept->seconds,
                                   .is_listed =
                                       is_listed(now, identity, before->ka, before->ka_length)};

    return add_ka(kept, identity, before->ka, before->ka_length, &pattern);
}

/* A Ka that was kept stays, unless it was removed from the file. */
static bool keep_on(struct overlap *kept, const struct old_ka *old, const struct devices *now)
{
    if (old->until <= now_seconds() ||
        (old->is_listed && !is_listed(now, old->identity, old->ka, old->ka_length)))
        return true;
    return add_ka(kept, old->identity, old->ka, old->ka_length, old);
}

bool overlap_change(struct overlap *overlap, const struct devices *before,
                    const struct devices *now)
{
    struct overlap kept = {.seconds = overlap->seconds};
    bool done = true;

    for (size_t i = 0; done && overlap->seconds > 0 && i < now->count; i++) {
        const char *identity = now->rows[i].identity;
        const struct device *old_row, *new_row;
        const struct old_ka *old;

        if (i + 1 < now->count && strcmp(now->rows[i + 1].identity, identity) == 0)
            continue; /* the identity's last row speaks for it */
        old_row = effective(before, identity);
        new_row = effective(now, identity);
        old = overlap_find(overlap, identity);
        if (old_row != NULL && new_row != NULL && !has_ka(new_row, old_row->ka, old_row->ka_length))
            done = keep_replaced(&kept, identity, old_row, now);
        else if (old != NULL && new_row != NULL)
            done = keep_on(&kept, old, now);
    }
    overlap_close(overlap);
    *overlap = kept;
    return done;
}

struct old_ka *overlap_find(struct overlap *overlap, const char *identity)
{
    size_t first = 0, end = overlap->count;

    while (first < end) {
        const size_t middle = first + (end - first) / 2;

        if (strcmp(overlap->kas[middle].identity, identity) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first < overlap->count && strcmp(overlap->kas[first].identity, identity) == 0 &&
                   overlap->kas[first].until > now_seconds()
               ? &overlap->kas[first]
               : NULL;
}

bool overlap_has(struct overlap *overlap, const char *identity, const unsigned char *hash)
{
    const struct old_ka *old = overlap_find(overlap, identity);
    unsigned char its[SHA256_DIGEST_LENGTH];
    const struct device row = {.ka = old == NULL ? NULL : old->ka,
                               .ka_length = old == NULL ? 0 : old->ka_length};

    return old != NULL && session_hash(its, &row) && memcmp(its, hash, sizeof(its)) == 0;
}

void overlap_close(struct overlap *overlap)
{
    for (size_t i = 0; i < overlap->count; i++)
        OPENSSL_clear_free(overlap->kas[i].ka, overlap->kas[i].ka_length);
    OPENSSL_free(overlap->kas);
    overlap->kas = NULL;
    overlap->count = overlap->capacity = 0;
}
