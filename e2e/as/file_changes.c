/*
 * Whether the files that options name have changed: certificates, keys, CAs, CRLs, passwords
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/file_changes.h"

#include "file_watch.h"
#include "options.h"

#include <openssl/crypto.h>

#define FILES_MAX 64

struct file_changes {
    size_t count;
    struct file_watch watches[FILES_MAX];
};

struct file_changes *file_changes_new(void)
{
    static const char *const except[] = {"devices",  "config",    "keylog",
                                         "log-file", "audit-log", NULL};
    struct file_changes *changes = OPENSSL_zalloc(sizeof(*changes));
    const char *paths[FILES_MAX];

    if (changes == NULL)
        return NULL;
    changes->count = options_files(except, paths, FILES_MAX);
    for (size_t i = 0; i < changes->count; i++)
        changes->watches[i].path = paths[i];
    file_changes_reading(changes);
    return changes;
}

void file_changes_reading(struct file_changes *changes)
{
    for (size_t i = 0; changes != NULL && i < changes->count; i++)
        file_watch_reading(&changes->watches[i]);
}

bool file_changes_done(struct file_changes *changes, bool taken)
{
    bool is_news = false;

    for (size_t i = 0; changes != NULL && i < changes->count; i++)
        is_news = file_watch_done(&changes->watches[i], taken) || is_news;
    return is_news;
}

bool file_changes_look(struct file_changes *changes, bool *is_soon)
{
    bool is_any = false, is_all = true;

    *is_soon = false;
    for (size_t i = 0; i < changes->count; i++) {
        const bool differs = file_watch_differs(&changes->watches[i]);
        const bool is_done = file_watch_changed(&changes->watches[i]);

        *is_soon = *is_soon || differs;
        is_any = is_any || is_done;
        is_all = is_all && (is_done || !differs);
    }
    return is_any && is_all;
}

void file_changes_free(struct file_changes *changes)
{
    OPENSSL_free(changes);
}
