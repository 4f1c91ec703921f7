/*
 * Milenage (TS 35.206): AKA's functions f1 to f5* over AES-128 of libcrypto
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MILENAGE_H
#define MILENAGE_H

#include <stdbool.h>

#define MILENAGE_BLOCK 16 /* K, OPc, RAND, CK, IK */
#define MILENAGE_SQN   6
#define MILENAGE_AMF   2
#define MILENAGE_MAC   8
#define MILENAGE_RES   8

struct milenage_keys {
    unsigned char k[MILENAGE_BLOCK], opc[MILENAGE_BLOCK];
};

/* All that one RAND gives; ak_star is f5*, for a resynchronisation. Cleanse it. */
struct milenage_answer {
    unsigned char res[MILENAGE_RES], ck[MILENAGE_BLOCK], ik[MILENAGE_BLOCK];
    unsigned char ak[MILENAGE_SQN], ak_star[MILENAGE_SQN];
};

/* f2 to f5*. False: libcrypto gives no AES-128. */
bool milenage_answer(const struct milenage_keys *keys, const unsigned char rand[MILENAGE_BLOCK],
                     struct milenage_answer *answer);

/* f1 gives mac_a, f1* gives mac_s. */
bool milenage_mac(const struct milenage_keys *keys, const unsigned char rand[MILENAGE_BLOCK],
                  const unsigned char sqn[MILENAGE_SQN], const unsigned char amf[MILENAGE_AMF],
                  unsigned char mac_a[MILENAGE_MAC], unsigned char mac_s[MILENAGE_MAC]);

#endif
