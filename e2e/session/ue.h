/*
 * A connection of a UE: its identity and state
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_H
#define UE_H

#include "messages/e2e_flag.h"
#include "net/tls_lines.h"
#include "server/connection.h"
#include "session/app_session.h"
#include "session/ue_service.h"

#define UE_KEY_LENGTH        32
#define UE_KEY_DIGEST_LENGTH 32 /* SHA-256 */

struct ue_repeats;

/* What a look-up found for an identity; it is proved only when the handshake is complete. */
enum ue_role { UE_NOBODY, UE_FIRST, UE_E2E };

struct ue_claim {
    enum ue_role role;
    char *identity;              /* as the log has it */
    char *device;                /* its name; empty: an anonymous answer of the source */
    char *ka_id, *subject, *naf; /* UE_E2E: as in the record */
    int64_t not_after;           /* UE_FIRST: of Ks_NAF */
    enum identity_kind kind;     /* UE_FIRST */
    unsigned char ua_protocol_id[AKMA_UA_PROTOCOL_ID_LENGTH]; /* UE_FIRST: what Ks_NAF is for */
    unsigned char key[UE_KEY_LENGTH]; /* Ks_NAF or e2e_key, until it was used */
};

struct psk_lookup;

enum ue_state {
    UE_HANDSHAKING,
    UE_READING_NONCE,
    UE_LOOKING_UP_KEY, /* again, for a nonce that is not the first */
    UE_ASKING_FOR_FLAG,
    UE_WRITING_FLAG,
    UE_HELD, /* until the next nonce, or over DTLS a repeat of the one */
    UE_CONSUMING_KEY,
    UE_ATTACHED /* to the echo, or to the application */
};

struct ue {
    struct connection connection;
    enum ue_state state;
    struct psk_lookup *lookup; /* while the handshake is under way */
    const char *lacks;         /* what its ClientHello has to have and has not; NULL: nothing */
    struct ue_claim claim;
    bool is_counted; /* among those of its device */
    /* first connection */
    struct tls_lines lines;
    struct ue_repeats *repeats; /* over DTLS: what was answered, and with what */
    bool is_first_line;         /* the nonce that comes is the first one */
    bool goes_on;               /* it may have several */
    char *claimed_ka_id;        /* NULL: the UE did not say which Ka it has */
    char *claimed_device;       /* if the source named none; NULL: nor did the UE */
    unsigned char nonce[NONCE_LENGTH];
    unsigned char proved[UE_KEY_DIGEST_LENGTH]; /* of Ks_NAF; where it continues */
    struct source_request *source_request;
    struct third_party_request *third_party_request;
    struct store_request *store_request;
    int64_t asked_at;           /* clock_ms(): the nonce came, or the store was asked */
    struct app_session session; /* UE_ATTACHED */
};

/* Kinds of connection.h: of a NAF's address, of an endpoint's, of one that is both. */
extern const struct connection_kind ue_kind_naf, ue_kind_e2e, ue_kind_both;

static inline struct ue_service *ue_service(const struct ue *ue)
{
    return ue->connection.service;
}

static inline struct server *ue_server(const struct ue *ue)
{
    return ue->connection.worker->server;
}

/* May this connection be a first one, or an e2e one? */
bool ue_may_be(const struct ue *ue, enum ue_role role);

/* Does it speak TLS 1.2, which is for first connections alone? */
static inline bool ue_is_tls12(const struct ue *ue)
{
    return SSL_version(ue->connection.ssl) == TLS1_2_VERSION;
}

/* Count it among its device's connections. False: there are too many, and it is refused. */
bool ue_count(struct ue *ue);

/*
 * A first connection between two nonces is not counted among its device's, and makes room if there
 * is none. False: the device holds UE_HELD_MAX already, or the server accepts no more.
 */
#define UE_HELD_MAX 16
bool ue_hold(struct ue *ue);

/* The next nonce has begun: count it again. False: as in ue_count(). */
bool ue_resume(struct ue *ue);

/* Of a first connection: the Ua security protocol identifier in hex; else NULL. */
#define UE_UA_TEXT_SIZE (2 * AKMA_UA_PROTOCOL_ID_LENGTH + 1)
const char *ue_ua_text(const struct ue *ue, char text[UE_UA_TEXT_SIZE]);

/* An event of it, for the log. */
void ue_log(const struct ue *ue, const char *event, const char *key, const char *value);

/* As connection_refuse(). */
void ue_refuse(struct ue *ue, enum metric metric, const char *reason);

/*
 * Serve a connection whose claim is proved: nonce and flag, or what the e2e key is for. The latter
 * is counted once its key is taken, so that no handshake is completed twice with one key.
 */
void ue_serve_first(struct ue *ue);
void ue_serve_e2e(struct ue *ue);

/* Give the connection over: to the echo behind prefix, or (prefix NULL) to the application. */
void ue_attach_app(struct ue *ue, const char *prefix);

/* Cleanse and release a claim. */
void ue_claim_clear(struct ue_claim *claim);

#endif
