/*
 * One derivation through EVP_KDF, by any of the algorithms, with named inputs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DERIVATION_H
#define DERIVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DERIVATION_REASON_SIZE 512

enum input_form { INPUT_TEXT, INPUT_OCTETS, INPUT_NUMBER };

/* A parameter of include/akma/kdf.h, and its value. */
struct input {
    const char *name;
    enum input_form form;
    const unsigned char *octets; /* of a text or octets */
    size_t length;
    int64_t number;
    bool taken; /* by one derivation or more */
};

/*
 * Derive length octets with those of the inputs that the algorithm takes; they are marked. False:
 * reason says why, without a secret.
 */
bool derivation_run(const char *algorithm, struct input *inputs, size_t count, unsigned char *key,
                    size_t length, char reason[DERIVATION_REASON_SIZE]);

#endif
