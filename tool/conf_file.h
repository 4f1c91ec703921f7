/*
 * What an openssl.cnf activates: its sections by what they are for, whatever they are called
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include <openssl/conf.h>
#include <stdbool.h>
#include <stddef.h>

#define CONF_FAULT_SIZE 600
#define CONF_PATH_SIZE  4096

struct conf_file {
    CONF *conf;
    const char *init;      /* the section that openssl_conf names; NULL: none */
    const char *providers; /* the section that lists them; NULL: none */
};

/* The file that libcrypto reads where OPENSSL_CONF names none. */
void conf_file_system(char path[CONF_PATH_SIZE]);

/*
 * Read a file; false: fault. One that is not there is empty if missing is fine. A device or a pipe
 * is refused: it may have no end.
 */
bool conf_file_open(struct conf_file *file, const char *path, bool missing,
                    char fault[CONF_FAULT_SIZE]);

/*
 * Read what a file has itself, without what it includes; nothing is said to name its sections.
 * False: fault.
 */
bool conf_file_open_own(struct conf_file *file, const char *path, char fault[CONF_FAULT_SIZE]);

#define CONF_FILE_MARK "# Written by `akma config`"

/*
 * Does a file begin with a byte order mark? OpenSSL passes over it, but not in a file that another
 * one includes.
 */
bool conf_file_has_mark_of_order(const char *path);

/* Was a file written by akma config? */
bool conf_file_is_marked(const char *path);

/* Release; fine for one that is all zero. */
void conf_file_close(struct conf_file *file);

/* A key of a section, NULL for the default one; NULL: there is no such key. */
const char *conf_file_value(const struct conf_file *file, const char *section, const char *key);

bool conf_file_has_section(const struct conf_file *file, const char *section);

/* The entries of a section; NULL: none. */
const STACK_OF(CONF_VALUE) * conf_file_entries(const struct conf_file *file, const char *section);

/* The provider that an entry of the list is about. */
const char *conf_file_provider(const struct conf_file *file, const CONF_VALUE *entry);

/* The entry of a provider of this name; NULL: it is not listed. */
const CONF_VALUE *conf_file_find(const struct conf_file *file, const char *provider);

/* Does a provider's section activate it, on every version of OpenSSL? */
bool conf_file_activates(const struct conf_file *file, const char *section);

/* Is an entry of the list the akma module, by its file or its name? */
bool conf_file_is_akma(const struct conf_file *file, const CONF_VALUE *entry);

/*
 * What of the one's active providers and settings is not in use by the other? False: nothing;
 * else the first of it in words.
 */
bool conf_file_loses(const struct conf_file *one, const struct conf_file *other,
                     char what[CONF_FAULT_SIZE]);

/* Is a key of the module's own settings libcrypto's, and no policy? */
bool conf_file_is_loading_key(const char *key);

/* The same for the policies of akma. One that is all zero has none. */
bool conf_file_loses_policy(const struct conf_file *one, const struct conf_file *other,
                            char what[CONF_FAULT_SIZE]);

#endif
