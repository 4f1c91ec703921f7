/*
 * What an openssl.cnf activates: its sections by what they are for, whatever they are called
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "conf_file.h"

#include <akma/kdf.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 8 /* sections that name sections */

void conf_file_system(char path[CONF_PATH_SIZE])
{
    const char *folder = OPENSSL_info(OPENSSL_INFO_CONFIG_DIR);

    (void)snprintf(path, CONF_PATH_SIZE, "%s/openssl.cnf", folder == NULL ? "" : folder);
}

static bool set_fault(char fault[CONF_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, CONF_FAULT_SIZE, "%s", what);
    return false;
}

/* What OpenSSL says of a line. */
static bool wrong_line(char fault[CONF_FAULT_SIZE], long line)
{
    const char *data = NULL, *reason;
    int flags = 0;

    reason = ERR_reason_error_string(ERR_peek_last_error_data(&data, &flags));
    (void)snprintf(fault, CONF_FAULT_SIZE, "line %ld: %s%s%.300s", line,
                   reason == NULL ? "no reason given" : reason,
                   (flags & ERR_TXT_STRING) != 0 && data[0] != '\0' ? ": " : "",
                   (flags & ERR_TXT_STRING) != 0 ? data : "");
    ERR_clear_error();
    return false;
}

bool conf_file_open(struct conf_file *file, const char *path, bool missing,
                    char fault[CONF_FAULT_SIZE])
{
    struct stat status;
    long line = 0;

    *file = (struct conf_file){.conf = NCONF_new(NULL)};
    if (file->conf == NULL)
        return set_fault(fault, "out of memory");
    if (stat(path, &status) != 0)
        return (missing && errno == ENOENT) || set_fault(fault, strerror(errno));
    /* /dev/null is a usual name of none. */
    if (!S_ISREG(status.st_mode) && strcmp(path, "/dev/null") != 0)
        return set_fault(fault, "not a regular file");
    ERR_clear_error();
    if (NCONF_load(file->conf, path, &line) <= 0)
        return wrong_line(fault, line);
    file->init = conf_file_value(file, NULL, "openssl_conf");
    file->providers = file->init == NULL ? NULL : conf_file_value(file, file->init, "providers");
    return true;
}

/* The lines of a file that include nothing. */
static bool read_lines(BIO *lines, const char *path)
{
    FILE *text = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    bool done = text != NULL;
    ssize_t length;

    while (done && (length = getline(&line, &size, text)) > 0)
        if (strncmp(line + strspn(line, " \t"), ".include", strlen(".include")) != 0)
            done = BIO_write(lines, line, (int)length) == length;
    free(line);
    if (text != NULL)
        (void)fclose(text);
    return done;
}

/* The file by itself does not say whether what it includes makes $ a part of names. */
static bool open_own(struct conf_file *file, const char *path, bool dollars,
                     char fault[CONF_FAULT_SIZE])
{
    BIO *lines = BIO_new(BIO_s_mem());
    long line = 0;
    bool done;

    *file = (struct conf_file){.conf = NCONF_new(NULL)};
    if (file->conf == NULL || lines == NULL ||
        (dollars && BIO_puts(lines, ".pragma dollarid:on\n") <= 0) || !read_lines(lines, path))
        done = set_fault(fault, lines == NULL ? "out of memory" : strerror(errno));
    else
        done = NCONF_load_bio(file->conf, lines, &line) > 0 || wrong_line(fault, line - dollars);
    BIO_free(lines);
    return done;
}

bool conf_file_open_own(struct conf_file *file, const char *path, char fault[CONF_FAULT_SIZE])
{
    if (open_own(file, path, false, fault))
        return true;
    conf_file_close(file);
    return open_own(file, path, true, fault);
}

bool conf_file_has_mark_of_order(const char *path)
{
    char octets[3] = "";
    FILE *file = fopen(path, "re");
    const bool has = file != NULL && fread(octets, 1, sizeof(octets), file) == sizeof(octets) &&
                     memcmp(octets, "\xEF\xBB\xBF", sizeof(octets)) == 0;

    if (file != NULL)
        (void)fclose(file);
    return has;
}

bool conf_file_is_marked(const char *path)
{
    char line[sizeof(CONF_FILE_MARK)] = "";
    FILE *file = fopen(path, "re");
    const bool marked = file != NULL && fgets(line, sizeof(line), file) != NULL &&
                        strcmp(line, CONF_FILE_MARK) == 0;

    if (file != NULL)
        (void)fclose(file);
    return marked;
}

void conf_file_close(struct conf_file *file)
{
    NCONF_free(file->conf);
    *file = (struct conf_file){.conf = NULL};
}

const STACK_OF(CONF_VALUE) * conf_file_entries(const struct conf_file *file, const char *section)
{
    const STACK_OF(CONF_VALUE) *entries =
        file->conf == NULL || section == NULL ? NULL : NCONF_get_section(file->conf, section);

    ERR_clear_error();
    return entries;
}

bool conf_file_has_section(const struct conf_file *file, const char *section)
{
    return conf_file_entries(file, section) != NULL;
}

/* What comes before a dot in a list of sections is not part of the name. */
static const char *after_dot(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot == NULL ? name : dot + 1;
}

/* NCONF_get_string() would look into the default section for a key that a section does not have. */
const char *conf_file_value(const struct conf_file *file, const char *section, const char *key)
{
    const STACK_OF(CONF_VALUE) *entries =
        conf_file_entries(file, section == NULL ? "default" : section);

    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++)
        if (strcmp(after_dot(sk_CONF_VALUE_value(entries, i)->name), key) == 0)
            return sk_CONF_VALUE_value(entries, i)->value;
    return NULL;
}

const char *conf_file_provider(const struct conf_file *file, const CONF_VALUE *entry)
{
    const char *identity = conf_file_value(file, entry->value, "identity");

    return identity != NULL ? identity : after_dot(entry->name);
}

const CONF_VALUE *conf_file_find(const struct conf_file *file, const char *provider)
{
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(file, file->providers);

    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);

        if (strcmp(conf_file_provider(file, entry), provider) == 0)
            return entry;
    }
    return NULL;
}

/* Any value activates on OpenSSL 3.0 and 3.1, one of these on all. */
bool conf_file_activates(const struct conf_file *file, const char *section)
{
    static const char *const words[] = {"1", "yes", "YES", "true", "TRUE", "on", "ON"};
    const char *value = conf_file_value(file, section, "activate");

    for (size_t i = 0; value != NULL && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(value, words[i]) == 0)
            return true;
    return false;
}

static bool begins_with_akma(const char *name)
{
    return strncmp(name, AKMA_PROVIDER_NAME, strlen(AKMA_PROVIDER_NAME)) == 0;
}

bool conf_file_is_akma(const struct conf_file *file, const CONF_VALUE *entry)
{
    const char *module = conf_file_value(file, entry->value, "module");
    const char *slash = module == NULL ? NULL : strrchr(module, '/');

    return begins_with_akma(conf_file_provider(file, entry)) ||
           (module != NULL && begins_with_akma(slash == NULL ? module : slash + 1));
}

/* A provider that the one activates and the other does not. */
static const char *lost_provider(const struct conf_file *one, const struct conf_file *other)
{
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(one, one->providers);

    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);
        const char *name = conf_file_provider(one, entry);
        const CONF_VALUE *twin = conf_file_find(other, name);

        if (conf_file_value(one, entry->value, "activate") != NULL &&
            (twin == NULL || conf_file_value(other, twin->value, "activate") == NULL))
            return name;
    }
    return NULL;
}

static const CONF_VALUE *lost_setting(const struct conf_file *one, const char *section,
                                      const struct conf_file *other, const char *twin,
                                      unsigned int depth);

/* Are two values alike, or the sections that they name? Else the entry that shows it. */
static const CONF_VALUE *lost_value(const struct conf_file *one, const CONF_VALUE *entry,
                                    const struct conf_file *other, const char *value,
                                    unsigned int depth)
{
    if (value == NULL)
        return entry;
    if (conf_file_has_section(one, entry->value) && conf_file_has_section(other, value))
        return lost_setting(one, entry->value, other, value, depth + 1);
    return strcmp(entry->value, value) == 0 ? NULL : entry;
}

/* An entry of a section that the other's section does not have. */
static const CONF_VALUE *lost_setting(const struct conf_file *one, const char *section,
                                      const struct conf_file *other, const char *twin,
                                      unsigned int depth)
{
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(one, section);
    const CONF_VALUE *lost = NULL;

    for (int i = 0; depth < DEPTH_MAX && lost == NULL && i < sk_CONF_VALUE_num(entries); i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);

        if (depth > 0 || strcmp(entry->name, "providers") != 0)
            lost = lost_value(one, entry, other,
                              conf_file_value(other, twin, after_dot(entry->name)), depth);
    }
    return lost;
}

bool conf_file_loses(const struct conf_file *one, const struct conf_file *other,
                     char what[CONF_FAULT_SIZE])
{
    const char *provider = lost_provider(one, other);
    const CONF_VALUE *setting =
        one->init == NULL ? NULL : lost_setting(one, one->init, other, other->init, 0);

    if (provider != NULL)
        (void)snprintf(what, CONF_FAULT_SIZE, "the provider %.200s", provider);
    else if (setting != NULL)
        (void)snprintf(what, CONF_FAULT_SIZE, "%.200s = %.200s", setting->name, setting->value);
    return provider != NULL || setting != NULL;
}

bool conf_file_is_loading_key(const char *key)
{
    static const char *const keys[] = {"activate", "soft_load", "module", "identity"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

/* A key of a policy that the same instance does not have in the other. */
static const CONF_VALUE *lost_key(const struct conf_file *one, const char *section,
                                  const struct conf_file *other, const CONF_VALUE *twin)
{
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(one, section);

    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);
        const char *value = twin == NULL ? NULL : conf_file_value(other, twin->value, entry->name);

        if (!conf_file_is_loading_key(entry->name) &&
            (value == NULL || strcmp(value, entry->value) != 0))
            return entry;
    }
    return NULL;
}

bool conf_file_loses_policy(const struct conf_file *one, const struct conf_file *other,
                            char what[CONF_FAULT_SIZE])
{
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(one, one->providers);

    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);
        const CONF_VALUE *twin = conf_file_find(other, conf_file_provider(one, entry));
        const CONF_VALUE *lost = lost_key(one, entry->value, other, twin);

        if (!conf_file_is_akma(one, entry) || lost == NULL)
            continue;
        (void)snprintf(what, CONF_FAULT_SIZE, "%.100s = %.200s of [%.100s]", lost->name,
                       lost->value, lost->section);
        return true;
    }
    return false;
}
