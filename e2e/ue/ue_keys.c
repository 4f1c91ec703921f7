/*
 * What a UE is set up with, its rows of the devices file among it, which a reload replaces
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/ue_keys.h"

#include "current.h"
#include "file_watch.h"
#include "tls13_psk.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>

/* One reading of the file. */
struct version {
    struct client_setup setup; /* first: what is acquired is its version as well */
    struct devices *devices;
    char identity[TLS13_PSK_IDENTITY_MAX + 1];
};

struct ue_keys {
    struct client_setup rest;
    const struct ue_keys_options *options;
    struct file_watch file;
    struct current in_force; /* struct version */
};

static bool set_fault(char fault[UE_KEYS_FAULT_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool set_fault(char fault[UE_KEYS_FAULT_SIZE], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    (void)vsnprintf(fault, UE_KEYS_FAULT_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

/* The row whose Ks_NAF is used. */
static bool find_row(const struct ue_keys_options *options, struct client_setup *setup,
                     char fault[UE_KEYS_FAULT_SIZE])
{
    const bool by_identity = options->identity != NULL;

    setup->device = by_identity ? devices_find(setup->devices, options->identity)
                                : devices_find_device(setup->devices, options->device);
    return setup->device != NULL ||
           set_fault(fault, "--%s %s: not in the devices file", by_identity ? "identity" : "device",
                     by_identity ? options->identity : options->device);
}

/* What the first connection presents. */
static bool make_identity(const struct ue_keys_options *options, struct version *version,
                          char fault[UE_KEYS_FAULT_SIZE])
{
    const char *identity = version->setup.device->identity;

    version->setup.identity = version->identity;
    return snprintf(version->identity, sizeof(version->identity), "%s%s%s", options->prefix,
                    options->separator, identity) < (int)sizeof(version->identity) ||
           set_fault(fault, "prefix, separator and identity are more than %d octets",
                     TLS13_PSK_IDENTITY_MAX);
}

static bool find_rows(const struct ue_keys_options *options, struct client_setup *setup,
                      char fault[UE_KEYS_FAULT_SIZE])
{
    if (!find_row(options, setup, fault))
        return false;
    if (options->needs_ka && devices_ka(setup->devices, setup->device, NULL) == NULL)
        return set_fault(fault, "--listen: this UE has no Ka, and without one there is no e2e");
    if (options->oldest_ka_id == NULL)
        return true;
    setup->oldest = devices_ka(setup->devices, setup->device, options->oldest_ka_id);
    if (setup->oldest == NULL)
        return set_fault(fault, "--oldest-ka-id %s: no Ka of this name in the devices file",
                         options->oldest_ka_id);
    setup->oldest = devices_first_of_ka(setup->devices, setup->oldest);
    return true;
}

static bool read_devices(const struct ue_keys_options *options, struct version *version,
                         char fault[UE_KEYS_FAULT_SIZE])
{
    const struct devices_rules rules = {.needs = DEVICES_KS_NAF, .insecure = options->insecure};
    char what[DEVICES_FAULT_SIZE];

    version->devices = devices_read(options->devices, &rules, what);
    version->setup.devices = version->devices;
    return version->devices == NULL
               ? set_fault(fault, "devices file %.200s: %s", options->devices, what)
               : find_rows(options, &version->setup, fault) &&
                     make_identity(options, version, fault);
}

static void free_version(void *value)
{
    struct version *version = value;

    devices_free(version->devices);
    OPENSSL_free(version);
}

static struct version *read_version(const struct ue_keys *keys, char fault[UE_KEYS_FAULT_SIZE])
{
    struct version *version = OPENSSL_zalloc(sizeof(*version));

    if (version == NULL) {
        (void)set_fault(fault, "out of memory");
        return NULL;
    }
    version->setup = keys->rest;
    if (read_devices(keys->options, version, fault))
        return version;
    free_version(version);
    return NULL;
}

struct ue_keys *ue_keys_open(const struct client_setup *rest, const struct ue_keys_options *options,
                             char fault[UE_KEYS_FAULT_SIZE])
{
    struct ue_keys *keys = OPENSSL_zalloc(sizeof(*keys));
    struct version *version;

    if (keys == NULL) {
        (void)set_fault(fault, "out of memory");
        return NULL;
    }
    keys->rest = *rest;
    keys->options = options;
    keys->file.path = options->devices;
    file_watch_reading(&keys->file);
    version = read_version(keys, fault);
    if (version != NULL && current_open(&keys->in_force, version, free_version))
        return keys;
    OPENSSL_free(keys);
    return NULL;
}

const struct client_setup *ue_keys_acquire(struct ue_keys *keys)
{
    return current_acquire(&keys->in_force);
}

void ue_keys_release(struct ue_keys *keys, const struct client_setup *setup)
{
    current_release(&keys->in_force, setup);
}

bool ue_keys_reload(struct ue_keys *keys, char fault[UE_KEYS_FAULT_SIZE])
{
    struct version *version;

    file_watch_reading(&keys->file);
    version = read_version(keys, fault);
    (void)file_watch_done(&keys->file, version != NULL);
    if (version == NULL)
        return false;
    return current_replace(&keys->in_force, version) || set_fault(fault, "out of memory");
}

bool ue_keys_have_changed(struct ue_keys *keys)
{
    return file_watch_changed(&keys->file);
}

void ue_keys_free(struct ue_keys *keys)
{
    if (keys == NULL)
        return;
    current_close(&keys->in_force);
    OPENSSL_free(keys);
}
