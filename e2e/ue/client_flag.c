/*
 * The UE's nonce, and what it makes of the flag that comes back
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/client_flag.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

enum wire_result client_send_nonce(struct client *client)
{
    struct nonce nonce = {.device = ""};
    char *line;
    bool added;

    if (wire_unwritten(&client->wire) > 0)
        return wire_write(&client->wire);
    if (RAND_bytes(client->nonce, sizeof(client->nonce)) <= 0)
        return client_fail(client, CLIENT_OTHER, "no randomness for a nonce");
    memcpy(nonce.octets, client->nonce, NONCE_LENGTH);
    if (client->setup->device_name != NULL)
        (void)snprintf(nonce.device, sizeof(nonce.device), "%s", client->setup->device_name);
    line = nonce_encode(&nonce);
    added = line != NULL && wire_add(&client->wire, "", line, strlen(line));
    json_line_free(line);
    return added ? wire_write(&client->wire) : client_fail(client, CLIENT_OTHER, "out of memory");
}

/* Is it the flag of this UE's setup, and fresh? */
static enum wire_result check_flag(struct client *client)
{
    const struct e2e *e2e = client->setup->e2e;
    const struct flag *flag = &client->flag;

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
    return WIRE_OK;
}

/* The key that the flag promises. */
static enum wire_result derive(struct client *client)
{
    const struct client_setup *setup = client->setup;
    const struct flag *flag = &client->flag;
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
    client_disconnect(client);
    client->place = setup->endpoint->places;
    return WIRE_OK;
}

/* After the flag: on to e2e, or in plain where that is allowed. */
static enum wire_result follow_flag(struct client *client)
{
    const struct client_setup *setup = client->setup;

    if (devices_ka(setup->devices, setup->device, NULL) == NULL) {
        client->flag.e2e = false; /* no Ka: nothing is expected of the flag */
        return WIRE_OK;
    }
    if (!client->flag.e2e && !setup->allow_plain)
        return client_fail(client, CLIENT_NO_E2E,
                           "the NAF offers no e2e although this UE holds a Ka: somebody may be "
                           "in the middle (--allow-plain goes on all the same)");
    if (!client->flag.e2e)
        return WIRE_OK;
    return check_flag(client) == WIRE_OK ? derive(client) : WIRE_FAILED;
}

enum wire_result client_read_flag(struct client *client)
{
    char fault[FLAG_FAULT_SIZE];
    struct flag flag;
    const char *line;
    size_t length;
    enum wire_result result = wire_read(&client->wire, &line, &length);

    if (result != WIRE_OK)
        return result;
    if (!flag_decode(&flag, line, length, fault))
        return client_fail(client, CLIENT_NO_E2E,
                           "what arrived is not an e2e flag (%s): somebody may be in the middle",
                           fault);
    client->flag = flag;
    return follow_flag(client);
}
