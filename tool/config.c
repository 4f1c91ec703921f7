/*
 * akma config: an openssl.cnf that keeps what the system's has, with default and akma beside it
 *
 * The file includes the system's, and continues in that one's own sections, whatever they are
 * called: the last openssl_conf, and the last list of providers, would replace those before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "command.h"
#include "conf_file.h"
#include "config_trial.h"
#include "options.h"
#include "places.h"
#include "secret_file_guard.h"

#include <akma/kdf.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE 128

static const char example[] =
    "The file includes the system's file and adds to its sections, whatever their\n"
    "names: its providers, its TLS settings and its engines still apply. When it is\n"
    "rewritten, the keys of akma's own sections are kept, such as a policy.\n"
    "\n"
    "Example:\n"
    "  akma config --out openssl.cnf && export OPENSSL_CONF=\"$PWD/openssl.cnf\"";

static struct {
    const char *system, *out, *module, *force;
} option;

static const struct option_row rows[] = {
    {"system", "FILE", &option.system, OPTION_OPTIONAL,
     "the system's openssl.cnf (without: the one that libcrypto reads by itself)"},
    {"out", "FILE", &option.out, OPTION_OPTIONAL, "where to write (without: standard output)"},
    {"module", "FILE", &option.module, OPTION_OPTIONAL, "the module (without: the installed one)"},
    {"force", NULL, &option.force, OPTION_OPTIONAL,
     "replace a file that akma config did not write"},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows), {example, NULL, 0}};

/* A name that begins with no slash would go by the folder that a program runs in. */
static bool make_absolute(const char *given, char path[PLACE_SIZE])
{
    char *const folder = getcwd(NULL, 0);
    const int length =
        given[0] == '/' ? snprintf(path, PLACE_SIZE, "%s", given)
                        : snprintf(path, PLACE_SIZE, "%s/%s", folder == NULL ? "" : folder, given);
    const bool done = length > 0 && length < PLACE_SIZE && (given[0] == '/' || folder != NULL);

    free(folder);
    return done;
}

/* A name that no section of the system's file has. */
static const char *fresh_name(const struct conf_file *system, const char *base,
                              char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "%s", base);
    for (unsigned int i = 2; conf_file_has_section(system, name); i++)
        (void)snprintf(name, NAME_SIZE, "%.100s_%u", base, i);
    return name;
}

/* A value, with what openssl.cnf(5) takes for more than a character escaped. */
static void put_value(FILE *file, const char *value)
{
    for (; *value != '\0'; value++) {
        if (strchr("\\$#\"'`", *value) != NULL)
            (void)putc('\\', file);
        (void)putc(*value, file);
    }
    (void)putc('\n', file);
}

/* Does OpenSSL find this module by itself? */
static bool is_usual(const char *module)
{
    const char *const folder = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
    char usual[PLACE_SIZE];
    struct stat its, found;

    return folder != NULL &&
           snprintf(usual, sizeof(usual), "%s/" AKMA_PROVIDER_NAME ".so", folder) < PLACE_SIZE &&
           stat(usual, &found) == 0 && stat(module, &its) == 0 && found.st_dev == its.st_dev &&
           found.st_ino == its.st_ino;
}

static void put_module(FILE *file)
{
    char path[PLACE_SIZE];
    const bool found =
        option.module != NULL ? make_absolute(option.module, path) : places_module(path);

    if (!found || is_usual(path))
        return;
    (void)fputs("module = ", file);
    put_value(file, path);
}

/* Keys that an instance's section of the file before has beside those that are written anyway. */
static void put_kept(FILE *file, const struct conf_file *before, const char *section)
{
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(before, section);

    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);

        if (conf_file_is_loading_key(entry->name) && strcmp(entry->name, "identity") != 0)
            continue;
        (void)fprintf(file, "%s = ", entry->name);
        put_value(file, entry->value);
    }
}

/* One instance: its row in the list, and its section. */
static void put_instance(FILE *file, const struct conf_file *system, const char *providers,
                         const struct conf_file *before, const CONF_VALUE *kept)
{
    const char *const name = kept == NULL ? AKMA_PROVIDER_NAME : kept->name;
    char section[NAME_SIZE], base[NAME_SIZE];

    (void)snprintf(base, sizeof(base), "%.90s_sect", name);
    (void)fresh_name(system, base, section);
    (void)fprintf(file,
                  "\n[%s]\n%s = %s\n\n# soft_load: if the module is missing, everything else still "
                  "loads, and AKMA-E2E is unknown.\n[%s]\n",
                  providers, name, section, section);
    put_module(file);
    (void)fputs("soft_load = 1\nactivate = 1\n", file);
    if (kept != NULL)
        put_kept(file, before, kept->value);
    else
        (void)fputs("# The third party's policy follows here: see OSSL_PROVIDER-akma(7ssl).\n",
                    file);
}

/* The instances in one section of the file before; how many. */
static size_t put_kept_instances(FILE *file, const struct conf_file *system, const char *providers,
                                 const struct conf_file *before, const char *list)
{
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(before, list);
    size_t count = 0;

    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);

        if (!conf_file_has_section(before, entry->value) || !conf_file_is_akma(before, entry) ||
            conf_file_find(system, conf_file_provider(before, entry)) != NULL)
            continue;
        put_instance(file, system, providers, before, entry);
        count++;
    }
    return count;
}

/* The system's own instances: each becomes active, and keeps what the file before added to it. */
static void put_systems_instances(FILE *file, const struct conf_file *system,
                                  const struct conf_file *before)
{
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(system, system->providers);

    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);
        const bool active = conf_file_activates(system, entry->value);

        if (!conf_file_is_akma(system, entry) ||
            (active && !conf_file_has_section(before, entry->value)))
            continue;
        (void)fprintf(file, "\n# The system's file lists %s.\n[%s]\n", entry->name, entry->value);
        if (conf_file_value(system, entry->value, "module") == NULL)
            put_module(file);
        (void)fputs("soft_load = 1\nactivate = 1\n", file);
        put_kept(file, before, entry->value);
    }
}

/* The instances that the file before has, or one. Its lists may be called as the system's were. */
static void put_instances(FILE *file, const struct conf_file *system, const char *providers,
                          const struct conf_file *before)
{
    STACK_OF(OPENSSL_CSTRING) *lists =
        before->conf == NULL ? NULL : NCONF_get_section_names(before->conf);
    size_t count = 0;

    for (int i = 0; i < sk_OPENSSL_CSTRING_num(lists); i++) {
        const char *list = sk_OPENSSL_CSTRING_value(lists, i);

        if (before->providers == NULL || strcmp(before->providers, list) == 0)
            count += put_kept_instances(file, system, providers, before, list);
    }
    sk_OPENSSL_CSTRING_free(lists);
    put_systems_instances(file, system, before);
    if (count == 0 && conf_file_find(system, AKMA_PROVIDER_NAME) == NULL)
        put_instance(file, system, providers, before, NULL);
}

/* HMAC comes from default, or from fips, in whose place default would be a way around it. */
static void put_default(FILE *file, const struct conf_file *system, const char *providers)
{
    const CONF_VALUE *const fips = conf_file_find(system, "fips");
    const CONF_VALUE *const known = conf_file_find(system, "default");
    char name[NAME_SIZE];

    if (known == NULL && fips != NULL && conf_file_activates(system, fips->value)) {
        (void)fputs("\n# The system's file activates fips, which has HMAC: default stays away.\n",
                    file);
        return;
    }
    if (known != NULL && conf_file_activates(system, known->value))
        return;
    if (known == NULL)
        (void)fprintf(file, "\n[%s]\ndefault = %s\n", providers,
                      fresh_name(system, "default_sect", name));
    (void)fprintf(file,
                  "\n# If a provider is activated, OpenSSL no longer activates `default` by "
                  "itself.\n[%s]\nactivate = 1\n",
                  known == NULL ? name : known->value);
}

static void put_file(FILE *file, const struct conf_file *system, const char *path,
                     const struct conf_file *before)
{
    char init[NAME_SIZE], providers[NAME_SIZE];

    (void)fprintf(file,
                  CONF_FILE_MARK
                  ": the system's OpenSSL configuration, with default and akma added to its\n"
                  "# providers. For one application:\n#\n"
                  "#   OPENSSL_CONF=\"%s\" openssl kdf ... AKMA-E2E\n#\n"
                  "# Nothing reads this file by itself. Do not activate akma in the system's own "
                  "openssl.cnf: every program\n# reads that. If that file later renames its "
                  "sections, let `akma config` write this one again; it keeps\n# only the keys of "
                  "akma's own sections. `akma doctor` compares the two.\n\n"
                  ".include ",
                  option.out == NULL ? "THIS FILE" : option.out);
    put_value(file, path);
    if (system->init == NULL)
        (void)fprintf(file, "\n[default]\nopenssl_conf = %s\n",
                      fresh_name(system, "openssl_init", init));
    if (system->providers == NULL)
        (void)fprintf(file, "\n[%s]\nproviders = %s\n", system->init == NULL ? init : system->init,
                      fresh_name(system, "provider_sect", providers));
    else
        (void)snprintf(providers, sizeof(providers), "%s", system->providers);
    put_default(file, system, providers);
    put_instances(file, system, providers, before);
}

/* A file of this name is ours to replace: it was written here, and is not the system's. */
static bool is_replaceable(const char *system)
{
    struct stat ours, theirs;

    if (stat(option.out, &ours) != 0)
        return errno == ENOENT || command_fail("config", option.out, strerror(errno));
    if (stat(system, &theirs) == 0 && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
        return command_fail("config", option.out,
                            "this is the system's file, which every program reads: write to "
                            "another one");
    return conf_file_is_marked(option.out) || option.force != NULL ||
           command_fail("config", option.out,
                        "is there already, and akma config did not write it: give another name, "
                        "or --force to replace it");
}

/* What the file before has, if it can be understood. */
static bool read_before(struct conf_file *before)
{
    char fault[CONF_FAULT_SIZE];
    bool done;

    *before = (struct conf_file){.conf = NULL};
    if (option.out == NULL || access(option.out, F_OK) != 0)
        return true;
    done = conf_file_is_marked(option.out) ? conf_file_open_own(before, option.out, fault)
                                           : conf_file_open(before, option.out, true, fault);
    if (!done)
        conf_file_close(before);
    return done || option.force != NULL || command_fail("config", option.out, fault);
}

static bool write_file(const char *text, size_t length)
{
    const struct stat status = {.st_mode = 0644, .st_uid = geteuid(), .st_gid = getegid()};
    char fault[SECRET_FILE_FAULT_SIZE];

    if (option.out == NULL)
        return secret_file_write(STDOUT_FILENO, text, length) ||
               command_fail("config", "standard output", strerror(errno));
    return secret_file_guard_write(option.out, &status, text, length, fault) ||
           command_fail("config", option.out, fault);
}

/* The file that is replaced, with all that it includes; empty: there is none. */
static bool read_existing(struct conf_file *existing)
{
    char fault[CONF_FAULT_SIZE];

    *existing = (struct conf_file){.conf = NULL};
    if (option.out == NULL || access(option.out, F_OK) != 0 ||
        conf_file_open(existing, option.out, true, fault))
        return true;
    conf_file_close(existing);
    return option.force != NULL || command_fail("config", option.out, fault);
}

/* Nothing is written that does not work. */
static bool write_tried(const struct conf_file *system, const char *text, size_t length)
{
    struct conf_file existing;
    char fault[CONF_FAULT_SIZE];
    bool done = read_existing(&existing);

    if (done)
        done = config_trial(text, length, system, &existing, fault)
                   ? write_file(text, length)
                   : command_fail("config", "nothing is written", fault);
    conf_file_close(&existing);
    return done;
}

static bool make(const struct conf_file *system, const char *path)
{
    struct conf_file before;
    char *text = NULL;
    size_t length = 0;
    FILE *file;
    bool done = (option.out == NULL || is_replaceable(path)) && read_before(&before);

    if (!done)
        return false;
    file = open_memstream(&text, &length);
    if (file != NULL) {
        put_file(file, system, path, &before);
        done = fclose(file) == 0;
    }
    done = file != NULL && done ? write_tried(system, text, length)
                                : command_fail("config", "configuration", "out of memory");
    free(text);
    conf_file_close(&before);
    return done;
}

int command_config(int argc, char *argv[])
{
    char path[PLACE_SIZE], fault[CONF_FAULT_SIZE];
    struct conf_file system;
    bool done;

    options_parse(argc, argv, "write an openssl.cnf with akma and the system's providers", groups,
                  sizeof(groups) / sizeof(groups[0]));
    conf_file_system(path);
    if (option.module != NULL && access(option.module, R_OK) != 0) {
        (void)command_fail("config", option.module, strerror(errno));
        return EXIT_FAILURE;
    }
    if (option.system != NULL && !make_absolute(option.system, path)) {
        (void)command_fail("config", option.system, "longer than a path can be");
        return EXIT_FAILURE;
    }
    if (!conf_file_open(&system, path, option.system == NULL, fault))
        done = command_fail("config", path, fault);
    else if (conf_file_has_mark_of_order(path))
        done = command_fail("config", path,
                            "begins with a byte order mark, with which OpenSSL cannot include it: "
                            "save it without");
    else
        done = make(&system, path);
    conf_file_close(&system);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
