/*
 * Fuzz target: what comes from a database of Ka's that somebody else can write to, and its address
 *
 * The first octet chooses: a row to be opened, which never is unless it was sealed here; a Ka that
 * is sealed, for any names, and opened again; an address of PostgreSQL, of which no password is
 * taken and none is repeated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka_row.h"
#include "postgresql.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void want(int condition)
{
    if (!condition)
        abort();
}

static struct seal_keys *some_keys(void)
{
    static const char text[] =
        "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    char fault[SEAL_KEYS_FAULT_SIZE];

    return seal_keys_parse(text, sizeof(text) - 1, fault);
}

static void try_row(const unsigned char *octets, size_t length)
{
    static unsigned char ka[KA_ROW_LENGTH];
    struct seal_keys *keys = some_keys();
    size_t ka_length = 1;

    want(ka_row_open(keys, "device", "2026", octets, length, ka, &ka_length) != NULL);
    want(ka_length == 0);
    for (size_t i = 0; i < sizeof(ka); i++)
        want(ka[i] == 0);
    seal_keys_free(keys);
}

/* The names are the input's first octets, and the Ka the rest. */
static void try_sealing(const unsigned char *octets, size_t length)
{
    static unsigned char sealed[KA_ROW_LENGTH], opened[KA_ROW_LENGTH];
    struct seal_keys *keys = some_keys();
    char device[ROW_TEXT_MAX + 1] = "", ka_id[ROW_TEXT_MAX + 1] = "";
    unsigned char ka[ROW_KA_MIN] = {0};
    size_t ka_length, half = length / 2 < ROW_TEXT_MAX ? length / 2 : ROW_TEXT_MAX;

    memcpy(device, octets, half);
    memcpy(ka_id, octets + length - half, half);
    memcpy(ka, octets, length < sizeof(ka) ? length : sizeof(ka));
    want(ka_row_seal(keys, device, ka_id, ka, sizeof(ka), sealed));
    want(ka_row_open(keys, device, ka_id, sealed, KA_ROW_EXTRA + sizeof(ka), opened, &ka_length) ==
         NULL);
    want(ka_length == sizeof(ka) && memcmp(ka, opened, sizeof(ka)) == 0);
    sealed[length % (KA_ROW_EXTRA + sizeof(ka))] ^= 1;
    want(ka_row_open(keys, device, ka_id, sealed, KA_ROW_EXTRA + sizeof(ka), opened, &ka_length) !=
         NULL);
    seal_keys_free(keys);
}

/* What is said of an address is one of two sentences, so that nothing of it is repeated. */
static void try_address(const char *octets, size_t length)
{
    char *uri = calloc(1, length + 1), fault[POSTGRESQL_FAULT_SIZE] = "";
    char none[POSTGRESQL_FAULT_SIZE], password[POSTGRESQL_FAULT_SIZE];

    want(uri != NULL && !postgresql_check("=", none) && !postgresql_check("//u:p@h/d", password));
    memcpy(uri, octets, length);
    want(postgresql_check(uri, fault) ? fault[0] == '\0'
                                      : strcmp(fault, none) == 0 || strcmp(fault, password) == 0);
    free(uri);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0] % 3) {
    case 0:
        try_row(data + 1, size - 1);
        break;
    case 1:
        try_sealing(data + 1, size - 1);
        break;
    default:
        try_address((const char *)data + 1, size - 1);
    }
    return 0;
}
