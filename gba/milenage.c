/*
 * Milenage, each step under a line of TS 35.206's notation
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "milenage.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define OCTETS(bits) ((bits) / 8)

/* Constants ci (their last octet) and rotations ri in bits, i = 1 to 5 (TS 35.206 4.1). */
static const struct {
    unsigned char c;
    unsigned int r;
} round_of[] = {{0, 64}, {1, 0}, {2, 32}, {4, 64}, {8, 96}};

/* E[x]K */
static bool encrypt(const unsigned char k[MILENAGE_BLOCK], const unsigned char x[MILENAGE_BLOCK],
                    unsigned char out[MILENAGE_BLOCK])
{
    EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int length = 0;
    const bool done =
        aes != NULL && ctx != NULL && EVP_EncryptInit_ex2(ctx, aes, k, NULL, NULL) > 0 &&
        EVP_CIPHER_CTX_set_padding(ctx, 0) > 0 &&
        EVP_EncryptUpdate(ctx, out, &length, x, MILENAGE_BLOCK) > 0 && length == MILENAGE_BLOCK;

    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(aes);
    return done;
}

static void xor_block(unsigned char out[MILENAGE_BLOCK], const unsigned char x[MILENAGE_BLOCK])
{
    for (size_t i = 0; i < MILENAGE_BLOCK; i++)
        out[i] ^= x[i];
}

/* rot(x, r): towards the most significant bit */
static void rotate(unsigned char out[MILENAGE_BLOCK], const unsigned char x[MILENAGE_BLOCK],
                   unsigned int bits)
{
    for (size_t i = 0; i < MILENAGE_BLOCK; i++)
        out[i] = x[(i + OCTETS(bits)) % MILENAGE_BLOCK];
}

/* TEMP = E[RAND ^ OPc]K */
static bool make_temp(const struct milenage_keys *keys, const unsigned char rand[MILENAGE_BLOCK],
                      unsigned char temp[MILENAGE_BLOCK])
{
    memcpy(temp, rand, MILENAGE_BLOCK);
    xor_block(temp, keys->opc);
    return encrypt(keys->k, temp, temp);
}

/* OUTi = E[rot(TEMP ^ OPc, ri) ^ ci]K ^ OPc, i = 2 to 5 */
static bool make_out(const struct milenage_keys *keys, const unsigned char temp[MILENAGE_BLOCK],
                     unsigned int i, unsigned char out[MILENAGE_BLOCK])
{
    unsigned char x[MILENAGE_BLOCK];
    bool done;

    memcpy(x, temp, sizeof(x));
    xor_block(x, keys->opc);
    rotate(out, x, round_of[i - 1].r);
    out[MILENAGE_BLOCK - 1] ^= round_of[i - 1].c;
    done = encrypt(keys->k, out, out);
    xor_block(out, keys->opc);
    OPENSSL_cleanse(x, sizeof(x));
    return done;
}

bool milenage_answer(const struct milenage_keys *keys, const unsigned char rand[MILENAGE_BLOCK],
                     struct milenage_answer *answer)
{
    unsigned char temp[MILENAGE_BLOCK], out2[MILENAGE_BLOCK], out5[MILENAGE_BLOCK];
    const bool done = make_temp(keys, rand, temp) && make_out(keys, temp, 2, out2) &&
                      make_out(keys, temp, 3, answer->ck) && make_out(keys, temp, 4, answer->ik) &&
                      make_out(keys, temp, 5, out5);

    /* f5 || ... || f2 = OUT2, f3 = OUT3, f4 = OUT4, f5* = OUT5's beginning */
    memcpy(answer->ak, out2, MILENAGE_SQN);
    memcpy(answer->res, out2 + 8, MILENAGE_RES);
    memcpy(answer->ak_star, out5, MILENAGE_SQN);
    OPENSSL_cleanse(temp, sizeof(temp));
    OPENSSL_cleanse(out2, sizeof(out2));
    OPENSSL_cleanse(out5, sizeof(out5));
    return done;
}

bool milenage_mac(const struct milenage_keys *keys, const unsigned char rand[MILENAGE_BLOCK],
                  const unsigned char sqn[MILENAGE_SQN], const unsigned char amf[MILENAGE_AMF],
                  unsigned char mac_a[MILENAGE_MAC], unsigned char mac_s[MILENAGE_MAC])
{
    unsigned char temp[MILENAGE_BLOCK], in1[MILENAGE_BLOCK], out1[MILENAGE_BLOCK];
    bool done;

    /* IN1 = SQN || AMF || SQN || AMF */
    for (size_t i = 0; i < MILENAGE_BLOCK; i += MILENAGE_SQN + MILENAGE_AMF) {
        memcpy(in1 + i, sqn, MILENAGE_SQN);
        memcpy(in1 + i + MILENAGE_SQN, amf, MILENAGE_AMF);
    }
    /* OUT1 = E[TEMP ^ rot(IN1 ^ OPc, r1) ^ c1]K ^ OPc */
    xor_block(in1, keys->opc);
    rotate(out1, in1, round_of[0].r);
    out1[MILENAGE_BLOCK - 1] ^= round_of[0].c;
    done = make_temp(keys, rand, temp);
    xor_block(out1, temp);
    done = done && encrypt(keys->k, out1, out1);
    xor_block(out1, keys->opc);
    /* f1 || f1* = OUT1 */
    memcpy(mac_a, out1, MILENAGE_MAC);
    memcpy(mac_s, out1 + MILENAGE_MAC, MILENAGE_MAC);
    OPENSSL_cleanse(temp, sizeof(temp));
    OPENSSL_cleanse(out1, sizeof(out1));
    return done;
}
