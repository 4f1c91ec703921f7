/*
 * What a UE makes of the answer to its nonce: the key that a flag promises, plain, or the end
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/ue_flag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum ue_flag_result refuse(char reason[CLIENT_REASON_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static enum ue_flag_result refuse(char reason[CLIENT_REASON_SIZE], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    (void)vsnprintf(reason, CLIENT_REASON_SIZE, format, arguments);
    va_end(arguments);
    return UE_FLAG_REFUSED;
}

/* Is it the flag of this UE's setup, and fresh? */
static enum ue_flag_result check(const struct client_setup *setup, const struct e2e_flag *flag,
                                 const unsigned char nonce[NONCE_LENGTH],
                                 char reason[CLIENT_REASON_SIZE])
{
    const struct e2e *e2e = &setup->protocols->e2e; /* they differ in NAF_Id alone */

    if (flag->refresh_length < (size_t)2 * NONCE_LENGTH ||
        memcmp(flag->refresh, nonce, NONCE_LENGTH) != 0)
        return refuse(reason, "the flag's refresh does not start with this UE's nonce and go on "
                              "with 16 octets or more: it is old or altered");
    if (!e2e_is_ours(e2e, flag->mode, flag->digest, flag->usage))
        return refuse(reason,
                      "the flag does not say mode %s, digest %s, usage %s: it is altered, or the "
                      "UE is not set up as the server is",
                      e2e->mode, e2e->digest, e2e->usage);
    if (setup->ka_id != NULL && strcmp(setup->ka_id, flag->ka_id) != 0)
        return refuse(reason,
                      "the flag names another Ka (%s) than --ka-id: it is altered, or the server "
                      "is older than this option",
                      flag->ka_id);
    return UE_FLAG_E2E;
}

/* The Ka that a flag means. NULL: reason. */
static const struct device *find_ka(const struct client_setup *setup, const struct e2e_flag *flag,
                                    char reason[CLIENT_REASON_SIZE])
{
    const struct device *meant =
        devices_ka(setup->devices, setup->device, flag->ka_id[0] == '\0' ? NULL : flag->ka_id);

    if (meant == NULL) {
        (void)refuse(reason, "the flag names a Ka (%s) that this UE does not hold: provision it",
                     flag->ka_id);
        return NULL;
    }
    if (setup->oldest == NULL ||
        devices_first_of_ka(setup->devices, meant)->row >= setup->oldest->row)
        return meant;
    (void)refuse(reason,
                 "the flag means a Ka (%s) that is older than --oldest-ka-id: somebody may have "
                 "got hold of it, or the server was not given the new one",
                 meant->ka_id);
    return NULL;
}

static enum ue_flag_result derive(const struct client_setup *setup, size_t protocol,
                                  const struct e2e_flag *flag, struct ue_promise *promise,
                                  char reason[CLIENT_REASON_SIZE])
{
    const struct device *ka = find_ka(setup, flag, reason);
    struct e2e_inputs inputs = {.refresh = flag->refresh, .refresh_length = flag->refresh_length};
    char why[E2E_REASON_SIZE];

    if (ka == NULL)
        return UE_FLAG_REFUSED;
    inputs.ks_naf = client_ks_naf(setup, protocol);
    inputs.not_after = setup->device->not_after;
    inputs.ka = ka->ka;
    inputs.ka_length = ka->ka_length;
    if (!e2e_derive(&setup->protocols[protocol].e2e, &inputs, promise->key, why)) {
        (void)refuse(reason, "%s", why);
        return UE_FLAG_FAILED;
    }
    memcpy(promise->identity, flag->identity, sizeof(promise->identity));
    return UE_FLAG_E2E;
}

enum ue_flag_result ue_flag_read(const struct client_setup *setup, size_t protocol,
                                 const unsigned char nonce[NONCE_LENGTH], const char *line,
                                 size_t length, struct ue_promise *promise,
                                 char reason[CLIENT_REASON_SIZE])
{
    char fault[E2E_FLAG_FAULT_SIZE];
    struct e2e_flag flag;
    enum ue_flag_result result;

    if (!e2e_flag_decode(&flag, line, length, fault))
        return refuse(reason, "the answer is not an e2e flag (%s): somebody may be in the middle",
                      fault);
    if (devices_ka(setup->devices, setup->device, NULL) == NULL)
        return UE_FLAG_PLAIN; /* nothing is expected of the flag */
    if (!flag.e2e && !setup->allow_plain)
        return refuse(reason, "the NAF offers no e2e although this UE holds a Ka: somebody may be "
                              "in the middle (--allow-plain continues anyway)");
    if (!flag.e2e)
        return UE_FLAG_PLAIN;
    result = check(setup, &flag, nonce, reason);
    return result == UE_FLAG_E2E ? derive(setup, protocol, &flag, promise, reason) : result;
}
