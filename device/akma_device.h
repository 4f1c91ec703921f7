/*
 * akma_device.h - what a constrained device derives: AKMA-E2E, GBA-KS-NAF and AKMA-K-AF
 *
 * C99, without allocations, global variables or stdio. It derives the same octets as the akma
 * provider, and refuses what the provider refuses. SHA-256 is the only hash. HMAC comes from the
 * device's own library, through a table of three functions, which hmac_psa.h, hmac_mbedtls.h or
 * hmac_openssl.h fills.
 *
 * The caller provides all memory, and no call keeps a pointer to it. Input and output must not
 * overlap.
 * A call that is refused writes nothing. Secrets that a call puts on the stack are wiped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_DEVICE_H
#define AKMA_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AKMA_HMAC_SIZE       32   /* octets that one HMAC-SHA-256 gives */
#define AKMA_E2E_KEY_MAX     8160 /* longest e2e_key: 255 outputs of SHA-256 */
#define AKMA_NETWORK_KEY_MAX 32   /* longest Ks_NAF or K_AF */

/*
 * HMAC-SHA-256. begin() starts one under a key of 32 octets, add() takes a piece of the message of
 * 1 to 65535 octets, end() writes the result and cleanses what the library keeps of the key. If the
 * library fails in any of them, end() writes 32 zero octets: the derivation then returns
 * AKMA_HMAC_FAILED.
 */
struct akma_hmac {
    void (*begin)(void *ctx, const uint8_t *key, size_t n);
    void (*add)(void *ctx, const uint8_t *octets, size_t n);
    void (*end)(void *ctx, uint8_t out[AKMA_HMAC_SIZE]);
    void *ctx;
};

/* An input. NULL: not given. */
struct akma_octets {
    const uint8_t *octets;
    size_t length;
};

/*
 * NAF_Id or AF_ID (TS 33.220 Annex H). Required in one of two forms: naf_id alone, 6 to 258 octets;
 * or naf_fqdn, 1 to 253 octets of host-name text, used as written, together with ua_protocol_id, 5
 * octets.
 */
struct akma_naf {
    struct akma_octets naf_id, naf_fqdn, ua_protocol_id;
};

enum akma_e2e_mode { AKMA_E2E_3GPP, AKMA_E2E_HKDF };

/* AKMA-E2E. A structure of zeros with the required inputs set is in mode 3GPP. */
struct akma_e2e_input {
    struct akma_octets ks_naf;  /* Ks_(ext/int)_NAF or K_AF: 32 octets, required */
    struct akma_octets ka;      /* Ka: 16 to 65535 octets, uniformly random, required */
    struct akma_naf naf;        /* required */
    struct akma_octets refresh; /* 0 to 255 octets, default empty */
    struct akma_octets usage;   /* UTF-8, 0 to 255 octets, default empty */
    enum akma_e2e_mode mode;    /* default AKMA_E2E_3GPP */
    const uint64_t *not_after;  /* end of Ks_NAF's life, seconds since 1970 UTC; default none */
    uint64_t now;               /* the time, in the same unit; read only beside not_after */
};

/* GBA-KS-NAF, TS 33.220 B.3: Ks_NAF, or Ks_ext_NAF of GBA_U. */
struct akma_ks_naf_input {
    struct akma_octets ks;   /* Ks = CK || IK: 32 octets, required */
    struct akma_octets rand; /* RAND: 16 octets, required */
    struct akma_octets impi; /* user@realm in UTF-8: 1 to 65535 octets, required */
    struct akma_naf naf;     /* required */
};

/* AKMA-K-AF, TS 33.535 A.4. */
struct akma_k_af_input {
    struct akma_octets k_akma; /* K_AKMA: 32 octets, required */
    struct akma_naf naf;       /* AF_ID, required */
};

/*
 * A derivation returns 0, or a code that says which input is at fault and what is wrong with it.
 * The three macros make such a code and read it.
 */
enum akma_input {
    AKMA_INPUT_NONE,
    AKMA_INPUT_KS_NAF,
    AKMA_INPUT_KA,
    AKMA_INPUT_NAF_ID,
    AKMA_INPUT_NAF_FQDN,
    AKMA_INPUT_UA_PROTOCOL_ID,
    AKMA_INPUT_REFRESH,
    AKMA_INPUT_USAGE,
    AKMA_INPUT_MODE,
    AKMA_INPUT_NOT_AFTER,
    AKMA_INPUT_KEY, /* Ks or K_AKMA */
    AKMA_INPUT_RAND,
    AKMA_INPUT_IMPI,
    AKMA_INPUT_OUTPUT /* the length asked for */
};

enum akma_fault {
    AKMA_FAULT_NONE,
    AKMA_FAULT_MISSING,    /* not given; of NAF_Id's two halves, the one that is not */
    AKMA_FAULT_CONFLICT,   /* naf_id beside naf_fqdn or ua_protocol_id */
    AKMA_FAULT_LENGTH,     /* fewer or more octets than the input may have */
    AKMA_FAULT_ZERO,       /* a key of zero octets only */
    AKMA_FAULT_EQUAL,      /* Ka is Ks_NAF */
    AKMA_FAULT_HOST_NAME,  /* an octet that is no letter, digit, hyphen or dot */
    AKMA_FAULT_LABEL,      /* a label that is empty, over 63 octets, or has a hyphen at an end */
    AKMA_FAULT_ADDRESS,    /* an IPv4 address: the last label is all digits */
    AKMA_FAULT_URL,        /* ':' or '/': a URL, or host and port */
    AKMA_FAULT_IDENTIFIER, /* naf_id without its Ua security protocol identifier */
    AKMA_FAULT_PROTOCOL,   /* an identifier that is text, or starts with 00 and is not all zero */
    AKMA_FAULT_UTF8,       /* malformed (RFC 3629) */
    AKMA_FAULT_CHARACTER,  /* a control, format or noncharacter, or NUL */
    AKMA_FAULT_FORM,       /* not user@realm, or with a blank or a URI scheme */
    AKMA_FAULT_VALUE,      /* no such mode; not_after beyond the year 9999 (milliseconds?) */
    AKMA_FAULT_EXPIRED,    /* now is past not_after */
    AKMA_FAULT_HMAC        /* HMAC failed */
};

#define AKMA_REASON(input, fault) ((int)(input)*32 + (int)(fault))
#define AKMA_REASON_INPUT(reason) ((enum akma_input)((reason) / 32))
#define AKMA_REASON_FAULT(reason) ((enum akma_fault)((reason) % 32))
#define AKMA_HMAC_FAILED          AKMA_REASON(AKMA_INPUT_NONE, AKMA_FAULT_HMAC)

/* e2e_key of 1 to AKMA_E2E_KEY_MAX octets. The length is part of what is hashed. 0, or a reason. */
int akma_e2e(const struct akma_hmac *hmac, const struct akma_e2e_input *input, uint8_t *key,
             size_t length);

/* The first 1 to 32 octets of Ks_NAF (or Ks_ext_NAF). 0, or a reason. */
int akma_ks_naf(const struct akma_hmac *hmac, const struct akma_ks_naf_input *input, uint8_t *key,
                size_t length);

/* The first 1 to 32 octets of K_AF. 0, or a reason. */
int akma_k_af(const struct akma_hmac *hmac, const struct akma_k_af_input *input, uint8_t *key,
              size_t length);

#ifdef __cplusplus
}
#endif

#endif
