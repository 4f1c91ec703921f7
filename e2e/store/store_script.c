/*
 * What a Redis does for the store in one step: Lua, sent with EVAL
 *
 * SPDX-License-Identifier: Apache-2.0
 */
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

/* Delete a record: its key, and its members of the sorted sets. A malformed member is only removed.
 */
#define VOID                                                                              \
    "local function void(naf, member)\n"                                                  \
    "  local identity, device = member:match('^(%Z*)%z(%Z*)%z')\n"                        \
    "  redis.call('ZREM', '" STORE_SCRIPT_NAF "' .. naf, member)\n"                       \
    "  if not identity then return end\n"                                                 \
    "  redis.call('DEL', '" STORE_SCRIPT_KEY "' .. identity)\n"                           \
    "  redis.call('ZREM', '" STORE_SCRIPT_DEVICE "' .. naf .. '\\0' .. device, member)\n" \
    "end\n"

const char store_script_put[] =
    VOID "local subject = ARGV[3]:match('%z(%Z*)$')\n"
         "local function oldest(set, excess)\n" /* of a device: the subject's own first */
         "  for _, member in ipairs(set == KEYS[3] and redis.call('ZRANGE', set, 0, -1) or {}) do\n"
         "    if member:match('%z(%Z*)$') == subject then return {member} end\n"
         "  end\n"
         "  return redis.call('ZRANGE', set, 0, excess)\n"
         "end\n"
         "local time, lifetime = redis.call('TIME'), tonumber(ARGV[2])\n"
         "local now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
         "if not redis.call('SET', KEYS[1], ARGV[1], 'PX', lifetime, 'NX') then return 0 end\n"
         "redis.call('SADD', KEYS[2], ARGV[4])\n"
         "for place = 3, 4 do\n"
         "  local set, bound = KEYS[place], tonumber(ARGV[place + 2])\n"
         "  redis.call('ZREMRANGEBYSCORE', set, '-inf', now)\n"
         "  local excess = redis.call('ZCARD', set) - bound\n"
         "  if excess >= 0 then\n"
         "    for _, member in ipairs(oldest(set, excess)) do\n"
         "      void(ARGV[4], member)\n"
         "      redis.call('ZREM', set, member)\n"
         "    end\n"
         "  end\n"
         "  redis.call('ZADD', set, now + lifetime, ARGV[3])\n"
         "  if redis.call('PTTL', set) < lifetime then redis.call('PEXPIRE', set, lifetime) end\n"
         "end\n"
         "return 1\n";

const char store_script_revoke[] =
    VOID "local function agrees(wanted, text) return wanted == '' or wanted == '=' .. text end\n"
         "for _, naf in ipairs(redis.call('SMEMBERS', KEYS[1])) do\n"
         "  local members = {}\n"
         "  if agrees(ARGV[4], naf) then\n"
         "    members = redis.call('ZRANGE', '" STORE_SCRIPT_NAF "' .. naf, 0, -1)\n"
         "  end\n"
         "  for _, member in ipairs(members) do\n"
         "    local device, ka_id, subject = member:match('^%Z*%z(%Z*)%z(%Z*)%z(%Z*)$')\n"
         "    if not subject or (agrees(ARGV[1], device) and agrees(ARGV[2], ka_id) and\n"
         "        agrees(ARGV[3], subject)) then\n"
         "      void(naf, member)\n"
         "    end\n"
         "  end\n"
         "end\n"
         "local number = redis.call('INCR', KEYS[2])\n"
         "local function name(of)\n"
         "  return '" STORE_SCRIPT_REVOKED ":' .. string.format('%.0f', of)\n"
         "end\n"
         "redis.call('SET', name(number), ARGV[5], 'PX', ARGV[6])\n"
         "redis.call('DEL', name(number - ARGV[7]))\n"
         "redis.call('PUBLISH', '" STORE_SCRIPT_REVOKED "', number)\n"
         "return 1\n";
