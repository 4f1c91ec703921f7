/*
 * Ka of any device, from one master secret: in this process, or in a PKCS#11 token
 *
 *     Ka = AKMA-KA(K_master, device, ka-id)
 *
 * A master is shared by threads; each thread derives with a deriver of its own. A secret in this
 * process is derived with by the module. A token computes HMAC-SHA-256 over S (CKM_SHA256_HMAC),
 * and the master never leaves it; a call may take as long as the token does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MASTER_H
#define MASTER_H

#include <stdbool.h>
#include <stddef.h>

#define MASTER_KA_LENGTH  32
#define MASTER_FAULT_SIZE 500
#define MASTER_TOKEN      "pkcs11:" /* what a token's URI begins with */

enum master_result {
    MASTER_OK,
    MASTER_UNAVAILABLE, /* it may be there again later */
    MASTER_REFUSED      /* not until somebody changes something: a URI, a PIN, a key, a name */
};

struct master;
struct deriver;

struct master_ops {
    enum master_result (*open)(struct master *master, char fault[MASTER_FAULT_SIZE]);
    struct deriver *(*deriver)(struct master *master);
    enum master_result (*derive)(struct deriver *deriver, const char *device, const char *ka_id,
                                 unsigned char ka[MASTER_KA_LENGTH], char fault[MASTER_FAULT_SIZE]);
    void (*deriver_free)(struct deriver *deriver);
    void (*free)(struct master *master);
};

/* A master's structure starts with this, and a deriver's with its master. */
struct master {
    const struct master_ops *ops;
    bool is_slow; /* calls wait for somebody else, a token */
};

struct deriver {
    struct master *master;
};

/*
 * where: pkcs11:..., a URI (RFC 7512), or where a secret is (common/secret_source.h): 64 hex
 * digits, in a file that is private. pin: where a token's PIN is, NULL: where the URI's pin-source
 * says, or there is none. Nothing of a token is touched yet. NULL: fault says why, without a
 * secret.
 */
struct master *master_new(const char *where, const char *pin, char fault[MASTER_FAULT_SIZE]);

/* Has it the form of one? What it names is not checked. False: fault. */
bool master_check(const char *where, char fault[MASTER_FAULT_SIZE]);
bool master_token_check(const char *uri, char fault[MASTER_FAULT_SIZE]);

/* The same, each kind. */
struct master *master_secret_new(const char *source, char fault[MASTER_FAULT_SIZE]);
struct master *master_token_new(const char *uri, const char *pin, char fault[MASTER_FAULT_SIZE]);

/*
 * Make the key that a token's URI names by object= (and id=): 32 octets that never leave the token,
 * and sign alone. One that is there already stays as it is. False: fault; nothing was made.
 */
bool master_token_make(struct master *master, char fault[MASTER_FAULT_SIZE]);

/*
 * Reach it: a token is looked for, logged in to, and tried. After the last fork. It may be called
 * again after MASTER_UNAVAILABLE, but need not: deriving reaches for it as well.
 */
enum master_result master_open(struct master *master, char fault[MASTER_FAULT_SIZE]);

/* One thread's; NULL: out of memory. */
struct deriver *deriver_new(struct master *master);

/* Ka of a device. What is not MASTER_OK leaves ka cleansed, and fault says why. */
enum master_result deriver_derive(struct deriver *deriver, const char *device, const char *ka_id,
                                  unsigned char ka[MASTER_KA_LENGTH],
                                  char fault[MASTER_FAULT_SIZE]);

/* NULL is fine. */
void deriver_free(struct deriver *deriver);

/* Cleanse and release; its derivers are gone. NULL is fine. */
void master_free(struct master *master);

/* Say what is wrong; the result comes back. */
enum master_result master_fault(char fault[MASTER_FAULT_SIZE], enum master_result result,
                                const char *what);

#endif
