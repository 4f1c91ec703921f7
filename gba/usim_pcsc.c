/*
 * A USIM in a card reader: pcsc:[READER]
 *
 * A transaction keeps other programs away from the card, from the first command to the last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "apdu.h"
#include "printable.h"
#include "usim_kind.h"

#include <openssl/crypto.h>
#include <string.h>
#include <winscard.h>

#define READERS_MAX 4096

struct card {
    struct apdu apdu; /* first, as apdu.h asks */
    SCARDCONTEXT context;
    SCARDHANDLE handle;
    DWORD protocol;
    bool has_context, has_handle, in_transaction;
};

static bool fail_with(char fault[GBA_FAULT_SIZE], const char *what, LONG error)
{
    const char *hint = "";

    if (error == (LONG)SCARD_W_REMOVED_CARD || error == (LONG)SCARD_E_NO_SMARTCARD)
        hint = ": the card is not in the reader";
    else if (error == (LONG)SCARD_E_NO_SERVICE)
        hint = ": is pcscd running?";
    else if (error == (LONG)SCARD_E_SHARING_VIOLATION)
        hint = ": another program holds the card";
    return gba_fail(fault, "%s: %s%s", what, pcsc_stringify_error(error), hint);
}

/* A card that was reset meanwhile is not reconnected in the middle of a flow; the next flow does
 * that. */
static bool transmit(void *carrier, const unsigned char *command, size_t length,
                     unsigned char answer[APDU_ANSWER_MAX], size_t *answered,
                     char fault[GBA_FAULT_SIZE])
{
    const struct card *card = carrier;
    DWORD received = APDU_ANSWER_MAX;
    const LONG error = SCardTransmit(card->handle, card->apdu.is_t1 ? SCARD_PCI_T1 : SCARD_PCI_T0,
                                     command, length, NULL, answer, &received);

    *answered = received;
    return error == SCARD_S_SUCCESS || fail_with(fault, "the reader", error);
}

/* The reader of that name, or the first one. */
static bool find_reader(const struct card *card, const char *wanted, char readers[READERS_MAX],
                        const char **reader, char fault[GBA_FAULT_SIZE])
{
    DWORD length = READERS_MAX;
    const LONG error = SCardListReaders(card->context, NULL, readers, &length);

    if (error != SCARD_S_SUCCESS)
        return fail_with(fault, "no reader", error);
    *reader = readers;
    while (**reader != '\0' && *wanted != '\0' && strcmp(*reader, wanted) != 0)
        *reader += strlen(*reader) + 1;
    return **reader != '\0' || gba_fail(fault, "no reader has the name %s; the first is %s",
                                        PRINTABLE(wanted), PRINTABLE(readers));
}

static bool connect_card(struct card *card, const char *place, char fault[GBA_FAULT_SIZE])
{
    char readers[READERS_MAX];
    const char *reader = NULL;
    LONG error = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &card->context);

    card->has_context = error == SCARD_S_SUCCESS;
    if (!card->has_context)
        return fail_with(fault, "PC/SC", error);
    if (!find_reader(card, place, readers, &reader, fault))
        return false;
    error = SCardConnect(card->context, reader, SCARD_SHARE_SHARED,
                         SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card->handle, &card->protocol);
    card->has_handle = error == SCARD_S_SUCCESS;
    if (!card->has_handle)
        return fail_with(fault, "the card", error);
    card->apdu.is_t1 = card->protocol == SCARD_PROTOCOL_T1;
    error = SCardBeginTransaction(card->handle);
    card->in_transaction = error == SCARD_S_SUCCESS;
    return card->in_transaction || fail_with(fault, "the card", error);
}

static void close_card(void *state)
{
    struct card *card = state;

    if (card->in_transaction)
        (void)SCardEndTransaction(card->handle, SCARD_LEAVE_CARD);
    if (card->has_handle)
        (void)SCardDisconnect(card->handle, SCARD_LEAVE_CARD);
    if (card->has_context)
        (void)SCardReleaseContext(card->context);
    OPENSSL_free(card);
}

static void *open_card(const char *place, const struct usim_settings *settings,
                       struct usim_identity *identity, char fault[GBA_FAULT_SIZE])
{
    struct card *card = OPENSSL_zalloc(sizeof(*card));

    if (card == NULL) {
        (void)gba_fail(fault, "out of memory");
        return NULL;
    }
    card->apdu.transmit = transmit;
    card->apdu.carrier = card;
    card->apdu.ends = settings->ends;
    card->apdu.pin_refused = settings->pin_refused;
    if (!connect_card(card, place, fault) ||
        !apdu_open(&card->apdu, settings->pin, identity, fault)) {
        close_card(card);
        return NULL;
    }
    return card;
}

const struct usim_kind usim_pcsc = {
    .prefix = "pcsc:",
    .open = open_card,
    .authenticate = apdu_authenticate,
    .keep_b_tid = apdu_keep_b_tid,
    .derive = apdu_derive,
    .close = close_card,
};
