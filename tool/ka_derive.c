/*
 * akma ka derive: Ka's of a master secret, for a list of devices
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka.h"
#include "ka_derive_run.h"
#include "options.h"
#include "out_file.h"
#include "secret_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char example[] =
    "The output is what akma ka new makes: a devices file without Ks_NAF, for a\n"
    "provisioning line or the devices. A third party that has the master\n"
    "(--ka-source master:SRC or pkcs11:URI of e2e-as) needs no such file.\n"
    "\n"
    "Example:\n"
    "  akma ka derive --master 'pkcs11:token=akma;object=k-master' \\\n"
    "      --ka-pin file:/etc/akma/pin --in devices.txt --ka-id 2026 --out ka.csv";

static struct {
    const char *master, *pin, *in, *out, *force, *ka_id, *threads;
    const char *devices[OPTION_MANY_MAX + 1];
} option = {.ka_id = ""};

static const struct option_row rows[] = {
    {"master", "SRC|URI", &option.master, OPTION_REQUIRED, KA_MASTER_HELP},
    {"ka-pin", "SRC", &option.pin, OPTION_OPTIONAL, KA_PIN_HELP},
    {"in", "FILE", &option.in, OPTION_OPTIONAL,
     "the devices: one permanent name per line; - is standard input"},
    {"device", "NAME", option.devices, OPTION_MANY, "instead, a device; may be repeated"},
    {"ka-id", "TEXT", &option.ka_id, OPTION_OPTIONAL, "which Ka's: a year, a batch"},
    {"out", "FILE", &option.out, OPTION_OPTIONAL, KA_OUT_HELP},
    {"force", NULL, &option.force, OPTION_OPTIONAL, KA_FORCE_HELP},
    {"threads", "N", &option.threads, OPTION_OPTIONAL,
     "how many derive at a time (default one per processor, 4 with a token)"},
};

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows), {example, NULL, 0}};

static int refuse(const char *where, const char *what)
{
    fprintf(stderr, "akma ka derive: %s: %s\n", where, what);
    return EXIT_USAGE;
}

/* What makes no sense together, or would lose something. */
static int check(void)
{
    if ((option.in == NULL) == (option.devices[0] == NULL))
        return refuse("--in", "give either this or --device");
    if (option.in != NULL && option.out != NULL && out_file_is(option.out, option.in))
        return refuse("--out", OUT_FILE_IS_INPUT);
    if (option.out != NULL && secret_source_is_file(option.master, option.out))
        return refuse("--out", OUT_FILE_IS_INPUT);
    if (option.in != NULL && strcmp(option.in, "-") == 0) {
        if (secret_source_is_same(option.master, "stdin"))
            return refuse("--master and --in", SECRET_USED_TWICE);
        if (option.pin != NULL && secret_source_is_same(option.pin, "stdin"))
            return refuse("--ka-pin and --in", SECRET_USED_TWICE);
    }
    if (!row_is_text(option.ka_id, strlen(option.ka_id)) || strchr(option.ka_id, ',') != NULL ||
        strlen(option.ka_id) > ROW_TEXT_MAX)
        return refuse("--ka-id", "must be at most 255 octets of UTF-8 without blanks and commas");
    return EXIT_SUCCESS;
}

int ka_derive(int argc, char *argv[])
{
    struct ka_derive_setup setup = {.ka_id = NULL};
    char fault[MASTER_FAULT_SIZE];
    bool done = false;
    int status;

    options_parse(argc, argv, "derive the Ka's of a list of devices from a master secret", groups,
                  sizeof(groups) / sizeof(groups[0]));
    status = check();
    if (status != EXIT_SUCCESS)
        return status;
    setup = (struct ka_derive_setup){
        .in = option.in,
        .devices = option.devices,
        .out = option.out,
        .force = option.force != NULL,
        .ka_id = option.ka_id,
        .threads = option.threads == NULL ? 0 : options_number("threads", option.threads, 1, 64),
        .master = master_new(option.master, option.pin, fault),
    };
    if (setup.master != NULL && master_open(setup.master, fault) == MASTER_OK)
        done = ka_derive_run(&setup);
    else
        (void)refuse("--master", fault);
    master_free(setup.master);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
