/*
 * akma doctor: does derivation work here, and if not, why, and what to write
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "doctor.h"

#include "command.h"
#include "options.h"

#include <akma/kdf.h>
#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

static const char example[] =
    "OPENSSL_CONF and OPENSSL_MODULES apply as in every program; options may have one\n"
    "hyphen, as those of openssl. The exit status is 0 only if all checks are ok.\n"
    "The command after \"do:\" can be run as it is, and repairs what the line says.\n"
    "\n"
    "Example:\n"
    "  akma doctor --config openssl.cnf --json";

static struct {
    const char *config, *system, *path, *query, *json;
    const char *providers[OPTION_MANY_MAX + 1];
} option;

static const struct option_row rows[] = {
    {"config", "FILE", &option.config, OPTION_OPTIONAL, "instead of OPENSSL_CONF"},
    {"system", "FILE", &option.system, OPTION_OPTIONAL,
     "the file whose settings must be kept (without: the system's openssl.cnf)"},
    {"provider", "NAME", option.providers, OPTION_MANY,
     "load this provider as well; may be repeated"},
    {"provider-path", "FOLDER", &option.path, OPTION_OPTIONAL, "instead of OPENSSL_MODULES"},
    {"propquery", "QUERY", &option.query, OPTION_OPTIONAL,
     "the query that the application uses, such as provider=acme"},
    {"json", NULL, &option.json, OPTION_OPTIONAL, "the same as JSON"},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows), {example, NULL, 0}};

const char *doctor_reason(void)
{
    const char *data = NULL;
    static char text[400];
    int flags = 0;
    const unsigned long error = ERR_peek_last_error_data(&data, &flags);
    const char *reason = ERR_reason_error_string(error);

    (void)snprintf(text, sizeof(text), "%s%s%s", reason == NULL ? "no reason given" : reason,
                   (flags & ERR_TXT_STRING) != 0 && data[0] != '\0' ? ": " : "",
                   (flags & ERR_TXT_STRING) != 0 ? data : "");
    ERR_clear_error();
    return text;
}

/* -provider is --provider, as in openssl. */
static void double_hyphens(int argc, char *argv[], char **doubled)
{
    for (int i = 1; i < argc; i++) {
        const size_t length = strlen(argv[i]);

        if (argv[i][0] != '-' || !isalpha((unsigned char)argv[i][1]))
            continue;
        doubled[i] = OPENSSL_malloc(length + 2);
        if (doubled[i] == NULL)
            continue;
        doubled[i][0] = '-';
        memcpy(doubled[i] + 1, argv[i], length + 1);
        argv[i] = doubled[i];
    }
}

/* Providers that are asked for by name are instances if their file is the module's. */
static void add_providers(struct doctor *doctor)
{
    for (size_t i = 0; option.providers[i] != NULL; i++) {
        const char *name = option.providers[i];
        bool known = strcmp(name, "default") == 0 || strcmp(name, "fips") == 0 ||
                     strcmp(name, "base") == 0 || strcmp(name, "legacy") == 0;

        for (size_t j = 0; j < doctor->count; j++)
            known = known || strcmp(doctor->instances[j].name, name) == 0;
        if (!known && doctor->count < DOCTOR_INSTANCES)
            doctor->instances[doctor->count++] = (struct doctor_instance){.name = name};
    }
}

/* What a program with more rights than its caller is not told by its environment. */
static void check_environment(struct doctor *doctor)
{
    static const char *const names[] = {"OPENSSL_CONF", "OPENSSL_MODULES"};
    struct stat status;
    char self[PLACE_SIZE];

    if (getauxval(AT_SECURE) == 0)
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (getenv(names[i]) != NULL && realpath("/proc/self/exe", self) != NULL)
            (void)report_add(&doctor->report, false, "environment", names[i],
                             "is set, and OpenSSL does not read it in a program that has rights "
                             "beyond its caller's (AT_SECURE; a service gets them by "
                             "AmbientCapabilities instead): do: %s '%s'",
                             stat(self, &status) == 0 && (status.st_mode & (S_ISUID | S_ISGID)) != 0
                                 ? "chmod u-s,g-s"
                                 : "setcap -r",
                             self);
}

/* An instance under another name is one if it derives. */
static void report_instances(struct doctor *doctor)
{
    EVP_KDF *kdf = EVP_KDF_fetch(doctor->libctx, AKMA_KDF_E2E, doctor->query);
    char remedy[DOCTOR_REMEDY_SIZE];

    if (doctor->count > 0)
        (void)report_add(&doctor->report, true, "instances", NULL, "%zu of akma", doctor->count);
    else if (kdf != NULL)
        (void)report_add(&doctor->report, true, "instances", NULL, "%s has AKMA-E2E",
                         OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf)));
    else if (!doctor->report.failed)
        (void)report_add(&doctor->report, false, "instances", NULL,
                         "the current configuration has no akma: %s",
                         doctor_do_configure(doctor, remedy));
    EVP_KDF_free(kdf);
    ERR_clear_error();
}

static void load(struct doctor *doctor)
{
    if (option.path != NULL)
        (void)OSSL_PROVIDER_set_default_search_path(doctor->libctx, option.path);
    if (doctor->file.conf != NULL && OSSL_LIB_CTX_load_config(doctor->libctx, doctor->config) != 1)
        (void)report_add(&doctor->report, false, "loading", doctor->config, "%s", doctor_reason());
    for (size_t i = 0; option.providers[i] != NULL; i++)
        if (OSSL_PROVIDER_load(doctor->libctx, option.providers[i]) == NULL)
            (void)report_add(&doctor->report, false, "loading", option.providers[i], "%s",
                             doctor_reason());
    ERR_clear_error();
}

static void report_verdict(struct doctor *doctor)
{
    const struct report *report = &doctor->report;

    if (report->failed == 0)
        (void)report_add(&doctor->report, true, "verdict", NULL, "akma derives here");
    else
        (void)report_add(&doctor->report, false, "verdict", NULL,
                         "%zu of %zu checks are not ok: begin with the first of them",
                         report->failed, report->checks);
}

static int examine(struct doctor *doctor, const char *default_config)
{
    char system[CONF_PATH_SIZE];

    conf_file_system(system);
    doctor->system = option.system != NULL ? option.system : system;
    doctor->config = option.config != NULL ? option.config : default_config;
    doctor->modules = option.path != NULL ? option.path : secure_getenv("OPENSSL_MODULES");
    doctor->modules_given = doctor->modules != NULL;
    if (!doctor->modules_given)
        doctor->modules = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
    doctor->query = option.query;
    doctor->options = (struct doctor_options){option.config, option.system,    option.path,
                                              option.query,  option.providers, false};
    report_begin(&doctor->report, option.json != NULL);
    (void)report_add(&doctor->report, true, "libcrypto", NULL, "%s",
                     OpenSSL_version(OPENSSL_VERSION));
    check_environment(doctor);
    doctor_check_config(doctor);
    add_providers(doctor);
    doctor_check_sections(doctor);
    doctor_check_modules(doctor);
    if (!doctor->deadly) {
        load(doctor);
        report_instances(doctor);
        doctor_check_system(doctor);
        doctor_check_instances(doctor);
        doctor_check_derivation(doctor);
    }
    report_verdict(doctor);
    return report_end(&doctor->report) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int command_doctor(int argc, char *argv[])
{
    char **doubled = OPENSSL_zalloc((size_t)argc * sizeof(*doubled));
    char *default_config = CONF_get1_default_config_file();
    struct doctor doctor = {.libctx = OSSL_LIB_CTX_new()};
    int status = EXIT_FAILURE;

    if (doubled != NULL)
        double_hyphens(argc, argv, doubled);
    options_parse(argc, argv, "check whether derivation works here, and if not, why", groups,
                  sizeof(groups) / sizeof(groups[0]));
    if (doubled == NULL || default_config == NULL || doctor.libctx == NULL)
        fprintf(stderr, "akma doctor: out of memory\n");
    else
        status = examine(&doctor, default_config);
    conf_file_close(&doctor.file);
    OSSL_LIB_CTX_free(doctor.libctx);
    OPENSSL_free(default_config);
    for (int i = 0; doubled != NULL && i < argc; i++)
        OPENSSL_free(doubled[i]);
    OPENSSL_free(doubled);
    return status;
}
