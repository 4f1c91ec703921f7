/*
 * A USIM, reached in the way that SPEC names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "usim.h"

#include "usim_kind.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

struct usim {
    const struct usim_kind *kind;
    void *state;
    struct usim_identity identity;
};

static const struct usim_kind *const kinds[] = {
#ifdef AKMA_PCSC
    &usim_pcsc,
#endif
    &usim_at,
    &usim_milenage,
};

static const struct usim_kind *find(const char *spec)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(spec, kinds[i]->prefix, strlen(kinds[i]->prefix)) == 0)
            return kinds[i];
    return NULL;
}

struct usim *usim_open(const struct usim_settings *settings, char fault[GBA_FAULT_SIZE])
{
    const struct usim_kind *kind = find(settings->spec);
    struct usim *usim;

    if (kind == NULL) {
        (void)gba_fail(fault, "must be pcsc:[READER], at:/dev/TTY or milenage:FILE%s",
#ifdef AKMA_PCSC
                       "");
#else
                       "; pcsc: was left out of this build, which had no libpcsclite");
#endif
        return NULL;
    }
    usim = OPENSSL_zalloc(sizeof(*usim));
    if (usim == NULL) {
        (void)gba_fail(fault, "out of memory");
        return NULL;
    }
    usim->kind = kind;
    usim->state =
        kind->open(settings->spec + strlen(kind->prefix), settings, &usim->identity, fault);
    if (usim->state == NULL) {
        OPENSSL_free(usim);
        return NULL;
    }
    return usim;
}

const struct usim_identity *usim_identity(const struct usim *usim)
{
    return &usim->identity;
}

enum usim_result usim_authenticate(struct usim *usim, const unsigned char rand[USIM_RAND],
                                   const unsigned char autn[USIM_AUTN], struct usim_answer *answer,
                                   char fault[GBA_FAULT_SIZE])
{
    enum usim_result result;

    memset(answer, 0, sizeof(*answer));
    result =
        usim->kind->authenticate(usim->state, usim->identity.does_gba, rand, autn, answer, fault);
    if (result != USIM_DONE)
        OPENSSL_cleanse(answer->ck_ik, sizeof(answer->ck_ik));
    return result;
}

bool usim_keep_b_tid(struct usim *usim, const unsigned char rand[USIM_RAND], const char *b_tid,
                     const char *lifetime, char fault[GBA_FAULT_SIZE])
{
    return usim->kind->keep_b_tid == NULL ||
           usim->kind->keep_b_tid(usim->state, rand, b_tid, lifetime, fault);
}

bool usim_derive(struct usim *usim, const unsigned char *naf_id, size_t length, const char *impi,
                 unsigned char key[USIM_KEY], char fault[GBA_FAULT_SIZE])
{
    if (usim->kind->derive == NULL)
        return gba_fail(fault, "the card does no GBA: its Ks is in the state file");
    return usim->kind->derive(usim->state, naf_id, length, impi, key, fault);
}

void usim_close(struct usim *usim)
{
    if (usim == NULL)
        return;
    usim->kind->close(usim->state);
    OPENSSL_free(usim);
}
