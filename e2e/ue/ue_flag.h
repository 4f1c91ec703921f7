/*
 * What a UE makes of the answer to its nonce: the key that a flag promises, plain, or the end
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_FLAG_H
#define UE_FLAG_H

#include "messages/e2e_flag.h"
#include "ue/client_setup.h"

/* What a flag promises. Holds a secret: cleanse it. */
struct ue_promise {
    char identity[E2E_FLAG_TEXT_MAX + 1];
    unsigned char key[E2E_KEY_LENGTH];
};

enum ue_flag_result {
    UE_FLAG_E2E,     /* the promise is kept with this key */
    UE_FLAG_PLAIN,   /* no Ka is here, or the flag is withheld and that is allowed */
    UE_FLAG_REFUSED, /* no flag, altered, withheld, or not for this UE: reason */
    UE_FLAG_FAILED   /* the key cannot be derived: reason */
};

/*
 * Read the answer to nonce on a first connection that speaks one of the setup's protocols. An
 * answer that is no flag is refused whatever is allowed. promise: set with UE_FLAG_E2E alone;
 * reason: a sentence, unfiltered, set with the last two alone.
 */
enum ue_flag_result ue_flag_read(const struct client_setup *setup, size_t protocol,
                                 const unsigned char nonce[NONCE_LENGTH], const char *line,
                                 size_t length, struct ue_promise *promise,
                                 char reason[CLIENT_REASON_SIZE]);

#endif
