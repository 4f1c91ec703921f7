/*
 * record - seals and opens records of a shared store, for test_records.py
 *
 *     record KEYS seal IDENTITY RUN_ID UNTIL E2E_KEY DEVICE KA_ID SUBJECT NAF     prints hex
 *     record KEYS open IDENTITY RUN_ID NOW RECORD                  prints what is in the record
 *
 * Exit status 3: refused, for the reason on standard error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hex.h"
#include "store/sealed_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REFUSED 3

static void print_hex(const unsigned char *octets, size_t length)
{
    for (size_t i = 0; i < length; i++)
        printf("%02x", octets[i]);
    printf("\n");
}

static void take(char *place, size_t size, const char *text)
{
    (void)snprintf(place, size, "%s", text);
}

static int seal(const struct seal_keys *keys, char *argv[])
{
    struct store_record record = {.lifetime = 1};
    unsigned char sealed[SEALED_RECORD_MAX];
    size_t length = 0;

    take(record.identity, sizeof(record.identity), argv[0]);
    take(record.device, sizeof(record.device), argv[4]);
    take(record.ka_id, sizeof(record.ka_id), argv[5]);
    take(record.subject, sizeof(record.subject), argv[6]);
    take(record.naf, sizeof(record.naf), argv[7]);
    if (strlen(argv[3]) != sizeof(record.key) * 2 ||
        !hex_decode(record.key, argv[3], strlen(argv[3])) ||
        !sealed_record_make(keys, argv[1], strtoull(argv[2], NULL, 10), &record, sealed, &length))
        return EXIT_FAILURE;
    print_hex(sealed, length);
    return EXIT_SUCCESS;
}

/* Octets with no more memory behind them: reading further gets SIGSEGV. */
static unsigned char *at_the_end_of_memory(size_t length)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (length / page + 1) * page;
    unsigned char *memory =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED || mprotect(memory + room, page, PROT_NONE) != 0)
        exit(EXIT_FAILURE);
    return memory + room - length;
}

static int open_record(const struct seal_keys *keys, char *argv[])
{
    const size_t length = strlen(argv[3]) / 2;
    unsigned char *sealed = at_the_end_of_memory(length);
    struct store_record record = {.lifetime = 0};
    const char *wrong;

    if (!hex_decode(sealed, argv[3], 2 * length))
        return EXIT_FAILURE;
    take(record.identity, sizeof(record.identity), argv[0]);
    wrong = sealed_record_open(keys, argv[1], strtoull(argv[2], NULL, 10), sealed, length, &record);
    if (wrong != NULL) {
        fprintf(stderr, "%s\n", wrong);
        return REFUSED;
    }
    printf("%s\n%s\n%s\n%s\n%lld\n", record.device, record.ka_id, record.subject, record.naf,
           (long long)record.not_after);
    print_hex(record.key, sizeof(record.key));
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    char fault[SEAL_KEYS_FAULT_SIZE];
    struct seal_keys *keys = argc < 3 ? NULL : seal_keys_read(argv[1], fault);
    int status = EXIT_FAILURE;

    if (argc >= 3 && keys == NULL)
        fprintf(stderr, "--store-key: %s\n", fault);
    if (keys != NULL && argc == 11 && strcmp(argv[2], "seal") == 0)
        status = seal(keys, argv + 3);
    else if (keys != NULL && argc == 7 && strcmp(argv[2], "open") == 0)
        status = open_record(keys, argv + 3);
    seal_keys_free(keys);
    return status;
}
