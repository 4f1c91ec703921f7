/*
 * akma doctor: the modules folder, and what the system's loader says of the module
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "doctor.h"

#include <akma/kdf.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Where OpenSSL looks for an instance's file: a name without a folder is in the modules folder. */
static void find_file(const struct doctor *doctor, const struct doctor_instance *instance,
                      char path[DOCTOR_PATH_SIZE])
{
    const char *module = doctor_key(doctor, instance, "module");

    if (module != NULL && module[0] == '/')
        (void)snprintf(path, DOCTOR_PATH_SIZE, "%s", module);
    else
        (void)snprintf(path, DOCTOR_PATH_SIZE, "%s/%s%s", doctor->modules,
                       module == NULL ? instance->name : module, module == NULL ? ".so" : "");
}

static void check_file(struct doctor *doctor, const struct doctor_instance *instance)
{
    char path[DOCTOR_PATH_SIZE];
    struct stat status;
    void *module;

    find_file(doctor, instance, path);
    if (stat(path, &status) != 0) {
        (void)report_add(&doctor->report, false, "module", instance->name,
                         "%s: %s: install the module there, or write module = <its path> in its "
                         "section, or set OPENSSL_MODULES",
                         path, strerror(errno));
        return;
    }
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL)
        (void)report_add(&doctor->report, false, "module", instance->name, "%s", dlerror());
    else if (dlsym(module, "OSSL_provider_init") == NULL)
        (void)report_add(&doctor->report, false, "module", instance->name,
                         "%s is not a provider: it has no OSSL_provider_init", path);
    else
        (void)report_add(&doctor->report, true, "module", instance->name, "%s loads", path);
    if (module != NULL)
        (void)dlclose(module);
}

void doctor_check_modules(struct doctor *doctor)
{
    static const struct doctor_instance usual = {.name = AKMA_PROVIDER_NAME};
    struct stat status;

    if (doctor->modules == NULL || stat(doctor->modules, &status) != 0 || !S_ISDIR(status.st_mode))
        (void)report_add(&doctor->report, false, "modules folder",
                         doctor->modules == NULL ? "none" : doctor->modules,
                         "there is no such folder: set OPENSSL_MODULES to the one with akma.so");
    else
        (void)report_add(&doctor->report, true, "modules folder", doctor->modules, "is there");
    for (size_t i = 0; i < doctor->count; i++)
        check_file(doctor, &doctor->instances[i]);
    if (doctor->count == 0)
        check_file(doctor, &usual);
}
