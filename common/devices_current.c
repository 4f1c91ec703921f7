/*
 * The current devices file, which a reload replaces while others read it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices_current.h"

#include "current.h"
#include "printable.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct devices_current {
    const char *path;
    struct devices_current_rules rules;
    struct current files; /* struct devices */
};

static bool set_fault(const struct devices_current *current, const char *what,
                      char fault[DEVICES_CURRENT_FAULT_SIZE])
{
    (void)snprintf(fault, DEVICES_CURRENT_FAULT_SIZE, "devices file %s: %s",
                   PRINTABLE_PATH(current->path), what);
    return false;
}

/* A separate NAF never holds a Ka, a separate third party no Ks_NAF. */
static bool fits_role(const struct devices_current *current, const struct devices *devices,
                      char fault[DEVICES_CURRENT_FAULT_SIZE])
{
    char what[120];

    for (size_t i = 0; i < devices->count; i++) {
        const struct device *row = &devices->rows[i];

        if ((row->ka == NULL || current->rules.may_have_ka) &&
            (row->ks_naf == NULL || current->rules.may_have_ks_naf))
            continue;
        (void)snprintf(what, sizeof(what), "line %zu: %s: this role never holds it, leave it empty",
                       row->row, current->rules.may_have_ka ? "ks-naf" : "ka");
        return set_fault(current, what, fault);
    }
    return true;
}

struct devices *devices_current_read(const struct devices_current *current,
                                     char fault[DEVICES_CURRENT_FAULT_SIZE])
{
    const struct devices_rules rules = {
        .needs = current->rules.needs_ks_naf ? DEVICES_KS_NAF : 0,
        .insecure = current->rules.insecure,
    };
    char what[DEVICES_FAULT_SIZE];
    struct devices *devices = devices_read(current->path, &rules, what);

    if (devices == NULL)
        (void)set_fault(current, what, fault);
    else if (fits_role(current, devices, fault))
        return devices;
    devices_free(devices);
    return NULL;
}

static void free_devices(void *devices)
{
    devices_free(devices);
}

struct devices_current *devices_current_open(const char *path,
                                             const struct devices_current_rules *rules,
                                             char fault[DEVICES_CURRENT_FAULT_SIZE])
{
    struct devices_current *current = OPENSSL_zalloc(sizeof(*current));

    struct devices *devices;

    (void)snprintf(fault, DEVICES_CURRENT_FAULT_SIZE, "out of memory");
    if (current == NULL)
        return NULL;
    current->path = path;
    current->rules = *rules;
    devices = devices_current_read(current, fault);
    if (devices != NULL && current_open(&current->files, devices, free_devices))
        return current;
    OPENSSL_free(current);
    return NULL;
}

const struct devices *devices_current_acquire(struct devices_current *current)
{
    return current_acquire(&current->files);
}

void devices_current_release(struct devices_current *current, const struct devices *devices)
{
    current_release(&current->files, devices);
}

static bool is_same_ks_naf(const struct device *one, const struct device *other)
{
    if (one->ks_naf == NULL || other->ks_naf == NULL)
        return one->ks_naf == other->ks_naf;
    return CRYPTO_memcmp(one->ks_naf, other->ks_naf, KS_NAF_LENGTH) == 0;
}

/* Has the identity the same Ks_NAF, and the same device? */
static bool has_identity(const struct devices *devices, const struct device *row)
{
    const struct device *now = devices_find(devices, row->identity);

    return now != NULL && is_same_ks_naf(now, row) && strcmp(now->device, row->device) == 0;
}

bool devices_current_has_still(struct devices_current *current, const struct devices *devices,
                               const struct device *row, const char *identity)
{
    const struct device *before = devices_find(devices, identity);
    const struct devices *now = devices_current_acquire(current);
    const bool has = now == devices ||
                     (devices_has_ka(now, row) && (before == NULL || has_identity(now, before)));

    devices_current_release(current, now);
    return has;
}

/*
 * By device and Ka, whatever their place in the file. Ka's are compared by memcmp(), whose time
 * depends on them: nobody but the owner of the files chooses what is compared.
 */
static int compare_kas(const struct device *one, const struct device *other)
{
    int order = strcmp(one->device, other->device);

    if (order == 0)
        order = strcmp(one->ka_id, other->ka_id);
    if (order == 0)
        order = (one->ka_length > other->ka_length) - (one->ka_length < other->ka_length);
    if (order == 0 && one->ka != NULL)
        order = memcmp(one->ka, other->ka, one->ka_length);
    return order;
}

/* A row's place in that order. */
struct place {
    const struct device *row;
};

static int compare_places(const void *one, const void *other)
{
    return compare_kas(((const struct place *)one)->row, ((const struct place *)other)->row);
}

/* All rows in the order of compare_kas(). NULL: out of memory. */
static struct place *in_order(const struct devices *devices)
{
    struct place *places = OPENSSL_malloc((devices->count + 1) * sizeof(*places));

    for (size_t i = 0; places != NULL && i < devices->count; i++)
        places[i].row = devices->by_device[i];
    if (places != NULL)
        qsort(places, devices->count, sizeof(*places), compare_places);
    return places;
}

/* Two versions, and their rows in order. */
struct change {
    const struct devices *old, *now;
    struct place *old_rows, *now_rows;
};

/* Report once each Ka that its device no longer has, and once each device without a Ka that is
 * gone. */
static void report_kas(const struct change *change, devices_current_removed *removed,
                       void *argument)
{
    const struct device *before = NULL;
    size_t place = 0;

    for (size_t i = 0; i < change->old->count; i++) {
        const struct device *row = change->old_rows[i].row;
        const bool is_known = before != NULL && compare_kas(before, row) == 0;

        before = row;
        while (place < change->now->count && compare_kas(change->now_rows[place].row, row) < 0)
            place++;
        if (is_known ||
            (place < change->now->count && compare_kas(change->now_rows[place].row, row) == 0))
            continue;
        if (devices_find_device(change->now, row->device) == NULL)
            removed(argument, row, DEVICES_LOST_DEVICE);
        else if (row->ka != NULL)
            removed(argument, row, DEVICES_LOST_KA);
    }
}

/* Each identity that is gone, or has another Ks_NAF; a role that knows Ka's has said so already of
 * those whose device is gone. */
static void report_identities(const struct change *change, bool knows_ka,
                              devices_current_removed *removed, void *argument)
{
    for (size_t i = 0; i < change->old->count; i++) {
        const struct device *row = &change->old->rows[i];

        if (devices_find(change->old, row->identity) == row && !has_identity(change->now, row) &&
            !(knows_ka && devices_find_device(change->now, row->device) == NULL))
            removed(argument, row, DEVICES_LOST_IDENTITY);
    }
}

bool devices_current_use(struct devices_current *current, struct devices *fresh,
                         devices_current_removed *removed, void *argument)
{
    struct change change = {.old = devices_current_acquire(current), .now = fresh};
    bool done;

    change.old_rows = in_order(change.old);
    change.now_rows = in_order(change.now);
    done = change.old_rows != NULL && change.now_rows != NULL;
    if (!done)
        devices_free(fresh);
    done = done && current_replace(&current->files, fresh);
    if (done && current->rules.may_have_ka)
        report_kas(&change, removed, argument);
    if (done)
        report_identities(&change, current->rules.may_have_ka, removed, argument);
    OPENSSL_free(change.old_rows);
    OPENSSL_free(change.now_rows);
    devices_current_release(current, change.old);
    return done;
}

void devices_current_free(struct devices_current *current)
{
    if (current == NULL)
        return;
    current_close(&current->files);
    OPENSSL_free(current);
}
