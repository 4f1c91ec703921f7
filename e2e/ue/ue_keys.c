/*
 * What a UE is set up with, its rows of keys among it
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
#include <string.h>

/* One reading of the file, or one key. */
struct version {
    struct client_setup setup; /* first: what is acquired is its version as well */
    struct devices *devices;
    unsigned char ks_nafs[UE_PROTOCOLS_MAX][KS_NAF_LENGTH]; /* of a bootstrapping */
    char identity[TLS13_PSK_IDENTITY_MAX + 1];
};

struct ue_keys {
    struct client_setup rest;
    const struct ue_keys_options *options;
    struct file_watch file;
    struct current current; /* struct version */
    pthread_mutex_t lock;   /* one change at a time: of the file, or of the key */
    struct ue_key key;      /* of the last bootstrapping */
    bool has_key;
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

    if (options->bootstraps)
        return true; /* its rows are all of one identity, and it has Ka's */
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
        return set_fault(fault, "--oldest-ka-id %s: the UE has no Ka of this name",
                         options->oldest_ka_id);
    setup->oldest = devices_first_of_ka(setup->devices, setup->oldest);
    return true;
}

static struct devices *read_file(const struct ue_keys_options *options, unsigned int needs,
                                 char fault[UE_KEYS_FAULT_SIZE])
{
    const struct devices_rules rules = {.needs = needs, .insecure = options->insecure};
    char what[DEVICES_FAULT_SIZE];
    struct devices *devices = devices_read(options->devices, &rules, what);

    if (devices == NULL)
        (void)set_fault(fault, "devices file %.200s: %s", options->devices, what);
    return devices;
}

/* The device's Ka's, each with this key. */
static struct devices *compose_rows(const struct ue_keys_options *options, const struct ue_key *key,
                                    char fault[UE_KEYS_FAULT_SIZE])
{
    struct devices *file = NULL, *rows;
    struct ue_kas kas = options->kas;
    char what[DEVICES_FAULT_SIZE];

    if (options->devices != NULL && (file = read_file(options, 0, fault)) == NULL)
        return NULL;
    kas.rows = file;
    rows = ue_key_rows(key, &kas, what);
    if (rows == NULL && file != NULL)
        (void)set_fault(fault, "--device %.255s: %s", kas.device, what);
    else if (rows == NULL)
        (void)set_fault(fault, "--ka: %s", what);
    devices_free(file);
    return rows;
}

/* Before there is a key the Ka's are tried with one of zeros, which is used for nothing. */
static bool read_rows(const struct ue_keys *keys, struct version *version,
                      char fault[UE_KEYS_FAULT_SIZE])
{
    static const struct ue_key none = {.b_tid = "-@-", .not_after = 1};
    const struct ue_keys_options *options = keys->options;
    struct client_setup *setup = &version->setup;

    version->devices = options->bootstraps
                           ? compose_rows(options, keys->has_key ? &keys->key : &none, fault)
                           : read_file(options, DEVICES_KS_NAF, fault);
    if (version->devices == NULL)
        return false;
    setup->devices = version->devices;
    if (options->bootstraps) {
        setup->device =
            devices_find(version->devices, keys->has_key ? keys->key.b_tid : none.b_tid);
        memcpy(version->ks_nafs, keys->key.ks_nafs, sizeof(version->ks_nafs));
        setup->ks_nafs = version->ks_nafs;
    }
    return find_rows(options, setup, fault) && make_identity(options, version, fault);
}

static void free_version(void *value)
{
    struct version *version = value;

    devices_free(version->devices);
    OPENSSL_clear_free(version, sizeof(*version));
}

static struct version *read_version(const struct ue_keys *keys, char fault[UE_KEYS_FAULT_SIZE])
{
    struct version *version = OPENSSL_zalloc(sizeof(*version));

    if (version == NULL) {
        (void)set_fault(fault, "out of memory");
        return NULL;
    }
    version->setup = keys->rest;
    if (read_rows(keys, version, fault))
        return version;
    free_version(version);
    return NULL;
}

static void begin_reading(struct ue_keys *keys)
{
    if (keys->file.path != NULL)
        file_watch_reading(&keys->file);
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
    (void)pthread_mutex_init(&keys->lock, NULL);
    keys->file.path = options->devices;
    begin_reading(keys);
    version = read_version(keys, fault);
    if (version != NULL && current_open(&keys->current, version, free_version))
        return keys;
    OPENSSL_free(keys);
    return NULL;
}

const struct client_setup *ue_keys_acquire(struct ue_keys *keys)
{
    return current_acquire(&keys->current);
}

void ue_keys_release(struct ue_keys *keys, const struct client_setup *setup)
{
    current_release(&keys->current, setup);
}

/* Locked. */
static bool replace(struct ue_keys *keys, char fault[UE_KEYS_FAULT_SIZE])
{
    struct version *version = read_version(keys, fault);

    if (version == NULL)
        return false;
    return current_replace(&keys->current, version) || set_fault(fault, "out of memory");
}

bool ue_keys_put(struct ue_keys *keys, const struct ue_key *key, char fault[UE_KEYS_FAULT_SIZE])
{
    struct ue_key old;
    bool done, had_key;

    (void)pthread_mutex_lock(&keys->lock);
    old = keys->key;
    had_key = keys->has_key;
    keys->key = *key;
    keys->has_key = true;
    done = replace(keys, fault);
    if (!done) {
        keys->key = old;
        keys->has_key = had_key;
    }
    (void)pthread_mutex_unlock(&keys->lock);
    OPENSSL_cleanse(&old, sizeof(old));
    return done;
}

bool ue_keys_reload(struct ue_keys *keys, char fault[UE_KEYS_FAULT_SIZE])
{
    bool done;

    begin_reading(keys);
    (void)pthread_mutex_lock(&keys->lock);
    done = replace(keys, fault);
    (void)pthread_mutex_unlock(&keys->lock);
    (void)file_watch_done(&keys->file, done);
    return done;
}

bool ue_keys_have_changed(struct ue_keys *keys, bool *is_soon)
{
    *is_soon = file_watch_differs(&keys->file);
    return keys->file.path != NULL && file_watch_changed(&keys->file);
}

void ue_keys_free(struct ue_keys *keys)
{
    if (keys == NULL)
        return;
    current_close(&keys->current);
    (void)pthread_mutex_destroy(&keys->lock);
    OPENSSL_clear_free(keys, sizeof(*keys));
}
