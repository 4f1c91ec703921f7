/*
 * Fuzz target: what a card, a BSF, or whoever plays one, can send to the bootstrapping
 *
 * The first octet chooses. APDU answers: pieces of the input, each with its length in front, until
 * there is none left. The challenge of a 401, Authentication-Info, the BSF's document, a state
 * file's text (through its parser's checks of names): the whole input. What is taken keeps to its
 * form; an AT line is tried by the suite's modem.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "apdu.h"
#include "bsf_info.h"
#include "digest_aka.h"
#include "names.h"

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

static void try_challenge(const char *text, size_t length)
{
    static const unsigned char auts[USIM_AUTS];
    struct digest_client client = {.username = "a\"b@c.d", .realm = "c.d"};
    struct digest_challenge challenge;
    char header[DIGEST_HEADER_MAX], fault[GBA_FAULT_SIZE] = "";

    if (!digest_read_challenge(&challenge, text, length, fault)) {
        want(fault[0] != '\0');
        return;
    }
    want(challenge.realm[0] != '\0' && strlen(challenge.realm) < DIGEST_TEXT_SIZE);
    want(challenge.has_auth || challenge.has_auth_int);
    if (digest_resynchronise(header, &client, &challenge, auts, fault)) {
        want(strlen(header) < DIGEST_HEADER_MAX);
        for (const char *c = header; *c != '\0'; c++)
            want(*c != '\r' && *c != '\n');
    }
}

static void try_info(const char *text, size_t length)
{
    const struct digest_client client = {.username = "a@b.c", .realm = "b.c", .cnonce = "x"};
    struct digest_challenge challenge = {.has_auth_int = true};
    struct usim_answer answer = {.res_length = 8};
    char fault[GBA_FAULT_SIZE] = "";

    /* the cnonce of a client that was never answered: nothing can fit */
    want(!digest_verify(&client, &challenge, &answer, text, length, "", 0, fault) ||
         memmem(text, length, "rspauth", 7) != NULL);
}

static void try_document(const char *text, size_t length)
{
    struct bsf_info info;
    char fault[GBA_FAULT_SIZE] = "";

    if (!bsf_info_read(&info, text, length, 1, fault)) {
        want(fault[0] != '\0');
        return;
    }
    want(names_nai_fault(info.b_tid) == NULL && info.lifetime > 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0] % 5) {
    case 0:
        try_card(data + 1, size - 1, false);
        break;
    case 1:
        try_card(data + 1, size - 1, true);
        break;
    case 2:
        try_challenge((const char *)data + 1, size - 1);
        break;
    case 3:
        try_info((const char *)data + 1, size - 1);
        break;
    default:
        try_document((const char *)data + 1, size - 1);
    }
    return 0;
}
