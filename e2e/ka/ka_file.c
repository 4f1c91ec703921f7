/*
 * Ka's in a devices file; an answer refers to the version that was current at the look-up
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_file.h"

#include "devices.h"
#include "devices_current.h"

#include <openssl/crypto.h>
#include <string.h>

struct file {
    struct ka_source source;
    struct devices_current *devices;
};

/* What an answer depends on. */
struct basis {
    const struct devices *devices; /* the version that the row is of */
    const struct device *row;
};

static bool start(struct ka_source *source, ka_changed *changed, void *argument)
{
    (void)source, (void)changed, (void)argument; /* a reload says what has gone */
    return true;
}

/*
 * The Ka of a device: that of the identity's row, if the file has this identity and it belongs to
 * the device. If the device's name is not known, or is the identity, the identity's row decides.
 */
static const struct device *find_ka(const struct devices *devices, const struct ka_query *query)
{
    const char *name = query->device[0] == '\0' ? query->identity : query->device;
    const struct device *row = devices_find(devices, query->identity);

    if (row == NULL || (strcmp(row->device, name) != 0 && strcmp(query->identity, name) != 0))
        row = devices_find_device(devices, name);
    return row == NULL ? NULL : devices_ka(devices, row, query->ka_id);
}

static void set_answer(struct ka_answer *answer, struct basis *basis)
{
    answer->result = KA_FOUND;
    answer->ka = basis->row->ka;
    answer->ka_length = basis->row->ka_length;
    answer->device = basis->row->device;
    answer->ka_id = basis->row->ka_id;
    answer->basis = basis;
}

static struct ka_request *lookup(struct ka_source *source, struct loop *loop,
                                 const struct ka_query *query, ka_done *done, void *argument,
                                 struct ka_answer *now)
{
    struct file *file = (struct file *)source;
    struct basis *basis = OPENSSL_zalloc(sizeof(*basis));

    (void)loop, (void)done, (void)argument;
    if (basis == NULL) {
        ka_answer_set(now, KA_UNAVAILABLE, "out of memory");
        return NULL;
    }
    ka_answer_set(now, KA_NONE, NULL);
    basis->devices = devices_current_acquire(file->devices);
    basis->row = find_ka(basis->devices, query);
    now->basis = basis;
    if (basis->row != NULL)
        set_answer(now, basis);
    return NULL;
}

static void cancel(struct ka_source *source, struct ka_request *request)
{
    (void)source, (void)request; /* no look-up is ever pending */
}

static bool is_good(struct ka_source *source, const struct ka_answer *answer, const char *identity)
{
    const struct basis *basis = answer->basis;

    return devices_current_has_still(((struct file *)source)->devices, basis->devices, basis->row,
                                     identity);
}

static void release_answer(struct ka_source *source, struct ka_answer *answer)
{
    struct basis *basis = answer->basis;

    if (basis != NULL)
        devices_current_release(((struct file *)source)->devices, basis->devices);
    OPENSSL_free(basis);
    answer->basis = NULL;
}

static void stop(struct ka_source *source)
{
    (void)source;
}

static void file_free(struct ka_source *source)
{
    OPENSSL_free(source);
}

static const struct ka_source_ops file_ops = {start,          lookup, cancel,   is_good,
                                              release_answer, stop,   file_free};

struct ka_source *ka_file_new(struct devices_current *devices)
{
    struct file *file = OPENSSL_zalloc(sizeof(*file));

    if (file == NULL)
        return NULL;
    file->source.ops = &file_ops;
    file->devices = devices;
    return &file->source;
}
