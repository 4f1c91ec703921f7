/*
 * The devices file as a source of Ks_NAF, and what is the same for every source
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "source/source.h"

#include "devices.h"
#include "devices_current.h"

#include <openssl/crypto.h>
#include <string.h>

struct file_source {
    struct source source;
    struct devices_current *devices_current;
    unsigned char ua_protocol_ids[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH];
};

static bool is_for(const struct file_source *file, const struct source_query *query)
{
    const unsigned char *id = file->ua_protocol_ids[identity_system(query->kind)];

    return memcmp(id, query->ua_protocol_id, AKMA_UA_PROTOCOL_ID_LENGTH) == 0;
}

/* The file has one key for each identity, Ks_NAF or K_AF, for every kind of identity. */
static struct source_request *lookup(struct source *source, struct loop *loop,
                                     const struct source_query *query, source_done *done,
                                     void *argument, struct source_answer *now)
{
    struct file_source *file = (struct file_source *)source;
    const struct devices *devices = devices_current_acquire(file->devices_current);
    const struct device *row = devices_find(devices, query->identity);

    (void)loop, (void)done, (void)argument;
    *now = (struct source_answer){.result = SOURCE_UNKNOWN};
    if (row != NULL && row->ks_naf != NULL && devices_expired(row)) {
        now->result = SOURCE_REFUSED;
        now->reason = "the key has expired: not-after of its row in the devices file is past";
    } else if (row != NULL && row->ks_naf != NULL && !is_for(file, query)) {
        now->result = SOURCE_REFUSED;
        now->reason = "the keys of the devices file are for another Ua security protocol: none "
                      "serves two versions of TLS, or two cipher suites";
    } else if (row != NULL && row->ks_naf != NULL) {
        now->result = SOURCE_FOUND;
        memcpy(now->ks_naf, row->ks_naf, KS_NAF_LENGTH);
        memcpy(now->device, row->device, strlen(row->device) + 1);
        now->not_after = row->not_after;
    }
    devices_current_release(file->devices_current, devices);
    return NULL;
}

static void cancel(struct source *source, struct source_request *request)
{
    (void)source, (void)request; /* no look-up is ever pending */
}

static void source_file_free(struct source *source)
{
    OPENSSL_free(source);
}

static const struct source_ops file_ops = {lookup, cancel, NULL, source_file_free};

struct source *
source_file_new(struct devices_current *devices_current,
                unsigned char ua_protocol_ids[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH])
{
    struct file_source *file = OPENSSL_zalloc(sizeof(*file));

    if (file == NULL)
        return NULL;
    file->source.ops = &file_ops;
    file->devices_current = devices_current;
    memcpy(file->ua_protocol_ids, ua_protocol_ids, sizeof(file->ua_protocol_ids));
    return &file->source;
}

void source_free(struct source *source)
{
    if (source != NULL)
        source->ops->free(source);
}
