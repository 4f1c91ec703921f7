/*
 * The UE's nonce, and what it makes of the flag that comes back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/client_flag.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

enum io_status client_send_nonce(struct client *client)
{
    struct nonce nonce = {.device = ""};
    char *line;
    bool added;

    if (tls_lines_unwritten(&client->lines) > 0)
        return tls_lines_write(&client->lines);
    if (RAND_bytes(client->nonce, sizeof(client->nonce)) <= 0)
        return client_fail(client, CLIENT_OTHER, "no randomness for a nonce");
    memcpy(nonce.octets, client->nonce, NONCE_LENGTH);
    if (client->setup->device_name != NULL)
        (void)snprintf(nonce.device, sizeof(nonce.device), "%s", client->setup->device_name);
    line = nonce_encode(&nonce);
    added = line != NULL && tls_lines_add(&client->lines, "", line, strlen(line));
    json_line_free(line);
    return added ? tls_lines_write(&client->lines)
                 : client_fail(client, CLIENT_OTHER, "out of memory");
}

/* Is it the flag of this UE's setup, and fresh? */
static enum io_status check_flag(struct client *client)
{
    const struct e2e *e2e = client->setup->e2e;
    const struct e2e_flag *flag = &client->flag;

    if (flag->refresh_length < (size_t)2 * NONCE_LENGTH ||
        memcmp(flag->refresh, client->nonce, NONCE_LENGTH) != 0)
        return client_fail(client, CLIENT_NO_E2E,
                           "the flag's refresh does not start with this UE's nonce and go on "
                           "with 16 octets or more: it is old or altered");
    if (!e2e_is_ours(e2e, flag->mode, flag->digest, flag->usage))
        return client_fail(
            client, CLIENT_NO_E2E,
            "the flag does not say mode %s, digest %s, usage %s: it is altered, or the UE "
            "is not set up as the server is",
            e2e->mode, e2e->digest, e2e->usage);
    return IO_OK;
}

/* The key that the flag promises. */
static enum io_status derive(struct client *client)
{
    const struct client_setup *setup = client->setup;
    const struct e2e_flag *flag = &client->flag;
    const struct device *meant =
        devices_ka(setup->devices, setup->device, flag->ka_id[0] == '\0' ? NULL : flag->ka_id);
    struct e2e_inputs inputs = {.refresh = flag->refresh, .refresh_length = flag->refresh_length};
    char reason[E2E_REASON_SIZE];

    if (meant == NULL)
        return client_fail(client, CLIENT_NO_E2E,
                           "the flag names a Ka (%s) that this UE does not hold: provision it",
                           flag->ka_id);
    if (setup->oldest != NULL &&
        devices_first_of_ka(setup->devices, meant)->row < setup->oldest->row)
        return client_fail(
            client, CLIENT_NO_E2E,
            "the flag means a Ka (%s) that is older than --oldest-ka-id: somebody may have "
            "got hold of it, or the server was not given the new one",
            meant->ka_id);
    inputs.ks_naf = setup->device->ks_naf;
    inputs.not_after = setup->device->not_after;
    inputs.ka = meant->ka;
    inputs.ka_length = meant->ka_length;
    if (!e2e_derive(setup->e2e, &inputs, client->e2e_key, reason))
        return client_fail(client, CLIENT_OTHER, "%s", reason);
    client_leave_first(client);
    return IO_OK;
}

/* After the flag: on to e2e, or in plain where that is allowed. */
static enum io_status follow_flag(struct client *client)
{
    const struct client_setup *setup = client->setup;

    if (devices_ka(setup->devices, setup->device, NULL) == NULL) {
        client->flag.e2e = false; /* no Ka: nothing is expected of the flag */
        return IO_OK;
    }
    if (!client->flag.e2e && !setup->allow_plain)
        return client_fail(client, CLIENT_NO_E2E,
                           "the NAF offers no e2e although this UE holds a Ka: somebody may be "
                           "in the middle (--allow-plain goes on all the same)");
    if (!client->flag.e2e)
        return IO_OK;
    return check_flag(client) == IO_OK ? derive(client) : IO_ERROR;
}

enum io_status client_read_flag(struct client *client)
{
    char fault[E2E_FLAG_FAULT_SIZE];
    struct e2e_flag flag;
    const char *line;
    size_t length;
    enum io_status result = tls_lines_read(&client->lines, &line, &length);

    if (result != IO_OK)
        return result;
    if (!e2e_flag_decode(&flag, line, length, fault))
        return client_fail(client, CLIENT_NO_E2E,
                           "what arrived is not an e2e flag (%s): somebody may be in the middle",
                           fault);
    client->flag = flag;
    return follow_flag(client);
}
