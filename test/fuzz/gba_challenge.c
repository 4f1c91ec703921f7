/*
 * Fuzz target: headers of a BSF, or of an impostor
 *
 * The first octet chooses: the challenge of a 401, or Authentication-Info. The rest is its value.
 * What is taken keeps to its form, and brings no line of its own into what is answered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "digest_aka.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void want(int condition)
{
    if (!condition)
        abort();
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if ((data[0] & 1) == 0)
        try_challenge((const char *)data + 1, size - 1);
    else
        try_info((const char *)data + 1, size - 1);
    return 0;
}
