/*
 * The digests AKMA-E2E knows, by name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "digests.h"

#include "utf8.h"

const struct digest digests[DIGEST_COUNT] = {
#define ROW(id, name, size, ...) \
    [DIGEST_##id] = {name, size, (const char *const[]){__VA_ARGS__, NULL}},
    DIGESTS(ROW, , )
#undef ROW
};

static bool has_name(const struct digest *digest, const char *name, size_t length)
{
    if (ascii_is(digest->name, name, length))
        return true;
    for (const char *const *alias = digest->aliases; *alias != NULL; alias++)
        if (ascii_is(*alias, name, length))
            return true;
    return false;
}

bool digest_find(const char *name, size_t length, enum digest_id *id)
{
    for (enum digest_id i = 0; i < DIGEST_COUNT; i++)
        if (has_name(&digests[i], name, length)) {
            *id = i;
            return true;
        }
    return false;
}
