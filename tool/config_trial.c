/*
 * akma config: does what would be written work?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_trial.h"

#include "child.h"
#include "doctor.h"
#include "held_signals.h"
#include "secret_file_guard.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct trial {
    const char *path;
    const struct conf_file *file;
};

/* An akma that the file lists and a context does not have; NULL: none. */
static const char *missing_akma(const struct conf_file *file, OSSL_LIB_CTX *libctx)
{
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(file, file->providers);

    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);
        const char *name = conf_file_provider(file, entry);

        if (conf_file_is_akma(file, entry) && OSSL_PROVIDER_available(libctx, name) != 1)
            return name;
    }
    return NULL;
}

/* Libcrypto continues after what is wrong in a file: only what is active afterwards counts. */
static void try_out(const void *argument, char words[CHILD_WORDS_SIZE])
{
    const struct trial *trial = argument;
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    const char *reason, *missing;

    ERR_clear_error();
    (void)OSSL_LIB_CTX_load_config(libctx, trial->path);
    reason = ERR_peek_last_error() == 0 ? "the module does not load" : doctor_reason();
    missing = missing_akma(trial->file, libctx);
    if (missing != NULL)
        (void)snprintf(words, CHILD_WORDS_SIZE, "%.100s would not be active: %.200s", missing,
                       reason);
    else if (OSSL_PROVIDER_available(libctx, "default") != 1 &&
             OSSL_PROVIDER_available(libctx, "fips") != 1)
        (void)snprintf(words, CHILD_WORDS_SIZE, "neither default nor fips would be active: %.200s",
                       reason);
    OSSL_LIB_CTX_free(libctx);
}

/* What is wrong with the file of this name. */
static bool is_fine(const char *path, const struct conf_file *system,
                    const struct conf_file *before, char fault[CONF_FAULT_SIZE])
{
    char words[CHILD_WORDS_SIZE] = "", what[CONF_FAULT_SIZE];
    struct conf_file file;
    const struct trial trial = {path, &file};
    bool ended = false;

    fault[0] = '\0';
    if (!conf_file_open(&file, path, false, what))
        (void)snprintf(fault, CONF_FAULT_SIZE, "%.500s", what);
    else if (conf_file_loses(system, &file, what))
        (void)snprintf(fault, CONF_FAULT_SIZE, "%.400s of the system's file would be lost", what);
    else if (conf_file_loses_policy(before, &file, what))
        (void)snprintf(fault, CONF_FAULT_SIZE,
                       "%.400s, which the file has by one that it includes, would be lost: write "
                       "it into the file itself",
                       what);
    else
        ended = child_run(try_out, &trial, words);
    if (words[0] != '\0')
        (void)snprintf(fault, CONF_FAULT_SIZE, "%s%s", ended ? "a module ends the process: " : "",
                       words);
    conf_file_close(&file);
    return fault[0] == '\0';
}

bool config_trial(const char *text, size_t length, const struct conf_file *system,
                  const struct conf_file *before, char fault[CONF_FAULT_SIZE])
{
    char path[] = P_tmpdir "/akma-config.XXXXXX";
    const sigset_t held = held_signals_begin();
    const int descriptor = mkstemp(path);
    const bool written = descriptor >= 0 && write(descriptor, text, length) == (ssize_t)length;
    bool fine = false;

    secret_file_guard_name(descriptor < 0 ? NULL : path);
    held_signals_end(&held);
    if (written)
        fine = is_fine(path, system, before, fault);
    else
        (void)snprintf(fault, CONF_FAULT_SIZE, "%s: %s", path, strerror(errno));
    if (descriptor >= 0) {
        (void)close(descriptor);
        (void)unlink(path);
        secret_file_guard_name(NULL);
    }
    return fine;
}
