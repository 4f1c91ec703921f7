/*
 * What is measured: ways to make one key, ours and OpenSSL's own, over the same amount of data
 *
 * The example is a NAF of an operator, a Ka of 32 octets and a counter of 4: S has 110 octets,
 * which makes five SHA-256 compressions in an HMAC, and three where the key has been hashed before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "variants.h"

#include "instance.h"

#include <akma/kdf.h>

#include <openssl/core_names.h>
#include <string.h>

#define KS_NAF                                                         \
    "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff" \
    "\x01\x12\x23\x34\x45\x56\x67\x78\x89\x9a\xab\xbc\xcd\xde\xef\xf0"
#define KA                                                             \
    "\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf" \
    "\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xdb\xdc\xdd\xde\xdf"
#define NAF_ID "xcap.ims.mnc015.mcc234.pub.3gppnetwork.org\x01\x00\x00\x00\x07"
#define COUNT  "\x00\x00\x00\x2a"
#define IMPI   "alice@ims.mnc015.mcc234.3gpp.test"
#define SUPI   "234150999999999"

#define HEAD   \
    "\xff\xe2" \
    "akma-e2e" \
    "\x00\x08"
#define REST NAF_ID "\x00\x2f" COUNT "\x00\x04\x00\x00\x00\x20\x00\x02"
#define S    HEAD KA "\x00\x20" REST "\x01\x00\x01"

#define LENGTH(literal) (sizeof(literal) - 1)

const unsigned char example_s[] = S;
const size_t example_s_length = LENGTH(S);

static unsigned char filler[2 * BLOCK_SIZE]; /* octets of which only the number counts */

#define OCTETS(name, value) OSSL_PARAM_octet_string(name, value, LENGTH(value))
#define FILL(name, length)  OSSL_PARAM_octet_string(name, filler, length)
#define TEXT(name, value)   OSSL_PARAM_utf8_string(name, value, LENGTH(value))

/* clang-format off */
#define E2E \
    OCTETS(AKMA_PARAM_KS_NAF, KS_NAF), OCTETS(AKMA_PARAM_KA, KA), OCTETS(AKMA_PARAM_NAF_ID, NAF_ID)
#define REFRESH OCTETS(AKMA_PARAM_REFRESH, COUNT)
#define GBA \
    OCTETS(AKMA_PARAM_KEY, KS_NAF), FILL(AKMA_PARAM_RAND, AKMA_RAND_LENGTH), \
    TEXT(AKMA_PARAM_IMPI, IMPI), OCTETS(AKMA_PARAM_NAF_ID, NAF_ID)
/* HMAC(key, i || label || 00 || info || L), i and L of four octets */
#define KBKDF(digest) \
    OCTETS(OSSL_KDF_PARAM_KEY, KS_NAF), TEXT(OSSL_KDF_PARAM_MAC, "HMAC"), \
    TEXT(OSSL_KDF_PARAM_DIGEST, digest), FILL(OSSL_KDF_PARAM_SALT, KBKDF_LABEL), \
    FILL(OSSL_KDF_PARAM_INFO, LENGTH(S) - KBKDF_FIXED)
/* what mode HKDF is defined as, so the results are the same */
#define HKDF \
    OCTETS(OSSL_KDF_PARAM_SALT, KS_NAF), TEXT(OSSL_KDF_PARAM_DIGEST, "SHA2-256"), \
    OCTETS(OSSL_KDF_PARAM_KEY, HEAD KA "\x00\x20"), OCTETS(OSSL_KDF_PARAM_INFO, HEAD REST)
/* HMAC(salt, i || key || info), i of four octets */
#define SSKDF \
    OCTETS(OSSL_KDF_PARAM_SALT, KS_NAF), TEXT(OSSL_KDF_PARAM_MAC, "HMAC"), \
    TEXT(OSSL_KDF_PARAM_DIGEST, "SHA2-256"), OCTETS(OSSL_KDF_PARAM_SECRET, KA), \
    FILL(OSSL_KDF_PARAM_INFO, LENGTH(S) - LENGTH(KA) - 4)
/* HMAC(key, length || l || prefix || label || l || data || i), five octets beside the three */
#define TLS13_PREFIX "tls13 "
#define TLS13_KDF \
    OCTETS(OSSL_KDF_PARAM_KEY, KS_NAF), TEXT(OSSL_KDF_PARAM_MODE, "EXPAND_ONLY"), \
    TEXT(OSSL_KDF_PARAM_DIGEST, "SHA2-256"), OCTETS(OSSL_KDF_PARAM_PREFIX, TLS13_PREFIX), \
    FILL(OSSL_KDF_PARAM_LABEL, LENGTH(S) - LENGTH(TLS13_PREFIX) - 5 - 64), \
    FILL(OSSL_KDF_PARAM_DATA, 64)

#define DIGEST(name) \
    {"AKMA-E2E " name, one_shot, 32, "AKMA-E2E", NULL, {E2E, REFRESH, TEXT("digest", name)}}, \
    {"KBKDF " name, one_shot, 32, "KBKDF", NULL, {KBKDF(name)}}
#define MAC_KEY   OCTETS(OSSL_KDF_PARAM_KEY, KS_NAF)
#define MODE_HKDF TEXT(AKMA_PARAM_MODE, AKMA_MODE_HKDF)

const struct variant variants[] = {
    {"AKMA-E2E one shot", one_shot, 32, "AKMA-E2E", NULL, {E2E, REFRESH}},
    {"AKMA-E2E new keys", kept, 32, "AKMA-E2E", AKMA_PARAM_KS_NAF, {E2E, REFRESH}},
    {"AKMA-E2E refresh", kept_last, 32, "AKMA-E2E", AKMA_PARAM_REFRESH, {E2E, REFRESH}},
    {"AKMA-E2E refresh, all given", kept, 32, "AKMA-E2E", AKMA_PARAM_REFRESH, {E2E, REFRESH}},
    {"AKMA-E2E 80 octets", one_shot, 80, "AKMA-E2E", NULL, {E2E, REFRESH}},
    {"AKMA-E2E HKDF one shot", one_shot, 32, "AKMA-E2E", NULL, {E2E, MODE_HKDF, REFRESH}},
    {"AKMA-E2E HKDF new keys", kept, 32, "AKMA-E2E", AKMA_PARAM_KS_NAF, {E2E, MODE_HKDF, REFRESH}},
    {"AKMA-E2E HKDF refresh", kept_last, 32, "AKMA-E2E", AKMA_PARAM_REFRESH,
     {E2E, MODE_HKDF, REFRESH}},
    {"3GPP-KDF", one_shot, 32, "3GPP-KDF", NULL,
     {OCTETS("key", KS_NAF), OCTETS("fc", "\x69"), FILL("p", 52), FILL("p", 53)}},
    {"GBA-KS-NAF", one_shot, 32, "GBA-KS-NAF", NULL, {GBA}},
    {"GBA-KS-INT-NAF", one_shot, 32, "GBA-KS-INT-NAF", NULL, {GBA}},
    {"AKMA-K-AKMA", one_shot, 32, "AKMA-K-AKMA", NULL, {OCTETS("key", KS_NAF), TEXT("supi", SUPI)}},
    {"AKMA-A-TID", one_shot, 32, "AKMA-A-TID", NULL, {OCTETS("key", KS_NAF), TEXT("supi", SUPI)}},
    {"AKMA-K-AF", one_shot, 32, "AKMA-K-AF", NULL,
     {OCTETS("key", KS_NAF), OCTETS("naf-id", NAF_ID)}},
    {"KBKDF one shot", one_shot, 32, "KBKDF", NULL, {KBKDF("SHA2-256")}},
    {"KBKDF kept", kept, 32, "KBKDF", OSSL_KDF_PARAM_KEY, {KBKDF("SHA2-256")}},
    {"KBKDF 80 octets", one_shot, 80, "KBKDF", NULL, {KBKDF("SHA2-256")}},
    {"HKDF one shot", one_shot, 32, "HKDF", NULL, {HKDF}},
    {"SSKDF one shot", one_shot, 32, "SSKDF", NULL, {SSKDF}},
    {"TLS13-KDF one shot", one_shot, 32, "TLS13-KDF", NULL, {TLS13_KDF}},
    {"EVP_MAC new context", mac_new, 32, NULL, OSSL_KDF_PARAM_KEY, {MAC_KEY}},
    {"EVP_MAC re-keyed", mac_rekeyed, 32, NULL, OSSL_KDF_PARAM_KEY, {MAC_KEY}},
    {"EVP_MAC same key", mac_same, 32, NULL, OSSL_KDF_PARAM_KEY, {MAC_KEY}},
    {"five compressions", compress, (size_t)5 * BLOCK_SIZE, NULL, NULL, {OSSL_PARAM_END}},
    {"three compressions", compress, (size_t)3 * BLOCK_SIZE, NULL, NULL, {OSSL_PARAM_END}},
    DIGEST("SHA2-384"), DIGEST("SHA2-512"), DIGEST("SHA2-512/256"),
    DIGEST("SHA3-256"), DIGEST("SHA3-384"), DIGEST("SHA3-512"),
};
/* clang-format on */
const size_t variant_count = sizeof(variants) / sizeof(variants[0]);

const struct variant *variant_find(const char *name)
{
    for (size_t i = 0; i < variant_count; i++)
        if (strcmp(variants[i].name, name) == 0)
            return &variants[i];
    fail(name);
}
