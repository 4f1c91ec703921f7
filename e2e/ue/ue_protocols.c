/*
 * What a UE's first connection may speak, and the Ua security protocol identifier of each
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/ue_protocols.h"

#include "messages/ua_protocol_id.h"
#include "net/dtls.h"
#include "options.h"

#include <stdio.h>
#include <string.h>

static bool fail(const char *sentence)
{
    fprintf(stderr, "%s%s\n", options_where(sentence), sentence);
    return false;
}

static bool says_suite(const struct ue_protocols_options *options)
{
    return options->ua_protocol_id != NULL && strcmp(options->ua_protocol_id, UA_BY_SUITE) == 0;
}

/* An identifier for all that is not by the suite: of TLS 1.3, or of DTLS 1.2. */
static bool add_fixed(struct ue_protocols *protocols, const struct ue_protocols_options *options,
                      const struct dtls_suites *suites)
{
    struct ue_protocol *protocol = &protocols->protocol[protocols->count++];
    const bool is_given = options->ua_protocol_id != NULL && !says_suite(options);
    const char *text = is_given ? options->ua_protocol_id : UA_PROTOCOL_ID;

    protocol->is_tls13 = !options->is_udp;
    return ua_protocol_id_read(protocol->ua_protocol_id, text, options->is_udp ? suites : NULL);
}

static bool add_suites(struct ue_protocols *protocols, const struct ue_protocols_options *options,
                       const struct dtls_suites *suites)
{
    if (!options->bootstraps && suites->count != 1)
        return fail(UA_FAULT_SUITES);
    for (size_t i = 0; i < suites->count; i++) {
        struct ue_protocol *protocol = &protocols->protocol[protocols->count++];

        protocol->suite = suites->number[i];
        ua_protocol_id_of_suite(protocol->ua_protocol_id, protocol->suite);
    }
    return true;
}

/* With the options understood one by one: what do they come to together? */
static bool add_all(struct ue_protocols *protocols, const struct ue_protocols_options *options,
                    const struct dtls_suites *suites)
{
    if (options->is_udp)
        return options->ua_protocol_id == NULL || says_suite(options)
                   ? add_suites(protocols, options, suites)
                   : add_fixed(protocols, options, suites);
    if (says_suite(options) && !protocols->allows_tls12)
        return fail("--ua-protocol-id " UA_BY_SUITE
                    " is for a first connection of DTLS 1.2 or TLS 1.2: --connect udp:HOST:PORT or "
                    "--tls-min 1.2 is missing");
    if (!protocols->allows_tls12)
        return add_fixed(protocols, options, suites);
    if (options->bootstraps)
        return add_fixed(protocols, options, suites) && add_suites(protocols, options, suites);
    return says_suite(options) ? add_suites(protocols, options, suites) : fail(UA_FAULT_VERSIONS);
}

bool ue_protocols_read(struct ue_protocols *protocols, const struct ue_protocols_options *options)
{
    struct dtls_suites suites;

    *protocols = (struct ue_protocols){.allows_tls12 = strcmp(options->tls_min, "1.2") == 0};
    if (!protocols->allows_tls12 && strcmp(options->tls_min, "1.3") != 0)
        return fail("--tls-min: must be 1.2 or 1.3");
    if (protocols->allows_tls12 && options->is_udp)
        return fail("--tls-min: over DTLS (--connect udp:) the version is 1.2 always");
    return dtls_read_ciphers(&suites, options->ciphers) && add_all(protocols, options, &suites);
}

enum e2e_opened ue_protocols_open(struct ue_protocols *protocols, const struct e2e_setup *setup,
                                  char reason[E2E_REASON_SIZE])
{
    enum e2e_opened opened = E2E_OPEN;

    for (size_t i = 0; i < protocols->count && opened == E2E_OPEN; i++) {
        struct e2e_setup own = *setup;

        own.ua_protocol_id = protocols->protocol[i].ua_protocol_id;
        opened = e2e_open(&protocols->protocol[i].e2e, &own, reason);
    }
    return opened;
}

void ue_protocols_close(struct ue_protocols *protocols)
{
    for (size_t i = 0; i < protocols->count; i++)
        e2e_close(&protocols->protocol[i].e2e);
}
