/*
 * Plugin of the mosquitto broker: TLS-PSK with e2e_key, derived when a client's identity comes
 *
 *     plugin /usr/lib/x86_64-linux-gnu/mosquitto_akma.so
 *     plugin_opt_devices /etc/mosquitto/devices.csv
 *     plugin_opt_naf_fqdn naf.example.com
 *     plugin_opt_ua_protocol_id 0100000007
 *     plugin_opt_usage mqtt
 *
 * docs/consumers.md has the whole configuration. The broker is one thread, so is this.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "e2e_key.h"
#include "hex.h"
#include "module.h"
#include "overlap.h"
#include "printable.h"
#include "sessions.h"
#include "watched_devices.h"

#include <akma/kdf.h>
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPORTED __attribute__((visibility("default")))

/* The options plugin_opt_<name>. */
enum option { DEVICES, NAF_FQDN, UA_PROTOCOL_ID, USAGE, OVERLAP, OPTIONS };

static const struct {
    const char *name;
    const char *value; /* the default; NULL: it is required */
} known[OPTIONS] = {
    [DEVICES] = {"devices", NULL},
    [NAF_FQDN] = {"naf_fqdn", NULL},
    [UA_PROTOCOL_ID] = {"ua_protocol_id", "0100000007"}, /* TLS 1.3: TS 33.220 H.3 */
    [USAGE] = {"usage", ""},
    [OVERLAP] = {"overlap", "0"}, /* seconds for which a replaced Ka is valid */
};

struct plugin {
    mosquitto_plugin_id_t *identifier;
    char *given[OPTIONS]; /* copies: the broker's own may go when it reads its file again */
    struct module module;
    struct e2e e2e;
    struct watched_devices watched;
    struct overlap overlap;
    struct sessions sessions;
    bool changed;   /* the rows, since the sessions were held against them */
    int64_t looked; /* seconds of CLOCK_MONOTONIC */
};

/* Functions that a broker may lack: without them sessions are not ended, and no address is logged.
 */
#pragma weak mosquitto_client_id
#pragma weak mosquitto_client_address
#pragma weak mosquitto_kick_client_by_username

static bool complain(const char *what, const char *why)
{
    mosquitto_log_printf(MOSQ_LOG_ERR, "akma: %s: %s", PRINTABLE(what), why);
    return false;
}

static enum option find_option(const char *name)
{
    enum option option = DEVICES;

    while (option < OPTIONS && strcmp(known[option].name, name) != 0)
        option++;
    return option;
}

static bool take_options(struct plugin *plugin, const struct mosquitto_opt *options,
                         int option_count)
{
    for (int i = 0; i < option_count; i++) {
        const enum option option = find_option(options[i].key);

        if (option == OPTIONS)
            return complain(options[i].key, "no such plugin_opt; devices, naf_fqdn, "
                                            "ua_protocol_id, usage and overlap are known");
        if (plugin->given[option] != NULL)
            return complain(options[i].key, "given twice");
        plugin->given[option] = OPENSSL_strdup(options[i].value);
    }
    for (enum option option = DEVICES; option < OPTIONS; option++) {
        if (plugin->given[option] == NULL && known[option].value != NULL)
            plugin->given[option] = OPENSSL_strdup(known[option].value);
        if (plugin->given[option] == NULL)
            return complain(known[option].name, "plugin_opt_ of this name is missing");
    }
    return true;
}

static bool open_overlap(struct plugin *plugin)
{
    const char *const text = plugin->given[OVERLAP];
    char *end = NULL;
    const unsigned long seconds = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || seconds > OVERLAP_MAX)
        return complain("overlap", "must be a number of seconds, at most 31536000 (a year)");
    plugin->overlap.seconds = (unsigned int)seconds;
    return true;
}

/* The setup that all keys share; the policy is checked now, not when a client comes. */
static bool open_setup(struct plugin *plugin)
{
    unsigned char ua[AKMA_UA_PROTOCOL_ID_LENGTH];
    const char *const hex = plugin->given[UA_PROTOCOL_ID];
    char reason[E2E_REASON_SIZE];

    if (strlen(hex) != 2 * sizeof(ua) || !hex_decode(ua, hex, 2 * sizeof(ua)))
        return complain("ua_protocol_id", "must be 10 hex digits");
    if (!module_open(&plugin->module, reason))
        return complain("OpenSSL", PRINTABLE(reason));
    const struct e2e_setup setup = {.libctx = plugin->module.libctx,
                                    .naf_fqdn = plugin->given[NAF_FQDN],
                                    .ua_protocol_id = ua,
                                    .usage = plugin->given[USAGE]};

    return e2e_open(&plugin->e2e, &setup, reason) == E2E_OPEN ||
           complain("plugin_opt", PRINTABLE(reason));
}

static bool refuse(const char *identity, const char *why)
{
    mosquitto_log_printf(MOSQ_LOG_NOTICE, "akma: identity \"%s\" refused: %s", PRINTABLE(identity),
                         why);
    return false;
}

/* Does the file, or the overlap, still have what a session runs on? */
static bool is_good(struct plugin *plugin, const struct session *session)
{
    const struct devices *const devices = plugin->watched.devices;
    const struct device *const last = devices_find(devices, session->identity);
    const struct device *row = last == NULL ? NULL : devices_ka(devices, last, NULL);
    unsigned char hash[SHA256_DIGEST_LENGTH];

    if (row == NULL)
        return false;
    if (session_hash(hash, row) && memcmp(hash, session->ka, sizeof(hash)) == 0)
        return true;
    for (row = last; row >= devices->rows && strcmp(row->identity, session->identity) == 0; row--)
        if (row->ka != NULL && session_hash(hash, row) &&
            memcmp(hash, session->ka, sizeof(hash)) == 0)
            return true;
    return overlap_has(&plugin->overlap, session->identity, session->ka);
}

static void judge(struct session *session, void *argument)
{
    session->is_over = !is_good(argument, session);
}

/*
 * End the sessions whose row or Ka is gone. The broker knows a session by its user name, which is
 * the identity if use_identity_as_username is set.
 */
static void end_sessions(struct plugin *plugin)
{
    struct session *session;

    /* An old Ka ends when its time is over. */
    if (mosquitto_kick_client_by_username == NULL ||
        (!plugin->changed && plugin->overlap.count == 0))
        return;
    plugin->changed = false;
    sessions_each(&plugin->sessions, judge, plugin);
    while ((session = sessions_take_over(&plugin->sessions)) != NULL) {
        mosquitto_log_printf(MOSQ_LOG_NOTICE,
                             "akma: identity \"%s\": its session ends: its row or its Ka is gone",
                             PRINTABLE(session->identity));
        (void)mosquitto_kick_client_by_username(session->identity, true);
        OPENSSL_free(session);
    }
}

/* New rows are in use: each Ka that they replace overlaps. */
static void take_rows(struct plugin *plugin)
{
    const char *const path = plugin->watched.file.path;

    mosquitto_log_printf(MOSQ_LOG_NOTICE, "akma: %s: %zu rows read", PRINTABLE(path),
                         plugin->watched.devices->count);
    if (!overlap_change(&plugin->overlap, plugin->watched.before, plugin->watched.devices))
        (void)complain(path, "out of memory: replaced Ka's are no longer valid");
    watched_devices_forget(&plugin->watched);
    plugin->changed = true;
}

/* Read the file if it has changed. False: no rows were ever read. */
static bool check_devices(struct plugin *plugin)
{
    const char *const path = plugin->watched.file.path;
    char fault[DEVICES_FAULT_SIZE];

    switch (watched_devices_look(&plugin->watched, fault)) {
    case WATCHED_SAME:
        break;
    case WATCHED_READ:
        take_rows(plugin);
        break;
    case WATCHED_BAD:
        (void)complain(path, fault);
        if (plugin->watched.devices != NULL)
            (void)complain(path, "the rows from before hold");
        break;
    }
    return plugin->watched.devices != NULL;
}

/* The key of a device, in hex, as the broker wants it. */
static bool derive(const struct plugin *plugin, const struct device *device,
                   const struct device *ka, char *hex, size_t size)
{
    const struct e2e_inputs inputs = {.ks_naf = device->ks_naf,
                                      .ka = ka->ka,
                                      .ka_length = ka->ka_length,
                                      .refresh = device->refresh,
                                      .refresh_length = device->refresh_length,
                                      .not_after = device->not_after};
    unsigned char key[E2E_KEY_LENGTH];
    char reason[E2E_REASON_SIZE];
    bool done;

    if (!e2e_derive(&plugin->e2e, &inputs, key, reason))
        return refuse(device->identity, PRINTABLE(reason));
    done = OPENSSL_buf2hexstr_ex(hex, size, NULL, key, sizeof(key), '\0') == 1;
    OPENSSL_cleanse(key, sizeof(key));
    return done || refuse(device->identity, "the broker has no room for the key");
}

static const char *address_of(const struct mosquitto *client)
{
    const char *address = client == NULL || mosquitto_client_address == NULL
                              ? NULL
                              : mosquitto_client_address(client);

    return address == NULL ? "an unknown address" : address;
}

/*
 * Remember whose client was given which Ka's key; without memory for that, its session is not
 * ended. The broker does not tell the plugin about each refusal, but its log does, in the next
 * line.
 */
static void begin_session(struct plugin *plugin, const struct mosquitto *client,
                          const struct device *device, const struct device *ka, bool is_old)
{
    struct session *session = sessions_begin(&plugin->sessions, client, device->identity);

    mosquitto_log_printf(MOSQ_LOG_NOTICE,
                         "akma: identity \"%s\" from %s: key given%s; a TLS error next means that "
                         "the client has another key",
                         PRINTABLE(device->identity), PRINTABLE(address_of(client)),
                         is_old ? ", of the Ka before" : "");
    if (session == NULL)
        return;
    session->was_old = is_old;
    if (!session_hash(session->ka, ka))
        memset(session->ka, 0, sizeof(session->ka));
}

/* The new Ka, or while they overlap alternately the old one, for which room is used. */
static const struct device *choose_ka(struct plugin *plugin, const struct device *device,
                                      struct device *room)
{
    const struct device *ka = devices_ka(plugin->watched.devices, device, NULL);
    struct old_ka *old = overlap_find(&plugin->overlap, device->identity);

    if (ka == NULL || old == NULL)
        return ka;
    old->is_next = !old->is_next;
    if (old->is_next)
        return ka;
    *room = *ka;
    room->ka = old->ka;
    room->ka_length = old->ka_length;
    return room;
}

/* MOSQ_EVT_PSK_KEY. Another plugin may know an identity that is not in the file. */
static int on_psk_key(int event, void *event_data, void *userdata)
{
    const struct mosquitto_evt_psk_key *const asked = event_data;
    struct plugin *const plugin = userdata;
    const struct device *device, *ka;
    struct device room;

    (void)event;
    (void)check_devices(plugin);
    device = devices_find(plugin->watched.devices, asked->identity);
    if (device == NULL) {
        (void)refuse(asked->identity, "not in the devices file");
        return MOSQ_ERR_PLUGIN_DEFER;
    }
    ka = choose_ka(plugin, device, &room);
    if (ka == NULL) {
        (void)refuse(asked->identity, "it has no Ka in the devices file");
        return MOSQ_ERR_AUTH;
    }
    if (!derive(plugin, device, ka, asked->key, (size_t)asked->max_key_len))
        return MOSQ_ERR_AUTH;
    begin_session(plugin, asked->client, device, ka, ka == &room);
    return MOSQ_ERR_SUCCESS;
}

/*
 * MOSQ_EVT_DISCONNECT. A client that leaves without CONNECT did not have the key that it was given;
 * from a client that had it, that Ka is used from now on.
 */
static int on_disconnect(int event, void *event_data, void *userdata)
{
    const struct mosquitto_evt_disconnect *const left = event_data;
    struct plugin *const plugin = userdata;
    struct session *const session = sessions_take(&plugin->sessions, left->client);
    struct old_ka *old;

    (void)event;
    if (session == NULL || mosquitto_client_id == NULL)
        goto end;
    if (mosquitto_client_id(left->client) == NULL) {
        (void)refuse(session->identity, "it does not have the key, or left before CONNECT");
        goto end;
    }
    old = overlap_find(&plugin->overlap, session->identity);
    if (old != NULL)
        old->is_next = session->was_old;
end:
    OPENSSL_free(session);
    return MOSQ_ERR_SUCCESS;
}

/* MOSQ_EVT_TICK: once a second, the file is checked, and sessions that have lost their row end.
 */
static int on_tick(int event, void *event_data, void *userdata)
{
    struct plugin *const plugin = userdata;
    struct timespec now;

    (void)event, (void)event_data;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec == plugin->looked)
        return MOSQ_ERR_SUCCESS;
    plugin->looked = now.tv_sec;
    (void)check_devices(plugin);
    end_sessions(plugin);
    return MOSQ_ERR_SUCCESS;
}

/* The broker's events; if it lacks optional ones, sessions continue when their rows are removed. */
static const struct {
    int event;
    MOSQ_FUNC_generic_callback call;
    bool needed;
} events[] = {
    {MOSQ_EVT_PSK_KEY, on_psk_key, true},
    {MOSQ_EVT_DISCONNECT, on_disconnect, false},
    {MOSQ_EVT_TICK, on_tick, false},
};

#define EVENTS (sizeof(events) / sizeof(events[0]))

static bool register_events(struct plugin *plugin)
{
    for (size_t i = 0; i < EVENTS; i++)
        if (mosquitto_callback_register(plugin->identifier, events[i].event, events[i].call, NULL,
                                        plugin) != MOSQ_ERR_SUCCESS &&
            events[i].needed)
            return complain("MOSQ_EVT_PSK_KEY", "the broker does not take a callback");
    return true;
}

static void free_plugin(struct plugin *plugin)
{
    sessions_close(&plugin->sessions);
    overlap_close(&plugin->overlap);
    watched_devices_close(&plugin->watched);
    e2e_close(&plugin->e2e);
    module_close(&plugin->module);
    for (enum option option = DEVICES; option < OPTIONS; option++)
        OPENSSL_free(plugin->given[option]);
    OPENSSL_free(plugin);
}

static bool start(struct plugin *plugin, const struct mosquitto_opt *options, int option_count)
{
    if (!take_options(plugin, options, option_count) || !open_overlap(plugin) ||
        !open_setup(plugin))
        return false;
    plugin->watched.file.path = plugin->given[DEVICES];
    plugin->watched.rules =
        (struct devices_rules){.needs = DEVICES_KS_NAF, .extra = DEVICES_REFRESH};
    return check_devices(plugin) && register_events(plugin);
}

EXPORTED int mosquitto_plugin_version(int supported_version_count, const int *supported_versions)
{
    for (int i = 0; i < supported_version_count; i++)
        if (supported_versions[i] == MOSQ_PLUGIN_VERSION)
            return MOSQ_PLUGIN_VERSION;
    return -1;
}

EXPORTED int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **userdata,
                                   struct mosquitto_opt *options, int option_count)
{
    struct plugin *plugin = OPENSSL_zalloc(sizeof(*plugin));

    if (plugin == NULL)
        return MOSQ_ERR_NOMEM;
    plugin->identifier = identifier;
    if (!start(plugin, options, option_count)) {
        free_plugin(plugin);
        return MOSQ_ERR_INVAL;
    }
    *userdata = plugin;
    return MOSQ_ERR_SUCCESS;
}

EXPORTED int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options,
                                      int option_count)
{
    struct plugin *plugin = userdata;

    (void)options;
    (void)option_count;
    for (size_t i = 0; i < EVENTS; i++)
        (void)mosquitto_callback_unregister(plugin->identifier, events[i].event, events[i].call,
                                            NULL);
    free_plugin(plugin);
    return MOSQ_ERR_SUCCESS;
}
