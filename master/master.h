/*
 * Ka of any device, from one master secret: in this process, or in a PKCS#11 token
 *
 *     Ka = AKMA-KA(K_master, device, ka-id)
 *
 * Threads share a master, and each has its own deriver. From a secret in this process, the module
 * derives. A token computes HMAC-SHA-256 over S (CKM_SHA256_HMAC), and the secret never leaves it;
 * a call may take as long as the token does.
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
    MASTER_REFUSED      /* until somebody changes something: a URI, a PIN, a key, a name */
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
    bool is_slow; /* calls may have to wait, for a token */
};

struct deriver {
    struct master *master;
};

/*
 * where: a URI pkcs11:... (RFC 7512), or the source of 64 hex digits (common/secret_source.h); a
 * file must be private. pin: the source of a token's PIN; NULL: the URI's pin-source, or no PIN.
 * The token is not contacted yet. NULL: fault says why, without a secret.
 */
struct master *master_new(const char *where, const char *pin, char fault[MASTER_FAULT_SIZE]);

/* Does `where` have the right form? What it names is not checked. False: fault. */
bool master_check(const char *where, char fault[MASTER_FAULT_SIZE]);
bool master_token_check(const char *uri, char fault[MASTER_FAULT_SIZE]);

/* As master_new(), for each kind. */
struct master *master_secret_new(const char *source, char fault[MASTER_FAULT_SIZE]);
struct master *master_token_new(const char *uri, const char *pin, char fault[MASTER_FAULT_SIZE]);

/*
 * Make the key that a token's URI names by object= (and id=): 32 octets that never leave the token
 * and can only sign. An existing key is not replaced. False: fault; nothing was made.
 */
bool master_token_make(struct master *master, char fault[MASTER_FAULT_SIZE]);

/*
 * Connect to it: find the token, log in, and try the key. Call it after the last fork. After
 * MASTER_UNAVAILABLE it may be called again, but need not be: deriving connects as well.
 */
enum master_result master_open(struct master *master, char fault[MASTER_FAULT_SIZE]);

/* For one thread. NULL: out of memory. */
struct deriver *deriver_new(struct master *master);

/* Derive the Ka of a device. Unless it returns MASTER_OK, ka is cleansed and fault says why. */
enum master_result deriver_derive(struct deriver *deriver, const char *device, const char *ka_id,
                                  unsigned char ka[MASTER_KA_LENGTH],
                                  char fault[MASTER_FAULT_SIZE]);

/* NULL is fine. */
void deriver_free(struct deriver *deriver);

/* Cleanse and release, after its derivers. NULL is fine. */
void master_free(struct master *master);

/* Write what is wrong to fault; returns result. */
enum master_result master_fault(char fault[MASTER_FAULT_SIZE], enum master_result result,
                                const char *what);

#endif
