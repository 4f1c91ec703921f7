/*
 * akma/kdf.h - the public names of the akma provider
 *
 * Everything here is a macro: an application needs this header and libcrypto, and links to nothing
 * of the provider itself. "octets" is an OSSL_PARAM octet string, "text" an OSSL_PARAM UTF-8
 * string: well formed, without NUL and without characters that are not seen (control, format, line
 * separators, noncharacters), used as given. All lengths count octets. No key may be all zero, that
 * of 3GPP-KDF excepted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_KDF_H
#define AKMA_KDF_H

/*
 * The life of a context
 *
 * An algorithm is fetched once, a context is made from it, and the context derives one key after
 * another until it is freed:
 *
 *     EVP_KDF *kdf = EVP_KDF_fetch(libctx, AKMA_KDF_E2E, AKMA_PROPERTY_QUERY);
 *     EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
 *
 *     EVP_KDF_CTX_set_params(ctx, what_stays);         what all of its keys have in common
 *     EVP_KDF_derive(ctx, key, length, what_changes);  a key; as often as there are keys to derive
 *     EVP_KDF_CTX_free(ctx);
 *     EVP_KDF_free(kdf);
 *
 * EVP_KDF_fetch() looks the algorithm up, which costs more than a derivation. Fetch once and keep
 * the EVP_KDF: all threads may use it at the same time.
 *
 * EVP_KDF_CTX_new() makes a context that has no inputs, with every default in use. It holds on
 * to its algorithm and the provider: both may be let go, and the context still works. Only one
 * thread at a time may use a context; threads that derive side by side have one each.
 *
 * EVP_KDF_CTX_set_params() takes inputs, in any order and over any number of calls. All values are
 * copied, so that the caller can cleanse its own at once. In one call no parameter may occur twice,
 * by its name or an alias, AKMA_PARAM_P excepted. A later call replaces the inputs that it names
 * and leaves the others. Names that the algorithm does not have are ignored, as everywhere in
 * OpenSSL, and so is a misspelt one. The form of each value is checked here.
 *
 * EVP_KDF_derive() takes parameters as well, just as if they had been set before, and they stay.
 * Then it checks what concerns all of them: that none is missing, that Ka is not Ks_NAF, that the
 * length is one the algorithm gives, AKMA_PARAM_NOT_AFTER, and the policy. It writes exactly the
 * length asked for. For AKMA-E2E the length is part of what is hashed: a shorter key is not the
 * beginning of a longer one. Deriving again without a change gives the same key again.
 *
 * Between derivations the context keeps its inputs and the HMAC keyed with them, so a further key
 * that differs in AKMA_PARAM_REFRESH alone is several times cheaper than one of a new context. For
 * as long as it does, the keys are in memory: in OpenSSL's secure heap if the application has set
 * that up.
 *
 * EVP_KDF_CTX_dup() makes a second context with the same inputs; from then on neither sees what the
 * other is told. EVP_KDF_CTX_reset() cleanses all inputs and the HMAC and leaves the context as
 * EVP_KDF_CTX_new() had made it. EVP_KDF_CTX_free() cleanses the same and ends it; of NULL it does
 * nothing. After fork() each process has a context of its own.
 *
 * A context and its algorithm may outlive the library context that they are of. They may not
 * outlive libcrypto itself: freed after OPENSSL_cleanup(), which libcrypto registers with atexit()
 * when it is first called, an EVP_KDF of any provider in a file of its own crashes in
 * libcrypto 3.0. So a program that frees one in an exit handler, or in the destructor of a C++
 * object with static storage, calls OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) before it
 * registers that handler or makes that object.
 *
 * A call that fails takes nothing. The context still has the inputs from before the call, of
 * several parameters not even those that were good, and can be used again. A derivation that fails
 * leaves no part of a key in its output. OpenSSL's error stack has the reason, with a text that
 * names the parameter, what was given and what is wanted, and that holds no secret.
 */

/* The provider: its name in openssl.cnf, its file name without suffix, and the property it sets. */
#define AKMA_PROVIDER_NAME  "akma"
#define AKMA_PROPERTY_QUERY "provider=akma"

/* Provider parameter: the current policy, one line per key (or what is wrong with it); text. */
#define AKMA_PROVIDER_PARAM_POLICY "policy"

/*
 * Algorithms, for EVP_KDF_fetch(). A context has no fixed output size: "size" (size_t) is SIZE_MAX,
 * the length asked of EVP_KDF_derive() counts.
 */
#define AKMA_KDF_E2E        "AKMA-E2E"       /* e2e_key = KDF(Ks_(ext/int)_NAF, Ka) */
#define AKMA_KDF_KS_NAF     "GBA-KS-NAF"     /* Ks_NAF, Ks_ext_NAF: TS 33.220 B.3 */
#define AKMA_KDF_KS_INT_NAF "GBA-KS-INT-NAF" /* Ks_int_NAF: TS 33.220 B.3 */
#define AKMA_KDF_K_AKMA     "AKMA-K-AKMA"    /* K_AKMA: TS 33.535 A.2 */
#define AKMA_KDF_A_TID      "AKMA-A-TID"     /* A-TID: TS 33.535 A.3 */
#define AKMA_KDF_K_AF       "AKMA-K-AF"      /* K_AF: TS 33.535 A.4 */
#define AKMA_KDF_KA         "AKMA-KA"        /* Ka of a device, from the third party's K_master */
#define AKMA_KDF_3GPP       "3GPP-KDF"       /* any other: TS 33.220 B.2.0 */

/* Parameters of AKMA-E2E. */

/* Ks_(ext/int)_NAF (TS 33.220 B.3) or K_AF (TS 33.535 A.4): octets, exactly 32, required. */
#define AKMA_PARAM_KS_NAF "ks-naf"
/* Ka, the third party's own key: octets, 16 to 65535, uniformly random, required, secret. */
#define AKMA_PARAM_KA "ka"
/* OpenSSL's names for these two: the same parameters, so giving both in one call is an error. */
#define AKMA_PARAM_KEY    "key"
#define AKMA_PARAM_SECRET "secret"
/* What makes this key fresh (counter, nonces, epoch): octets, 0 to 255, default empty. */
#define AKMA_PARAM_REFRESH "refresh"
/* What the key is for, one label per key: text, 0 to 255, default empty. */
#define AKMA_PARAM_USAGE "usage"
/* Hash of the HMAC: text, one of AKMA_DIGEST_* or an alias OpenSSL has for it, default SHA2-256. */
#define AKMA_PARAM_DIGEST "digest"
/* Construction: text, AKMA_MODE_* in any case, default 3GPP. */
#define AKMA_PARAM_MODE "mode"
/*
 * End of life of the 3GPP key as BSF or AAnF gave it: integer (int64_t), seconds since 1970 UTC,
 * default none, AKMA_NOT_AFTER_MAX at most. Deriving fails when the clock is past it. Not part of
 * what is hashed.
 */
#define AKMA_PARAM_NOT_AFTER "not-after"

/* NAF_Id, for AKMA-E2E, GBA-KS-NAF, GBA-KS-INT-NAF and (as AF_ID) AKMA-K-AF; required. */

/* FQDN, then the Ua security protocol identifier: octets, 6 to 258 (TS 33.220 Annex H). */
#define AKMA_PARAM_NAF_ID "naf-id"
/* Instead of it, its two halves: the FQDN, text, 1 to 253; no address, URL or port ... */
#define AKMA_PARAM_NAF_FQDN "naf-fqdn"
/* ... and the identifier, octets, exactly 5. */
#define AKMA_PARAM_UA_PROTOCOL_ID "ua-protocol-id"

/*
 * Further parameters of the other algorithms. AKMA_PARAM_KEY is their key: octets, exactly 32 (for
 * 3GPP-KDF 1 or more), required, secret.
 */

/* RAND of the GBA bootstrapping: octets, exactly 16, required (TS 33.220 B.3). */
#define AKMA_PARAM_RAND "rand"
/* IMPI: text, user@realm, 1 to 65535, required (TS 33.220 B.3). */
#define AKMA_PARAM_IMPI "impi"
/*
 * SUPI as TS 33.501 A.7.0 uses it, 5 to 15 digits (an IMSI) or user@realm: text, 1 to 65535,
 * required.
 */
#define AKMA_PARAM_SUPI "supi"
/* AKMA-KA: the device's permanent name, as it is written everywhere: text, 1 to 255, required. */
#define AKMA_PARAM_DEVICE "device"
/* AKMA-KA: which Ka of the device (a year, a batch): text, 0 to 255, default empty. */
#define AKMA_PARAM_KA_ID "ka-id"
/* FC of 3GPP-KDF: octets, one other than FF, or FF and one more, not FFE2; required. */
#define AKMA_PARAM_FC "fc"
/*
 * P0, P1, ... of 3GPP-KDF: octets, 0 to 65535 each, repeated in order; at least one. All together,
 * each with the two octets of its L, 2147483647 at most.
 */
#define AKMA_PARAM_P "p"

/* Property query for the HMAC and its hash, of every algorithm: text, default none. */
#define AKMA_PARAM_PROPERTIES "properties"

/* Values of AKMA_PARAM_MODE. */
#define AKMA_MODE_3GPP "3GPP" /* HMAC(Ks_NAF, S(i)), TS 33.220 B.2.0 */
#define AKMA_MODE_HKDF "HKDF" /* RFC 5869 over the same data */

/* Values of AKMA_PARAM_DIGEST. */
#define AKMA_DIGEST_SHA2_256     "SHA2-256"
#define AKMA_DIGEST_SHA2_384     "SHA2-384"
#define AKMA_DIGEST_SHA2_512     "SHA2-512"
#define AKMA_DIGEST_SHA2_512_256 "SHA2-512/256"
#define AKMA_DIGEST_SHA3_256     "SHA3-256"
#define AKMA_DIGEST_SHA3_384     "SHA3-384"
#define AKMA_DIGEST_SHA3_512     "SHA3-512"

/* Defaults. */
#define AKMA_DEFAULT_DIGEST AKMA_DIGEST_SHA2_256
#define AKMA_DEFAULT_MODE   AKMA_MODE_3GPP

/* The latest AKMA_PARAM_NOT_AFTER: the end of the year 9999. */
#define AKMA_NOT_AFTER_MAX 253402300799LL

/* Limits, in octets. */
#define AKMA_KEY_LENGTH            32    /* Ks, Ks_NAF, K_AUSF, K_AKMA, K_AF, K_master */
#define AKMA_KA_MIN                16    /* 128 bits; 32 octets recommended; policy may want more */
#define AKMA_KA_MAX                65535 /* what a two-octet L counts: TS 33.220 B.2.0 */
#define AKMA_NAF_FQDN_MAX          253   /* RFC 1035 in text form */
#define AKMA_UA_PROTOCOL_ID_LENGTH 5     /* TS 33.220 Annex H */
#define AKMA_NAF_ID_MIN            6
#define AKMA_NAF_ID_MAX            258
#define AKMA_REFRESH_MAX           255
#define AKMA_USAGE_MAX             255
#define AKMA_RAND_LENGTH           16 /* TS 33.102 */
#define AKMA_DEVICE_MAX            255
#define AKMA_KA_ID_MAX             255
#define AKMA_P_MAX                 65535      /* impi, supi and each p: what a two-octet L counts */
#define AKMA_P_LIST_MAX            2147483647 /* all p of one list, each with its L */
#define AKMA_OUTPUT_BLOCKS_MAX     255 /* AKMA-E2E: longest output, in outputs of the digest */
#define AKMA_OUTPUT_MAX            32  /* the others: longest output; AKMA-KA: the only one */

#endif
