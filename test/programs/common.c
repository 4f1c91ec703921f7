/*
 * What the programs share, for tests to call
 *
 *     common text                        a line of hex in, a line out: 1 well formed, 0 not
 *     common printable SIZE              a line of hex in, the filtered text in hex out
 *     common open|insecure|append PATH   "open", or why not
 *     common devices NEEDS EXTRA PATH    a line for each row, or why not; columns are bits
 *     common count PATH                  how many rows, and the peak of memory taken for them
 *     common e2e MODE DIGEST USAGE KA    the key of fixed inputs, or the reason
 *     common watch PATH                  a line of hex in, the file's new time, empty to leave it;
 *                                        a line out: 1 or 0 for differs, then for changed
 *
 * A row's line: identity, line, ka-id, the lines of its identity's first row, of the Ka that is
 * meant and of the one with this row's ka-id, and the refresh's first octet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "devices.h"
#include "e2e_key.h"
#include "file_watch.h"
#include "hex.h"
#include "printable.h"
#include "secret_file.h"
#include "utf8.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define LINE_SIZE 4096

/* A line of hex from standard input, decoded; false at the end. */
static bool read_hex(char octets[LINE_SIZE], size_t *length)
{
    char line[2 * LINE_SIZE];

    if (fgets(line, sizeof(line), stdin) == NULL)
        return false;
    *length = strcspn(line, "\n") / 2;
    return hex_decode((unsigned char *)octets, line, 2 * *length);
}

static int run_text(char *arguments[])
{
    char octets[LINE_SIZE];
    size_t length;

    (void)arguments;
    while (read_hex(octets, &length))
        printf("%d\n", utf8_fault((const unsigned char *)octets, length) == NULL);
    return 0;
}

static int run_printable(char *arguments[])
{
    const size_t size = strtoul(arguments[0], NULL, 10);
    char octets[LINE_SIZE], hex[2 * LINE_SIZE];
    char *shown = malloc(size); /* of just that size, so that a checker sees what is beyond */
    size_t length;

    while (shown != NULL && read_hex(octets, &length)) {
        (void)printable_octets(shown, size, octets, length);
        hex[hex_encode(hex, (const unsigned char *)shown, strlen(shown))] = '\0';
        printf("%s\n", hex);
    }
    free(shown);
    return 0;
}

static int show_open(int fd, const char *fault)
{
    printf("%s\n", fd < 0 ? fault : "open");
    return fd < 0;
}

static int run_open(char *arguments[])
{
    char fault[SECRET_FILE_FAULT_SIZE] = "";

    return show_open(secret_file_open(arguments[0], false, fault), fault);
}

static int run_insecure(char *arguments[])
{
    char fault[SECRET_FILE_FAULT_SIZE] = "";

    return show_open(secret_file_open(arguments[0], true, fault), fault);
}

static int run_append(char *arguments[])
{
    char fault[SECRET_FILE_FAULT_SIZE] = "";

    return show_open(secret_file_append(arguments[0], fault), fault);
}

static int run_devices(char *arguments[])
{
    const struct devices_rules rules = {.needs = (unsigned int)strtoul(arguments[0], NULL, 10),
                                        .extra = (unsigned int)strtoul(arguments[1], NULL, 10)};
    char fault[DEVICES_FAULT_SIZE] = "";
    struct devices *devices = devices_read(arguments[2], &rules, fault);

    if (devices == NULL) {
        printf("%s\n", fault);
        return 1;
    }
    for (size_t i = 0; i < devices->count; i++) {
        const struct device *row = &devices->rows[i];
        const struct device *last = devices_find(devices, row->identity);
        const struct device *meant = devices_ka(devices, last, NULL);
        const struct device *named = devices_ka(devices, last, row->ka_id);

        printf("%s %zu %s %zu %zu %zu %d\n", row->identity, row->row,
               row->ka_id[0] == '\0' ? "-" : row->ka_id, last->row, meant == NULL ? 0 : meant->row,
               named == NULL ? 0 : named->row, row->refresh == NULL ? -1 : row->refresh[0]);
    }
    printf("%s\n",
           devices_find(devices, "no such device") == NULL ? "" : "found what is not there");
    devices_free(devices);
    return 0;
}

/* Of each row: the device, its newest row, the Ka of this row, not-after. */
static int run_whose(char *arguments[])
{
    const struct devices_rules rules = {.needs = 0};
    char fault[DEVICES_FAULT_SIZE] = "";
    struct devices *devices = devices_read(arguments[0], &rules, fault);

    if (devices == NULL) {
        printf("%s\n", fault);
        return 1;
    }
    for (size_t i = 0; i < devices->count; i++) {
        const struct device *row = &devices->rows[i];
        const struct device *ka = devices_ka(devices, row, NULL);

        printf("%zu %s %zu %zu %lld %d\n", row->row, row->device,
               devices_find_device(devices, row->device)->row, ka == NULL ? 0 : ka->row,
               (long long)row->not_after, devices_expired(row));
    }
    devices_free(devices);
    return 0;
}

static int run_count(char *arguments[])
{
    const struct devices_rules rules = {.needs = DEVICES_KS_NAF};
    char fault[DEVICES_FAULT_SIZE] = "";
    struct rusage before, after;
    struct devices *devices;

    (void)getrusage(RUSAGE_SELF, &before);
    devices = devices_read(arguments[0], &rules, fault);
    (void)getrusage(RUSAGE_SELF, &after);
    printf("%zu %ld %s\n", devices == NULL ? 0 : devices->count,
           (after.ru_maxrss - before.ru_maxrss) * 1024, fault);
    devices_free(devices);
    return 0;
}

static int run_e2e(char *arguments[])
{
    const unsigned char ua[] = {0x01, 0x00, 0x00, 0x00, 0x07};
    const struct e2e_setup setup = {.naf_fqdn = "naf.example.com",
                                    .ua_protocol_id = ua,
                                    .mode = arguments[0],
                                    .digest = arguments[1],
                                    .usage = arguments[2]};
    unsigned char ks_naf[32], ka[64], key[E2E_KEY_LENGTH];
    const struct e2e_inputs inputs = {.ks_naf = memset(ks_naf, 0x11, sizeof(ks_naf)),
                                      .ka = ka,
                                      .ka_length = strlen(arguments[3]) / 2,
                                      .refresh = (const unsigned char *)"r",
                                      .refresh_length = 1};
    char reason[E2E_REASON_SIZE] = "", hex[2 * sizeof(key) + 1] = "";
    struct e2e e2e;
    const bool done = hex_decode(ka, arguments[3], strlen(arguments[3])) &&
                      e2e_open(&e2e, &setup, reason) == E2E_OPEN &&
                      e2e_derive(&e2e, &inputs, key, reason);

    if (done) {
        (void)hex_encode(hex, key, sizeof(key));
        printf("%s %d%d\n", hex, e2e_is_ours(&e2e, e2e.mode, e2e.digest, arguments[2]),
               e2e_is_ours(&e2e, e2e.mode, e2e.digest, "another"));
    } else {
        printf("%s\n", reason);
    }
    e2e_close(&e2e);
    return !done;
}

static bool set_time(const char *path, time_t seconds)
{
    const struct timespec times[] = {{.tv_sec = seconds}, {.tv_sec = seconds}};

    return utimensat(AT_FDCWD, path, times, 0) == 0;
}

static int run_watch(char *arguments[])
{
    struct file_watch watch = {.path = arguments[0]};
    char octets[LINE_SIZE];
    size_t length;

    file_watch_reading(&watch);
    while (read_hex(octets, &length)) {
        if (length > 0 && !set_time(watch.path, octets[0]))
            return 1;
        printf("%d", file_watch_differs(&watch));
        printf("%d\n", file_watch_changed(&watch));
    }
    return 0;
}

static const struct {
    const char *name;
    int arguments;
    int (*run)(char *arguments[]);
} commands[] = {
    {"text", 0, run_text},         {"printable", 1, run_printable}, {"open", 1, run_open},
    {"insecure", 1, run_insecure}, {"append", 1, run_append},       {"devices", 3, run_devices},
    {"whose", 1, run_whose},       {"count", 1, run_count},         {"e2e", 4, run_e2e},
    {"watch", 1, run_watch},
};

int main(int argc, char *argv[])
{
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0 && argc == 2 + commands[i].arguments)
            return commands[i].run(argv + 2);
    return 2;
}
