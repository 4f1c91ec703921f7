/*
 * What a UE's first connection may speak, and the Ua security protocol identifier of each
 *
 * No key serves two versions of TLS (RFC 8446 E.7). A key of a devices file is for one protocol; a
 * bootstrapping gives one for each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UE_PROTOCOLS_H
#define UE_PROTOCOLS_H

#include "ue/client_setup.h"
#include "ue/ue_key_rows.h"

#include <stdbool.h>
#include <stddef.h>

struct ue_protocols {
    size_t count;
    bool allows_tls12;
    struct ue_protocol protocol[UE_PROTOCOLS_MAX];
};

/* As the options have it. */
struct ue_protocols_options {
    const char *ua_protocol_id; /* NULL: not given */
    const char *tls_min, *ciphers;
    bool is_udp, bootstraps;
};

/* Which they are. False: the reason went to standard error. */
bool ue_protocols_read(struct ue_protocols *protocols, const struct ue_protocols_options *options);

/* Open the e2e setup of each, as e2e_open() does: setup with its identifier. Close it in any case.
 */
enum e2e_opened ue_protocols_open(struct ue_protocols *protocols, const struct e2e_setup *setup,
                                  char reason[E2E_REASON_SIZE]);
void ue_protocols_close(struct ue_protocols *protocols);

#endif
