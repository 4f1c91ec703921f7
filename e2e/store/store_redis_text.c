/*
 * The texts in the commands of the store in a Redis: names of keys, members, and what to revoke
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/store_redis_text.h"

#include "store/store_script.h"

#include <string.h>

static void add(struct store_text *text, const char *octets, size_t length)
{
    memcpy(text->octets + text->length, octets, length);
    text->length += length;
}

static void add_text(struct store_text *text, const char *more)
{
    add(text, more, strlen(more));
}

struct store_text store_text_key(const char *identity)
{
    struct store_text name = {.length = 0};

    add_text(&name, STORE_SCRIPT_KEY);
    add_text(&name, identity);
    return name;
}

struct store_text store_text_naf(const char *naf)
{
    struct store_text name = {.length = 0};

    add_text(&name, STORE_SCRIPT_NAF);
    add_text(&name, naf);
    return name;
}

struct store_text store_text_device(const char *naf, const char *device)
{
    struct store_text name = {.length = 0};

    add_text(&name, STORE_SCRIPT_DEVICE);
    add(&name, naf, strlen(naf) + 1);
    add_text(&name, device);
    return name;
}

struct store_text store_text_member(const struct store_record *record)
{
    struct store_text member = {.length = 0};

    add(&member, record->identity, strlen(record->identity) + 1);
    add(&member, record->device, strlen(record->device) + 1);
    add(&member, record->ka_id, strlen(record->ka_id) + 1);
    add_text(&member, record->subject);
    return member;
}

struct store_text store_text_wanted(const char *member)
{
    struct store_text text = {.length = 0};

    if (member != NULL) {
        add_text(&text, "=");
        add_text(&text, member);
    }
    return text;
}
