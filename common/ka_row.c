/*
 * A Ka as a row of a database keeps it: sealed, and bound to its device and ka-id
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka_row.h"

#include <openssl/rand.h>
#include <string.h>

#define VERSION     1
#define INFO        "akma ka row"
#define NAME        "akma-ka"
#define NAME_LENGTH (sizeof(NAME) - 1)

/* The parts of the associated data, and the lengths among them. */
struct bound {
    unsigned char device_length[2], ka_id_length[2];
    struct seal_part parts[6];
};

static struct seal bind_to(struct bound *bound, const struct seal_key *key, const char *device,
                           const char *ka_id, const unsigned char *head)
{
    const size_t device_length = strlen(device), ka_id_length = strlen(ka_id);

    (void)seal_put_number(bound->device_length, device_length, 2);
    (void)seal_put_number(bound->ka_id_length, ka_id_length, 2);
    bound->parts[0] = (struct seal_part){head, KA_ROW_HEAD};
    bound->parts[1] = (struct seal_part){NAME, NAME_LENGTH};
    bound->parts[2] = (struct seal_part){bound->device_length, 2};
    bound->parts[3] = (struct seal_part){device, device_length};
    bound->parts[4] = (struct seal_part){bound->ka_id_length, 2};
    bound->parts[5] = (struct seal_part){ka_id, ka_id_length};
    return (struct seal){
        .key = key, .salt = head + 1 + 4, .info = INFO, .parts = bound->parts, .count = 6};
}

bool ka_row_seal(const struct seal_keys *keys, const char *device, const char *ka_id,
                 const unsigned char *ka, size_t length, unsigned char *sealed)
{
    const struct seal_key *key = &keys->keys[0];
    unsigned char *place = seal_put_number(sealed, VERSION, 1);
    struct bound bound;
    struct seal seal;

    place = seal_put_number(place, key->number, 4);
    seal = bind_to(&bound, key, device, ka_id, sealed);
    return RAND_bytes(place, SEAL_SALT_LENGTH) > 0 &&
           seal_octets(&seal, ka, length, place + SEAL_SALT_LENGTH);
}

const char *ka_row_open(const struct seal_keys *keys, const char *device, const char *ka_id,
                        const unsigned char *sealed, size_t length, unsigned char *ka,
                        size_t *ka_length)
{
    const struct seal_key *key;
    struct bound bound;
    struct seal seal;
    uint32_t number = 0;

    *ka_length = 0;
    if (length < KA_ROW_EXTRA + ROW_KA_MIN || length > KA_ROW_LENGTH)
        return "the row is damaged: it has no sealed Ka";
    if (sealed[0] != VERSION)
        return "the row has another version";
    for (size_t i = 1; i <= 4; i++)
        number = number << 8 | sealed[i];
    key = seal_keys_find(keys, number);
    if (key == NULL)
        return "the row is sealed with a key that --ka-key does not have";
    seal = bind_to(&bound, key, device, ka_id, sealed);
    if (!seal_open(&seal, sealed + KA_ROW_HEAD, length - KA_ROW_EXTRA, ka))
        return "the row is damaged, or another device's";
    *ka_length = length - KA_ROW_EXTRA;
    return NULL;
}
