/*
 * akma doctor: the modules folder, and what the system's loader says of the module
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "doctor.h"

#include <akma/kdf.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS    20 /* that loading a module may take */
#define WORDS_SIZE 400

void doctor_module_path(const struct doctor *doctor, const struct doctor_instance *instance,
                        char path[PLACE_SIZE])
{
    const char *module = doctor_key(doctor, instance, "module");

    if (module != NULL && module[0] == '/')
        (void)snprintf(path, PLACE_SIZE, "%s", module);
    else
        (void)snprintf(path, PLACE_SIZE, "%s/%s%s", doctor->modules,
                       module == NULL ? instance->name : module, module == NULL ? ".so" : "");
}

/* In a process of its own: a file that was cut short ends it. What it says; empty: it loads. */
static _Noreturn void try_to_load(const char *path, int out)
{
    const struct rlimit none = {0, 0};
    void *module;
    char words[WORDS_SIZE] = "";

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)alarm(SECONDS);
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL)
        (void)snprintf(words, sizeof(words), "%s", dlerror());
    else if (dlsym(module, "OSSL_provider_init") == NULL)
        (void)snprintf(words, sizeof(words),
                       "%.200s is not a provider: it has no OSSL_provider_init", path);
    _exit(write(out, words, strlen(words)) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* Why the module cannot be loaded; empty: it can. True: trying ends a process. */
static bool load_fault(const char *path, char words[WORDS_SIZE])
{
    int ends[2], status = 0;
    ssize_t got = 0;
    pid_t child;

    words[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    child = fork();
    if (child == 0)
        try_to_load(path, ends[1]);
    (void)close(ends[1]);
    got = child < 0 ? 0 : read(ends[0], words, WORDS_SIZE - 1);
    words[got < 0 ? 0 : got] = '\0';
    (void)close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
        return false;
    (void)snprintf(words, WORDS_SIZE,
                   "loading it ends the process (%s): the file is damaged, install it again",
                   strsignal(WTERMSIG(status)));
    return true;
}

/* The module where it is, for a section that leads elsewhere; and no other folder in force. */
static const char *do_find(const struct doctor *doctor, const struct doctor_instance *instance,
                           char remedy[DOCTOR_REMEDY_SIZE])
{
    static const char unset[] = "do: unset OPENSSL_MODULES";
    char found[PLACE_SIZE], usual[PLACE_SIZE], text[DOCTOR_REMEDY_SIZE];
    const struct doctor_line line = {instance->section, "module", found};

    remedy[0] = '\0';
    if (!places_module(found))
        return remedy;
    (void)snprintf(usual, sizeof(usual), "%s/" AKMA_PROVIDER_NAME ".so",
                   OPENSSL_info(OPENSSL_INFO_MODULES_DIR));
    if (instance->section != NULL &&
        (access(usual, R_OK) != 0 || doctor_key(doctor, instance, "module") != NULL))
        (void)doctor_do_append(doctor, &line, 1, remedy);
    if (getenv("OPENSSL_MODULES") == NULL)
        return remedy;
    (void)snprintf(text, sizeof(text), "%s%s%.900s", unset, remedy[0] == '\0' ? "" : " && ",
                   remedy[0] == '\0' ? "" : remedy + strlen("do: "));
    return memcpy(remedy, text, strlen(text) + 1);
}

static void check_file(struct doctor *doctor, const struct doctor_instance *instance)
{
    char path[PLACE_SIZE], words[WORDS_SIZE], remedy[DOCTOR_REMEDY_SIZE];
    struct stat status;
    bool deadly;

    doctor_module_path(doctor, instance, path);
    if (stat(path, &status) != 0) {
        (void)report_add(&doctor->report, false, "module", instance->name,
                         "%s: %s: install the module there, or write module = <its path> in its "
                         "section: %s",
                         path, strerror(errno), do_find(doctor, instance, remedy));
        return;
    }
    deadly = load_fault(path, words);
    doctor->deadly = doctor->deadly || deadly;
    if (words[0] == '\0')
        (void)report_add(&doctor->report, true, "module", instance->name, "%s loads", path);
    else
        (void)report_add(&doctor->report, false, "module", instance->name, "%s%s%s",
                         deadly ? path : "", deadly ? ": " : "", words);
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
}
