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
#include "printable.h"
#include "watched_devices.h"

#include <akma/kdf.h>
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <openssl/crypto.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

/* What is written plugin_opt_<name>. */
enum option { DEVICES, NAF_FQDN, UA_PROTOCOL_ID, USAGE, OPTIONS };

static const struct {
    const char *name;
    const char *value; /* where it is not given; NULL: it has to be */
} known[OPTIONS] = {
    [DEVICES] = {"devices", NULL},
    [NAF_FQDN] = {"naf_fqdn", NULL},
    [UA_PROTOCOL_ID] = {"ua_protocol_id", "0100000007"}, /* TLS 1.3: TS 33.220 H.3 */
    [USAGE] = {"usage", ""},
};

struct plugin {
    mosquitto_plugin_id_t *identifier;
    char *given[OPTIONS]; /* copies: the broker's own may go when it reads its file again */
    struct module module;
    struct e2e e2e;
    struct watched_devices watched;
};

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
            return complain(options[i].key, "no such plugin_opt; devices, naf_fqdn, ua_protocol_id "
                                            "and usage are known");
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

/* The setup that every key has in common, held against the policy now rather than at a client. */
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

/* Rows that hold; false: there have never been any. */
static bool check_devices(struct plugin *plugin)
{
    const char *const path = plugin->watched.file.path;
    char fault[DEVICES_FAULT_SIZE];

    switch (watched_devices_look(&plugin->watched, fault)) {
    case WATCHED_SAME:
        break;
    case WATCHED_READ:
        mosquitto_log_printf(MOSQ_LOG_NOTICE, "akma: %s: %zu rows read", PRINTABLE(path),
                             plugin->watched.devices->count);
        break;
    case WATCHED_BAD:
        (void)complain(path, fault);
        if (plugin->watched.devices != NULL)
            (void)complain(path, "the rows from before hold");
        break;
    }
    return plugin->watched.devices != NULL;
}

static bool refuse(const char *identity, const char *why)
{
    mosquitto_log_printf(MOSQ_LOG_NOTICE, "akma: identity \"%s\" refused: %s", PRINTABLE(identity),
                         why);
    return false;
}

/* The key of a device, as the hex that the broker wants. */
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

/* MOSQ_EVT_PSK_KEY. Of an identity that is not in the file, another plugin may know. */
static int on_psk_key(int event, void *event_data, void *userdata)
{
    const struct mosquitto_evt_psk_key *const asked = event_data;
    struct plugin *const plugin = userdata;
    const struct device *device, *ka;

    (void)event;
    (void)check_devices(plugin);
    device = devices_find(plugin->watched.devices, asked->identity);
    if (device == NULL) {
        (void)refuse(asked->identity, "not in the devices file");
        return MOSQ_ERR_PLUGIN_DEFER;
    }
    ka = devices_ka(plugin->watched.devices, device, NULL);
    if (ka == NULL) {
        (void)refuse(asked->identity, "it has no Ka in the devices file");
        return MOSQ_ERR_AUTH;
    }
    return derive(plugin, device, ka, asked->key, (size_t)asked->max_key_len) ? MOSQ_ERR_SUCCESS
                                                                              : MOSQ_ERR_AUTH;
}

static void release(struct plugin *plugin)
{
    watched_devices_close(&plugin->watched);
    e2e_close(&plugin->e2e);
    module_close(&plugin->module);
    for (enum option option = DEVICES; option < OPTIONS; option++)
        OPENSSL_free(plugin->given[option]);
    OPENSSL_free(plugin);
}

static bool start(struct plugin *plugin, const struct mosquitto_opt *options, int option_count)
{
    if (!take_options(plugin, options, option_count) || !open_setup(plugin))
        return false;
    plugin->watched.file.path = plugin->given[DEVICES];
    plugin->watched.rules =
        (struct devices_rules){.needs = DEVICES_KS_NAF, .extra = DEVICES_REFRESH};
    return check_devices(plugin) &&
           (mosquitto_callback_register(plugin->identifier, MOSQ_EVT_PSK_KEY, on_psk_key, NULL,
                                        plugin) == MOSQ_ERR_SUCCESS ||
            complain("MOSQ_EVT_PSK_KEY", "the broker does not take a callback"));
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
        release(plugin);
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
    (void)mosquitto_callback_unregister(plugin->identifier, MOSQ_EVT_PSK_KEY, on_psk_key, NULL);
    release(plugin);
    return MOSQ_ERR_SUCCESS;
}
