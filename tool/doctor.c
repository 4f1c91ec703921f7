/*
 * akma doctor: does derivation work here, and if not, why, and what to write
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "doctor.h"

#include "command.h"
#include "options.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char example[] =
    "OPENSSL_CONF and OPENSSL_MODULES count as they do for every program; options may\n"
    "have one hyphen, as those of openssl. The exit status is 0 only if all is ok.\n"
    "\n"
    "Example:\n"
    "  akma doctor --config openssl.cnf --json";

static struct {
    const char *config, *path, *query, *json;
    const char *providers[OPTION_MANY_MAX + 1];
} option;

static const struct option_row rows[] = {
    {"config", "FILE", &option.config, OPTION_OPTIONAL, "instead of OPENSSL_CONF"},
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

static void report_instances(struct doctor *doctor)
{
    if (doctor->count > 0)
        (void)report_add(&doctor->report, true, "instances", NULL, "%zu of akma", doctor->count);
    else
        (void)report_add(&doctor->report, false, "instances", NULL,
                         "the file has no akma: write openssl_conf = openssl_init before the first "
                         "section, then [openssl_init] providers = provider_sect, [provider_sect] "
                         "default = default_sect and akma = akma_sect, and activate = 1 in each of "
                         "[default_sect] and [akma_sect] (openssl.cnf.example shows it)");
}

static void load(struct doctor *doctor)
{
    if (option.path != NULL)
        (void)OSSL_PROVIDER_set_default_search_path(doctor->libctx, option.path);
    if (doctor->conf != NULL && OSSL_LIB_CTX_load_config(doctor->libctx, doctor->config) != 1)
        (void)report_add(&doctor->report, false, "loading", doctor->config, "%s", doctor_reason());
    for (size_t i = 0; option.providers[i] != NULL; i++)
        if (OSSL_PROVIDER_load(doctor->libctx, option.providers[i]) == NULL)
            (void)report_add(&doctor->report, false, "loading", option.providers[i], "%s",
                             doctor_reason());
    ERR_clear_error();
}

static int examine(struct doctor *doctor, const char *default_config)
{
    doctor->config = option.config != NULL ? option.config : default_config;
    doctor->modules = option.path != NULL ? option.path : getenv("OPENSSL_MODULES");
    if (doctor->modules == NULL)
        doctor->modules = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
    doctor->query = option.query;
    report_begin(&doctor->report, option.json != NULL);
    (void)report_add(&doctor->report, true, "libcrypto", NULL, "%s",
                     OpenSSL_version(OPENSSL_VERSION));
    doctor_check_config(doctor);
    add_providers(doctor);
    report_instances(doctor);
    doctor_check_sections(doctor);
    doctor_check_modules(doctor);
    load(doctor);
    doctor_check_instances(doctor);
    doctor_check_derivation(doctor);
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
    options_parse(argc, argv, "find out whether derivation works here, and why not", groups,
                  sizeof(groups) / sizeof(groups[0]));
    if (doubled == NULL || default_config == NULL || doctor.libctx == NULL)
        fprintf(stderr, "akma doctor: out of memory\n");
    else
        status = examine(&doctor, default_config);
    NCONF_free(doctor.conf);
    OSSL_LIB_CTX_free(doctor.libctx);
    OPENSSL_free(default_config);
    for (int i = 0; doubled != NULL && i < argc; i++)
        OPENSSL_free(doubled[i]);
    OPENSSL_free(doubled);
    return status;
}
