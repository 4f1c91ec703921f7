/*
 * The cache of keys, with a clock of our own: lines on standard input are calls
 *
 *     key_cache KEYS NOS
 *
 *     NOW keep akma|gba IDENTITY KEY UNTIL     KEY: a digit, "ended" (a key), "no" or "refused"
 *     NOW find akma|gba IDENTITY               prints "key DIGIT", "no", "refused" or "nothing"
 *     NOW forget akma|gba IDENTITY             NOW sweep
 *
 * akma/N, gba/N: for the Ua security protocol identifier that ends in the digit N.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/key_cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep(struct key_cache *cache, const struct key_wanted *wanted, const char *key,
                 int64_t until)
{
    struct key_answer answer = {.not_after = KEY_ANSWER_NO_END};

    answer.ks_naf.octets[0] = (unsigned char)key[0];
    if (strcmp(key, "ended") == 0)
        answer.not_after = 1;
    if (strcmp(key, "no") == 0)
        key_cache_keep_no(cache, wanted, CACHE_NEGATIVE, until);
    else if (strcmp(key, "refused") == 0)
        key_cache_keep_no(cache, wanted, CACHE_REFUSED, until);
    else
        key_cache_keep(cache, wanted, &answer, until);
}

static void find(struct key_cache *cache, const struct key_wanted *wanted, int64_t now)
{
    struct key_answer answer;

    switch (key_cache_find(cache, wanted, now, &answer)) {
    case CACHE_HIT:
        printf("key %c\n", answer.ks_naf.octets[0]);
        break;
    case CACHE_NEGATIVE:
        printf("no\n");
        break;
    case CACHE_REFUSED:
        printf("refused\n");
        break;
    default:
        printf("nothing\n");
    }
}

static void take_line(struct key_cache *cache, const char *line)
{
    char what[16], system[16] = "", identity[64] = "", key[16] = "";
    int64_t now = 0, until = 0;
    struct key_wanted wanted = {.identity = identity};

    if (sscanf(line, "%" SCNd64 " %15s %15s %63s %15s %" SCNd64, &now, what, system, identity, key,
               &until) < 2)
        abort();
    wanted.system = strncmp(system, "gba", 3) == 0 ? KEY_GBA : KEY_AKMA;
    if (strchr(system, '/') != NULL)
        wanted.ua_protocol_id[4] = (unsigned char)strchr(system, '/')[1];
    if (strcmp(what, "keep") == 0)
        keep(cache, &wanted, key, until);
    else if (strcmp(what, "find") == 0)
        find(cache, &wanted, now);
    else if (strcmp(what, "forget") == 0)
        key_cache_forget(cache, wanted.system, identity);
    else
        key_cache_sweep(cache, now);
}

int main(int argc, char *argv[])
{
    struct key_cache *cache;
    char line[256];

    if (argc != 3)
        return EXIT_FAILURE;
    cache = key_cache_new(strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10));
    while (cache != NULL && fgets(line, sizeof(line), stdin) != NULL)
        take_line(cache, line);
    key_cache_free(cache);
    return EXIT_SUCCESS;
}
