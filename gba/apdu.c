/*
 * What a USIM is asked, in APDUs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "apdu.h"

#include "usim_kind.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define STATUS_SIZE 2
#define STEPS_MAX   4 /* of 61 XX and 6C XX, one after the other */

/* TS 102 221 10.1.2 */
enum instruction {
    SELECT = 0xA4,
    READ_BINARY = 0xB0,
    READ_RECORD = 0xB2,
    GET_RESPONSE = 0xC0,
    UPDATE_BINARY = 0xD6,
    VERIFY = 0x20,
    AUTHENTICATE = 0x88
};

/* Files: TS 102 221 13, TS 31.102 4.2, TS 31.103 4.2 */
enum file {
    EF_DIR = 0x2F00,
    EF_IMSI = 0x6F07,
    EF_UST = 0x6F38,
    EF_AD = 0x6FAD,
    EF_GBABP = 0x6FD6,
    EF_IMPI = 0x6F02,
    EF_DOMAIN = 0x6F03
};

#define BY_AID       0x04
#define BY_FILE      0x00
#define NO_FCP       0x0C /* no data is wanted back */
#define RECORD_BY_NR 0x04
#define GBA_SERVICE  68 /* in EF_UST: GBA */
#define CONTEXT_3G   0x81
#define CONTEXT_GBA  0x84

/* Tags of AUTHENTICATE (TS 31.102 7.1.2) */
#define TAG_DONE       0xDB
#define TAG_AUTS       0xDC
#define TAG_BOOTSTRAP  0xDD
#define TAG_DERIVATION 0xDE

/* A command without its data. */
struct command {
    enum instruction instruction;
    unsigned char p1, p2;
    const unsigned char *data;
    size_t length;
    bool wants_data;      /* back: Le is sent, 00 or this */
    unsigned char wanted; /* 00 if no data is wanted */
};

/* What comes back, without the status. Cleanse it if it held a secret. */
struct answer {
    unsigned char octets[APDU_ANSWER_MAX];
    size_t length;
    unsigned int status; /* SW1 SW2 */
};

/* What a status means for a user; the last row matches every other status. */
static const struct meaning {
    unsigned int status, mask;
    const char *says;
} meanings[] = {
    {0x9862, 0xFFFF,
     "the card refuses the network: it is not genuine, or it sent a challenge of another kind (98 "
     "62)"},
    {0x9864, 0xFFFF, "the card does not support this security context (98 64)"},
    {0x9865, 0xFFFF, "the card refuses the key as not fresh (98 65)"},
    {0x6982, 0xFFFF, "the card wants its PIN first (69 82): give --usim-pin"},
    {0x6983, 0xFFFF, "the PIN is blocked (69 83): unblock it with the PUK, in a phone"},
    {0x6984, 0xFFFF, "the PIN is blocked or the reference data cannot be used (69 84)"},
    {0x6985, 0xFFFF, "the card's conditions are not met (69 85): has it bootstrapped?"},
    {0x6A82, 0xFFFF, "the file is not on the card (6A 82)"},
    {0x6A88, 0xFFFF, "the card has no such data (6A 88): has it bootstrapped?"},
    {0x6D00, 0xFFFF, "the card does not know the instruction (6D 00)"},
    {0x6E00, 0xFFFF, "the card does not know the class (6E 00)"},
    {0x6F00, 0xFF00, "the card has a fault of its own (6F)"},
    {0, 0, "the card answered with an error"},
};

static bool fail_with_status(const char *what, unsigned int status, char fault[GBA_FAULT_SIZE])
{
    const struct meaning *meaning = meanings;

    while ((status & meaning->mask) != meaning->status)
        meaning++;
    return gba_fail(fault, "%s: %s, status %02X %02X", what, meaning->says, status >> 8,
                    status & 0xFF);
}

bool apdu_ends(const struct apdu *apdu)
{
    return apdu->ends != NULL && atomic_load(apdu->ends);
}

/* One exchange through the carrier. */
static bool exchange(struct apdu *apdu, const unsigned char *octets, size_t length,
                     struct answer *answer, char fault[GBA_FAULT_SIZE])
{
    if (apdu_ends(apdu))
        return gba_fail(fault, "the program ends");
    if (!apdu->transmit(apdu->carrier, octets, length, answer->octets, &answer->length, fault))
        return false;
    if (answer->length == 0)
        return gba_fail(fault, "the card did not answer: was it pulled out?");
    if (answer->length < STATUS_SIZE || answer->length > sizeof(answer->octets))
        return gba_fail(fault, "the card answered without a status");
    answer->length -= STATUS_SIZE;
    answer->status =
        (unsigned int)answer->octets[answer->length] << 8 | answer->octets[answer->length + 1];
    return true;
}

/* With T=0 every command has P3, which is 00 if there is no data in either direction (TS 102
 * 221 7.3.1.1.1); with T=1 there is an Le if data is wanted back. */
static size_t encode(const struct command *command, bool is_t1,
                     unsigned char octets[APDU_COMMAND_MAX])
{
    size_t length = 4;

    octets[0] = 0;
    octets[1] = (unsigned char)command->instruction;
    octets[2] = command->p1;
    octets[3] = command->p2;
    if (command->length > 0) {
        octets[length++] = (unsigned char)command->length;
        memcpy(octets + length, command->data, command->length);
        length += command->length;
    }
    if (is_t1 ? command->wants_data : command->length == 0)
        octets[length++] = command->wanted;
    return length;
}

/*
 * Send a command and collect its whole answer: 61 XX says how much GET RESPONSE can fetch, 6C XX
 * which Le the command needs (TS 102 221 7.3.1.1).
 */
static bool exchange_all(struct apdu *apdu, const struct command *command, struct answer *answer,
                         char fault[GBA_FAULT_SIZE])
{
    unsigned char octets[APDU_COMMAND_MAX];
    struct command next = *command;
    bool done = false;

    for (unsigned int step = 0; step < STEPS_MAX && !done; step++) {
        const size_t length = encode(&next, apdu->is_t1, octets);

        if (!exchange(apdu, octets, length, answer, fault))
            break;
        if (answer->status >> 8 == 0x61)
            next = (struct command){.instruction = GET_RESPONSE,
                                    .wants_data = true,
                                    .wanted = (unsigned char)answer->status};
        else if (answer->status >> 8 == 0x6C)
            next.wanted = (unsigned char)answer->status;
        else
            done = true;
    }
    if (!done && (answer->status >> 8 == 0x61 || answer->status >> 8 == 0x6C))
        (void)gba_fail(fault, "the card never stops announcing more data");
    OPENSSL_cleanse(octets, sizeof(octets));
    return done;
}

static bool select_file(struct apdu *apdu, enum file file, char fault[GBA_FAULT_SIZE])
{
    const unsigned char id[] = {(unsigned char)(file >> 8), (unsigned char)file};
    const struct command command = {
        .instruction = SELECT, .p1 = BY_FILE, .p2 = NO_FCP, .data = id, .length = sizeof(id)};
    struct answer answer = {.length = 0};
    char what[32];

    (void)snprintf(what, sizeof(what), "file %04X", (unsigned int)file);
    return exchange_all(apdu, &command, &answer, fault) &&
           (answer.status == 0x9000 || fail_with_status(what, answer.status, fault));
}

static bool select_application(struct apdu *apdu, const unsigned char *aid, size_t length,
                               const char *what, char fault[GBA_FAULT_SIZE])
{
    const struct command command = {
        .instruction = SELECT, .p1 = BY_AID, .p2 = NO_FCP, .data = aid, .length = length};
    struct answer answer = {.length = 0};

    return exchange_all(apdu, &command, &answer, fault) &&
           (answer.status == 0x9000 || fail_with_status(what, answer.status, fault));
}

static bool select_usim(struct apdu *apdu, char fault[GBA_FAULT_SIZE])
{
    return select_application(apdu, apdu->usim, apdu->usim_length, "USIM", fault);
}

static bool select_isim(struct apdu *apdu, char fault[GBA_FAULT_SIZE])
{
    return select_application(apdu, apdu->isim, apdu->isim_length, "ISIM", fault);
}

/* The beginning of a transparent file of the application that is selected, at least `least` octets.
 */
static bool read_binary(struct apdu *apdu, enum file file, struct answer *answer, size_t least,
                        char fault[GBA_FAULT_SIZE])
{
    const struct command command = {.instruction = READ_BINARY, .wants_data = true};
    char what[32];

    (void)snprintf(what, sizeof(what), "file %04X", (unsigned int)file);
    if (apdu->read_file != NULL && apdu->read_file(apdu->carrier, file, answer->octets, least)) {
        answer->length = least;
        return true;
    }
    if (!select_file(apdu, file, fault) || !exchange_all(apdu, &command, answer, fault))
        return false;
    if (answer->status != 0x9000)
        return fail_with_status(what, answer->status, fault);
    return answer->length >= least ||
           gba_fail(fault, "%s has only %zu octets", what, answer->length);
}

/* Applications (TS 102 221 13.1): 61 L 4F L AID ... */

static const unsigned char usim_aid[] = {0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02};
static const unsigned char isim_aid[] = {0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x04};

static void keep_aid(unsigned char kept[16], size_t *kept_length, const unsigned char wanted[7],
                     const unsigned char *aid, size_t length)
{
    if (*kept_length == 0 && length >= sizeof(usim_aid) && length <= 16 &&
        memcmp(aid, wanted, sizeof(usim_aid)) == 0) {
        memcpy(kept, aid, length);
        *kept_length = length;
    }
}

static void take_record(struct apdu *apdu, const struct answer *record)
{
    const unsigned char *octets = record->octets;
    size_t length;

    if (record->length < 4 || octets[0] != 0x61 || octets[2] != 0x4F)
        return;
    length = octets[3];
    if (length > record->length - 4)
        return;
    keep_aid(apdu->usim, &apdu->usim_length, usim_aid, octets + 4, length);
    keep_aid(apdu->isim, &apdu->isim_length, isim_aid, octets + 4, length);
}

static bool find_applications(struct apdu *apdu, char fault[GBA_FAULT_SIZE])
{
    static const unsigned char id[] = {EF_DIR >> 8, EF_DIR & 0xFF};
    const struct command select = {
        .instruction = SELECT, .p1 = 0x08, .p2 = NO_FCP, .data = id, .length = sizeof(id)};
    struct answer answer = {.length = 0};

    if (!exchange_all(apdu, &select, &answer, fault))
        return false;
    for (unsigned char number = 1; number < 0xFF && answer.status == 0x9000; number++) {
        const struct command read = {
            .instruction = READ_RECORD, .p1 = number, .p2 = RECORD_BY_NR, .wants_data = true};

        if (!exchange_all(apdu, &read, &answer, fault))
            return false;
        if (answer.status == 0x9000)
            take_record(apdu, &answer);
    }
    return apdu->usim_length > 0 ||
           gba_fail(fault, "no USIM among the card's applications (EF_DIR): is it a 2G card?");
}

/* PIN (TS 102 221 11.1.9): 63 CX says that X tries are left; VERIFY without data only asks for
 * that. */

#define PIN_LENGTH 8

static bool encode_pin(const char *pin, unsigned char octets[PIN_LENGTH])
{
    const size_t length = strlen(pin);

    if (length < 4 || length > PIN_LENGTH || strspn(pin, "0123456789") != length)
        return false;
    for (size_t i = 0; i < PIN_LENGTH; i++)
        octets[i] = i < length ? (unsigned char)pin[i] : 0xFF;
    return true;
}

static bool try_pin(struct apdu *apdu, const char *pin, char fault[GBA_FAULT_SIZE])
{
    unsigned char octets[PIN_LENGTH];
    const struct command command = {
        .instruction = VERIFY, .p2 = 0x01, .data = octets, .length = sizeof(octets)};
    struct answer answer = {.length = 0};
    bool done;

    if (!encode_pin(pin, octets))
        return gba_fail(fault, "the PIN must be 4 to 8 digits; it was not tried");
    if (apdu->pin_refused != NULL && *apdu->pin_refused)
        return gba_fail(fault, "the PIN was refused before, and is not tried again: start again "
                               "with the right one");
    done = exchange_all(apdu, &command, &answer, fault);
    OPENSSL_cleanse(octets, sizeof(octets));
    if (!done || answer.status == 0x9000)
        return done;
    if (apdu->pin_refused != NULL)
        *apdu->pin_refused = true;
    if (answer.status >> 4 == 0x63C)
        return gba_fail(fault,
                        "the PIN is wrong; %u tries are left, and none is made without a new PIN",
                        answer.status & 0xF);
    return fail_with_status("PIN", answer.status, fault);
}

/* A PIN that is switched off is not queried: cards differ in what VERIFY returns for one.
 */
static bool wants_pin(struct apdu *apdu)
{
    const struct command read = {.instruction = READ_BINARY, .wants_data = true};
    char ignored[GBA_FAULT_SIZE];
    struct answer answer = {.length = 0};

    return select_file(apdu, EF_IMSI, ignored) && exchange_all(apdu, &read, &answer, ignored) &&
           answer.status == 0x6982;
}

static bool verify_pin(struct apdu *apdu, const char *pin, char fault[GBA_FAULT_SIZE])
{
    const struct command ask = {.instruction = VERIFY, .p2 = 0x01};
    struct answer answer = {.length = 0};

    if (!exchange_all(apdu, &ask, &answer, fault))
        return false;
    if (answer.status == 0x9000)
        return true; /* verified already */
    if (answer.status >> 4 != 0x63C)
        return fail_with_status("PIN", answer.status, fault);
    if ((answer.status & 0xF) < 2)
        return gba_fail(fault,
                        "PIN: only %u tries are left, so it is not tried; unblock it in a phone",
                        answer.status & 0xF);
    if (pin == NULL)
        return gba_fail(fault, "the card wants its PIN: give --usim-pin");
    return try_pin(apdu, pin, fault);
}

/* Identities */

/* EF_IMSI (TS 31.102 4.2.2): length, parity, then digits in swapped halves. */
static bool read_imsi(struct apdu *apdu, struct usim_identity *identity, char fault[GBA_FAULT_SIZE])
{
    struct answer answer = {.length = 0};
    size_t digits = 0, end;

    if (!read_binary(apdu, EF_IMSI, &answer, 9, fault))
        return false;
    end = answer.octets[0] <= 8 ? (size_t)2 * answer.octets[0] : 0;
    for (size_t i = 1; i < end && digits < USIM_IMSI_SIZE - 1; i++) {
        const unsigned char pair = answer.octets[1 + i / 2];
        const unsigned char digit = i % 2 == 0 ? pair & 0xF : pair >> 4;

        if (digit > 9)
            break;
        identity->imsi[digits++] = (char)('0' + digit);
    }
    identity->imsi[digits] = '\0';
    return digits >= 6 || gba_fail(fault, "EF_IMSI holds no IMSI");
}

/* EF_AD (TS 31.102 4.2.18): the length of the MNC is in its fourth octet. */
static bool read_mnc_length(struct apdu *apdu, struct usim_identity *identity,
                            char fault[GBA_FAULT_SIZE])
{
    struct answer answer = {.length = 0};

    if (!read_binary(apdu, EF_AD, &answer, 4, fault))
        return false;
    identity->mnc_length = answer.octets[3] & 0xF;
    return identity->mnc_length == 2 || identity->mnc_length == 3 ||
           gba_fail(fault, "EF_AD gives an MNC of %u digits; must be 2 or 3", identity->mnc_length);
}

/* EF_UST (TS 31.102 4.2.8): service n is bit (n - 1) % 8 of octet (n - 1) / 8. */
static void read_services(struct apdu *apdu, struct usim_identity *identity)
{
    char ignored[GBA_FAULT_SIZE];
    struct answer answer = {.length = 0};
    const size_t octet = (GBA_SERVICE - 1) / 8, bit = (GBA_SERVICE - 1) % 8;

    identity->does_gba = read_binary(apdu, EF_UST, &answer, octet + 1, ignored) &&
                         (answer.octets[octet] >> bit & 1) != 0;
}

/* EF_IMPI, EF_DOMAIN (TS 31.103 4.2.2, 4.2.3): 80 L text. An ISIM without it is ignored. */
static void read_text(struct apdu *apdu, enum file file, char text[USIM_NAME_SIZE])
{
    char ignored[GBA_FAULT_SIZE];
    struct answer answer = {.length = 0};

    if (!read_binary(apdu, file, &answer, 3, ignored) || answer.octets[0] != 0x80 ||
        answer.octets[1] > answer.length - 2)
        return;
    memcpy(text, answer.octets + 2, answer.octets[1]);
    text[answer.octets[1]] = '\0';
}

static void read_isim(struct apdu *apdu, struct usim_identity *identity)
{
    char ignored[GBA_FAULT_SIZE];
    apdu_read_file *const read_file = apdu->read_file;

    if (apdu->isim_length == 0 || !select_isim(apdu, ignored))
        return;
    apdu->read_file = NULL; /* which is for the USIM's files */
    read_text(apdu, EF_IMPI, identity->impi);
    read_text(apdu, EF_DOMAIN, identity->domain);
    apdu->read_file = read_file;
}

bool apdu_open(struct apdu *apdu, const char *pin, struct usim_identity *identity,
               char fault[GBA_FAULT_SIZE])
{
    if (!find_applications(apdu, fault) || !select_usim(apdu, fault) ||
        (wants_pin(apdu) && !verify_pin(apdu, pin, fault)) || !read_imsi(apdu, identity, fault) ||
        !read_mnc_length(apdu, identity, fault))
        return false;
    read_services(apdu, identity);
    read_isim(apdu, identity);
    return true;
}

/* AUTHENTICATE */

/* The value at a place of an answer, L and octets; NULL: it does not fit. The place moves on. */
static const unsigned char *next_value(const struct answer *answer, size_t *at, size_t *length)
{
    const unsigned char *value;

    if (*at >= answer->length)
        return NULL;
    *length = answer->octets[*at];
    value = answer->octets + *at + 1;
    if (*length > answer->length - *at - 1)
        return NULL;
    *at += 1 + *length;
    return value;
}

/* DC L AUTS */
static enum usim_result take_auts(const struct answer *card, struct usim_answer *answer,
                                  char fault[GBA_FAULT_SIZE])
{
    size_t at = 1, length = 0;
    const unsigned char *auts = next_value(card, &at, &length);

    if (auts == NULL || length != USIM_AUTS) {
        (void)gba_fail(fault, "AUTHENTICATE: the card gives no AUTS of 14 octets");
        return USIM_FAILED;
    }
    memcpy(answer->auts, auts, USIM_AUTS);
    return USIM_AUTS_WANTED;
}

/* DB L RES L CK L IK [L Kc]; in the GBA context DB L RES */
static enum usim_result take_keys(const struct answer *card, bool in_gba_context,
                                  struct usim_answer *answer, char fault[GBA_FAULT_SIZE])
{
    size_t at = 1, length[3] = {0};
    const unsigned char *res = next_value(card, &at, &length[0]);
    const unsigned char *ck = in_gba_context ? NULL : next_value(card, &at, &length[1]);
    const unsigned char *ik = in_gba_context ? NULL : next_value(card, &at, &length[2]);

    if (res == NULL || length[0] < 4 || length[0] > USIM_RES_MAX ||
        (!in_gba_context &&
         (ck == NULL || ik == NULL || length[1] != USIM_KEY / 2 || length[2] != USIM_KEY / 2))) {
        (void)gba_fail(fault, "AUTHENTICATE: the card gives no RES of 4 to 16 octets%s",
                       in_gba_context ? "" : ", or no CK and IK of 16");
        return USIM_FAILED;
    }
    memcpy(answer->res, res, length[0]);
    answer->res_length = length[0];
    answer->has_keys = !in_gba_context;
    if (!in_gba_context) {
        memcpy(answer->ck_ik, ck, USIM_KEY / 2);
        memcpy(answer->ck_ik + USIM_KEY / 2, ik, USIM_KEY / 2);
    }
    return USIM_DONE;
}

static enum usim_result take_answer(const struct answer *card, bool in_gba_context,
                                    struct usim_answer *answer, char fault[GBA_FAULT_SIZE])
{
    if (card->status != 0x9000) {
        (void)fail_with_status("AUTHENTICATE", card->status, fault);
        return USIM_FAILED;
    }
    if (card->length > 0 && card->octets[0] == TAG_AUTS)
        return take_auts(card, answer, fault);
    if (card->length > 0 && card->octets[0] == TAG_DONE)
        return take_keys(card, in_gba_context, answer, fault);
    (void)gba_fail(fault, "AUTHENTICATE: the card's answer begins with neither DB nor DC");
    return USIM_FAILED;
}

enum usim_result apdu_authenticate(void *state, bool in_gba_context,
                                   const unsigned char rand[USIM_RAND],
                                   const unsigned char autn[USIM_AUTN], struct usim_answer *answer,
                                   char fault[GBA_FAULT_SIZE])
{
    struct apdu *apdu = state;
    unsigned char data[3 + USIM_RAND + USIM_AUTN], *at = data;
    struct command command = {.instruction = AUTHENTICATE,
                              .p2 = in_gba_context ? CONTEXT_GBA : CONTEXT_3G,
                              .data = data,
                              .wants_data = true};
    struct answer card = {.length = 0};
    enum usim_result result = USIM_FAILED;

    if (in_gba_context)
        *at++ = TAG_BOOTSTRAP;
    *at++ = USIM_RAND;
    memcpy(at, rand, USIM_RAND);
    at += USIM_RAND;
    *at++ = USIM_AUTN;
    memcpy(at, autn, USIM_AUTN);
    command.length = (size_t)(at - data) + USIM_AUTN;
    if (select_usim(apdu, fault) && exchange_all(apdu, &command, &card, fault))
        result = take_answer(&card, in_gba_context, answer, fault);
    OPENSSL_cleanse(&card, sizeof(card));
    return result;
}

/* L and octets, if there is room. */
static bool append(unsigned char data[255], size_t *length, const void *octets, size_t count)
{
    if (count > 254 || *length + 1 + count > 255)
        return false;
    data[(*length)++] = (unsigned char)count;
    memcpy(data + *length, octets, count);
    *length += count;
    return true;
}

bool apdu_keep_b_tid(void *state, const unsigned char rand[USIM_RAND], const char *b_tid,
                     const char *lifetime, char fault[GBA_FAULT_SIZE])
{
    struct apdu *apdu = state;
    unsigned char data[255];
    struct command command = {.instruction = UPDATE_BINARY, .data = data};
    struct answer answer = {.length = 0};

    if (!append(data, &command.length, rand, USIM_RAND) ||
        !append(data, &command.length, b_tid, strlen(b_tid)) ||
        !append(data, &command.length, lifetime, strlen(lifetime)))
        return gba_fail(fault, "EF_GBABP: B-TID and lifetime have more than 255 octets");
    if (!select_usim(apdu, fault) || !select_file(apdu, EF_GBABP, fault) ||
        !exchange_all(apdu, &command, &answer, fault))
        return false;
    return answer.status == 0x9000 || fail_with_status("EF_GBABP", answer.status, fault);
}

/* DE L NAF_Id L IMPI, answered with DB L Ks_ext_NAF (TS 31.102 7.1.2.4) */
bool apdu_derive(void *state, const unsigned char *naf_id, size_t length, const char *impi,
                 unsigned char key[USIM_KEY], char fault[GBA_FAULT_SIZE])
{
    struct apdu *apdu = state;
    unsigned char data[255] = {TAG_DERIVATION};
    struct command command = {.instruction = AUTHENTICATE,
                              .p2 = CONTEXT_GBA,
                              .data = data,
                              .length = 1,
                              .wants_data = true};
    struct answer card = {.length = 0};
    size_t at = 1, key_length = 0;
    const unsigned char *found = NULL;

    if (!append(data, &command.length, naf_id, length) ||
        !append(data, &command.length, impi, strlen(impi)))
        return gba_fail(fault, "NAF_Id and IMPI have more than 252 octets: no APDU holds them");
    if (!select_usim(apdu, fault) || !exchange_all(apdu, &command, &card, fault))
        return false;
    if (card.status != 0x9000)
        return fail_with_status("NAF derivation", card.status, fault);
    if (card.length > 0 && card.octets[0] == TAG_DONE)
        found = next_value(&card, &at, &key_length);
    if (found != NULL && key_length == USIM_KEY)
        memcpy(key, found, USIM_KEY);
    OPENSSL_cleanse(&card, sizeof(card));
    return (found != NULL && key_length == USIM_KEY) ||
           gba_fail(fault, "NAF derivation: the card gives no Ks_ext_NAF of 32 octets");
}
