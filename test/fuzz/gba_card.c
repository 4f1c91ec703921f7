/*
 * Fuzz target: what a card answers, command by command
 *
 * The first octet says whether it does GBA. The rest is answers, each with its length in front,
 * until there is none left. What is taken keeps to its form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "apdu.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void want(int condition)
{
    if (!condition)
        abort();
}

struct answers {
    const uint8_t *octets;
    size_t length;
};

/* L and octets; at the end the card is gone. */
static bool transmit(void *carrier, const unsigned char *command, size_t length,
                     unsigned char answer[APDU_ANSWER_MAX], size_t *answered,
                     char fault[GBA_FAULT_SIZE])
{
    struct answers *answers = carrier;
    size_t n;

    want(length >= 4 && length <= APDU_COMMAND_MAX && command[0] == 0);
    if (answers->length == 0)
        return gba_fail(fault, "gone");
    n = answers->octets[0];
    if (n > answers->length - 1)
        n = answers->length - 1;
    memcpy(answer, answers->octets + 1, n);
    answers->octets += 1 + n;
    answers->length -= 1 + n;
    *answered = n;
    return true;
}

static void try_card(const uint8_t *data, size_t size, bool does_gba)
{
    static const unsigned char rand[USIM_RAND], autn[USIM_AUTN];
    struct answers answers = {data, size};
    struct apdu apdu = {.transmit = transmit, .carrier = &answers, .is_t1 = does_gba};
    struct usim_identity identity = {.imsi = ""};
    struct usim_answer answer = {.res_length = 0};
    unsigned char key[USIM_KEY];
    char fault[GBA_FAULT_SIZE] = "";

    if (!apdu_open(&apdu, "1234", &identity, fault)) {
        want(fault[0] != '\0');
        return;
    }
    want(strlen(identity.imsi) >= 6 && strlen(identity.imsi) < USIM_IMSI_SIZE);
    want(strspn(identity.imsi, "0123456789") == strlen(identity.imsi));
    want(identity.mnc_length == 2 || identity.mnc_length == 3);
    switch (apdu_authenticate(&apdu, does_gba, rand, autn, &answer, fault)) {
    case USIM_DONE:
        want(answer.res_length >= 4 && answer.res_length <= USIM_RES_MAX);
        want(answer.has_keys == !does_gba);
        break;
    case USIM_FAILED:
        want(fault[0] != '\0');
        break;
    default:
        break;
    }
    (void)apdu_keep_b_tid(&apdu, rand, "a@b.c", "2030-01-01T00:00:00Z", fault);
    (void)apdu_derive(&apdu, rand, sizeof(rand), "a@b.c", key, fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0)
        try_card(data + 1, size - 1, (data[0] & 1) != 0);
    return 0;
}
