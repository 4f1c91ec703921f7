/*
 * akma doctor: the modules folder, and what the system's loader says of the module
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "child.h"
#include "doctor.h"

#include <akma/kdf.h>
#include <dlfcn.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where OpenSSL looks for an instance's file: a name without a folder is in the modules folder. */
static void module_path(const struct doctor *doctor, const struct doctor_instance *instance,
                        char path[PLACE_SIZE])
{
    const char *module = doctor_key(doctor, instance, "module");

    if (module != NULL && module[0] == '/')
        (void)snprintf(path, PLACE_SIZE, "%s", module);
    else
        (void)snprintf(path, PLACE_SIZE, "%s/%s%s", doctor->modules,
                       module == NULL ? instance->name : module, module == NULL ? ".so" : "");
}

OSSL_PROVIDER *doctor_load_alone(const struct doctor *doctor,
                                 const struct doctor_instance *instance, OSSL_LIB_CTX *libctx)
{
    char path[PLACE_SIZE], *name;

    module_path(doctor, instance, path);
    name = strrchr(path, '/');
    if (name == NULL)
        return NULL;
    *name++ = '\0';
    if (strlen(name) > 3 && strcmp(name + strlen(name) - 3, ".so") == 0)
        name[strlen(name) - 3] = '\0';
    if (OSSL_PROVIDER_set_default_search_path(libctx, path) != 1)
        return NULL;
    return OSSL_PROVIDER_load(libctx, name);
}

static void try_to_load(const void *path, char words[CHILD_WORDS_SIZE])
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (module == NULL)
        (void)snprintf(words, CHILD_WORDS_SIZE, "%s", dlerror());
    else if (dlsym(module, "OSSL_provider_init") == NULL)
        (void)snprintf(words, CHILD_WORDS_SIZE,
                       "%.200s is not a provider: it has no OSSL_provider_init",
                       (const char *)path);
    if (module != NULL)
        (void)dlclose(module);
}

/* Why the module cannot be loaded; empty: it can. True: trying ends or stops a process. */
static bool load_fault(const char *path, char words[CHILD_WORDS_SIZE])
{
    char signal[CHILD_WORDS_SIZE];
    struct stat status;

    if (stat(path, &status) != 0) {
        (void)snprintf(words, CHILD_WORDS_SIZE, "%.200s: %s", path, strerror(errno));
        return false;
    }
    if (!S_ISREG(status.st_mode)) {
        (void)snprintf(words, CHILD_WORDS_SIZE, "%.200s: %s; the module's file is wanted", path,
                       S_ISDIR(status.st_mode) ? "a folder" : "not a regular file");
        return !S_ISDIR(status.st_mode);
    }
    if (!child_run(try_to_load, path, words))
        return false;
    memcpy(signal, words, sizeof(signal));
    (void)snprintf(words, CHILD_WORDS_SIZE,
                   "%.200s: loading it ends the process (%.60s): the file is damaged, install it "
                   "again",
                   path, signal);
    return true;
}

static bool loads(const char *path)
{
    char words[CHILD_WORDS_SIZE];

    return !load_fault(path, words) && words[0] == '\0';
}

/* Does an instance load where libcrypto's own folder is in use? */
static bool is_usually_found(const struct doctor *doctor, const struct doctor_instance *instance)
{
    struct doctor usual = *doctor;
    char path[PLACE_SIZE];

    usual.modules = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
    module_path(&usual, instance, path);
    return loads(path);
}

/* Is a provider among these that has HMAC? */
static bool names_hmac(const char *const *providers)
{
    for (; *providers != NULL; providers++)
        if (strcmp(*providers, "default") == 0 || strcmp(*providers, "fips") == 0)
            return true;
    return false;
}

/* No other folder in use than libcrypto's own; if nothing else leads there, the module's. */
static const char *do_leave_folder(const struct doctor *doctor,
                                   const struct doctor_instance *instance, const char *module,
                                   char remedy[DOCTOR_REMEDY_SIZE])
{
    struct doctor_options with = doctor->options;
    char folder[PLACE_SIZE];

    (void)snprintf(folder, sizeof(folder), "%s", module);
    *strrchr(folder, '/') = '\0';
    if (instance->section == NULL && with.providers[0] != NULL) {
        with.folder = folder;
        with.with_default = doctor->file.providers == NULL && !names_hmac(with.providers);
        return doctor_do_again(&with, remedy);
    }
    if (with.folder != NULL) {
        with.folder = instance->section == NULL ? folder : NULL;
        return doctor_do_again(&with, remedy);
    }
    (void)snprintf(remedy, DOCTOR_REMEDY_SIZE, "%s",
                   getenv("OPENSSL_MODULES") == NULL ? "" : "do: unset OPENSSL_MODULES");
    return remedy;
}

/* The module where it is, for a section that leads elsewhere; and no other folder in use. */
static const char *do_find(const struct doctor *doctor, const struct doctor_instance *instance,
                           char remedy[DOCTOR_REMEDY_SIZE])
{
    char found[PLACE_SIZE], line[DOCTOR_REMEDY_SIZE] = "", folder[DOCTOR_REMEDY_SIZE] = "";
    const struct doctor_line module = {instance->section, "module", found};
    bool both;

    remedy[0] = '\0';
    if (!places_module(found) || !loads(found))
        return remedy;
    if (instance->section != NULL && !is_usually_found(doctor, instance))
        (void)doctor_do_append(doctor, &module, 1, line);
    (void)do_leave_folder(doctor, instance, found, folder);
    both = line[0] != '\0' && folder[0] != '\0';
    (void)snprintf(remedy, DOCTOR_REMEDY_SIZE, "%.480s%s%.480s", line, both ? " && " : "",
                   folder + (both ? strlen("do: ") : 0));
    return remedy;
}

static void check_file(struct doctor *doctor, const struct doctor_instance *instance)
{
    char path[PLACE_SIZE], words[CHILD_WORDS_SIZE], remedy[DOCTOR_REMEDY_SIZE];
    bool deadly;

    module_path(doctor, instance, path);
    deadly = load_fault(path, words);
    doctor->deadly = doctor->deadly || deadly;
    if (words[0] == '\0')
        (void)report_add(&doctor->report, true, "module", instance->name, "%s loads", path);
    else
        (void)report_add(&doctor->report, false, "module", instance->name,
                         "%s: install the module there, or write module = <its path> in its "
                         "section: %s",
                         words, do_find(doctor, instance, remedy));
}

/* Modules that are not ours: what is wrong with them. Some are libcrypto's, and have no file. */
static void check_others(struct doctor *doctor)
{
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(&doctor->file, doctor->file.providers);

    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);
        const struct doctor_instance other = {conf_file_provider(&doctor->file, entry),
                                              entry->value};
        char path[PLACE_SIZE], words[CHILD_WORDS_SIZE];

        bool deadly;

        if (conf_file_is_akma(&doctor->file, entry))
            continue;
        module_path(doctor, &other, path);
        deadly = load_fault(path, words);
        doctor->deadly |= deadly;
        if (words[0] == '\0' || (!deadly && doctor_key(doctor, &other, "module") == NULL))
            continue;
        (void)report_add(&doctor->report, false, "module", other.name, "%s", words);
    }
}

/* Libcrypto's own need not be there, if each instance says where its file is. */
static void check_folder(struct doctor *doctor)
{
    static const struct doctor_instance usual = {.name = AKMA_PROVIDER_NAME};
    const struct doctor_instance *first = doctor->count > 0 ? &doctor->instances[0] : &usual;
    const char *folder = doctor->modules == NULL ? "none" : doctor->modules;
    char remedy[DOCTOR_REMEDY_SIZE];
    struct stat status;

    if (doctor->modules != NULL && stat(doctor->modules, &status) == 0 && S_ISDIR(status.st_mode))
        (void)report_add(&doctor->report, true, "modules folder", folder, "is there");
    else if (doctor->modules_given)
        (void)report_add(&doctor->report, false, "modules folder", folder,
                         "there is no such folder: %s", do_find(doctor, first, remedy));
}

void doctor_check_modules(struct doctor *doctor)
{
    check_folder(doctor);
    for (size_t i = 0; i < doctor->count; i++)
        check_file(doctor, &doctor->instances[i]);
    check_others(doctor);
}
