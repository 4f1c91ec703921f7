/*
 * --check: one line for each thing that a start needs, "ok ..." or "not ok ...", on standard output
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/checks.h"

#include "net/addr.h"
#include "net/addrs.h"
#include "printable.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SAID_SIZE 1024
#define DAY       86400

void checks_say(struct checks *checks, bool is_ok, const char *subject, const char *detail)
{
    printf("%s %s%s%s\n", is_ok ? "ok" : "not ok", PRINTABLE(subject), detail == NULL ? "" : ": ",
           detail == NULL ? "" : PRINTABLE(detail));
    (void)fflush(stdout);
    checks->failed += !is_ok;
}

/* What is said on standard error from now on goes to a file in memory. -1: it goes where it went.
 */
static int divert(int *before)
{
    const int file = memfd_create("check", MFD_CLOEXEC);

    *before = file < 0 ? -1 : dup(STDERR_FILENO);
    if (*before >= 0)
        (void)dup2(file, STDERR_FILENO);
    return file;
}

/* Standard error is as it was; said: what came meanwhile, its line feeds as blanks. */
static void restore(int file, int before, char said[SAID_SIZE])
{
    ssize_t length = 0;

    if (before >= 0) {
        (void)dup2(before, STDERR_FILENO);
        (void)close(before);
        length = pread(file, said, SAID_SIZE - 1, 0);
    }
    if (file >= 0)
        (void)close(file);
    while (length > 0 && said[length - 1] == '\n')
        length--;
    said[length > 0 ? length : 0] = '\0';
    for (char *at = said; (at = strchr(at, '\n')) != NULL;)
        *at = ' ';
}

bool checks_step(struct checks *checks, const char *subject, bool (*step)(void *argument),
                 void *argument)
{
    char said[SAID_SIZE];
    int before;
    const int file = divert(&before);
    const bool is_ok = step(argument);

    restore(file, before, said);
    if (is_ok || said[0] == '\0')
        checks_say(checks, is_ok, subject, is_ok ? NULL : "it failed without a reason");
    else
        checks_say(checks, false, said, NULL);
    return is_ok;
}

/* What a listener or a connector is given. */
struct place {
    const char *option, *address;
    bool is_to_listen;
    char *host, *service;
    struct addrs addrs;
};

static bool parse(void *argument)
{
    struct place *place = argument;

    if (place->is_to_listen)
        return addr_parse(place->option, place->address, true, &place->host, &place->service);
    if (!addrs_open(&place->addrs, place->option, place->address))
        return false;
    if (place->addrs.fixed == NULL) {
        place->host = OPENSSL_strdup(place->addrs.host);
        place->service = OPENSSL_strdup(place->addrs.service);
    }
    return true;
}

static void resolve(struct checks *checks, const struct place *place, const char *subject)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = place->is_to_listen ? AI_PASSIVE : 0};
    struct addrinfo *found = NULL;
    const int error = getaddrinfo(place->host, place->service, &hints, &found);

    if (error == 0)
        freeaddrinfo(found);
    checks_say(checks, error == 0, subject, error == 0 ? NULL : gai_strerror(error));
}

void checks_address(struct checks *checks, const char *option, const char *address,
                    bool is_to_listen)
{
    struct place place = {.option = option, .address = address, .is_to_listen = is_to_listen};
    char subject[PRINTABLE_SIZE], said[SAID_SIZE];
    int before, file;
    bool is_ok;

    if (address == NULL)
        return;
    (void)snprintf(subject, sizeof(subject), "--%s %.300s", option, address);
    file = divert(&before);
    is_ok = parse(&place);
    restore(file, before, said);
    if (!is_ok)
        checks_say(checks, false, said[0] == '\0' ? subject : said, NULL);
    else if (place.service == NULL)
        checks_say(checks, true, subject, NULL); /* numbers, or a path */
    else
        resolve(checks, &place, subject);
    OPENSSL_free(place.host);
    OPENSSL_free(place.service);
    addrs_close(&place.addrs);
}

static void show_date(char shown[64], int64_t seconds)
{
    const time_t moment = (time_t)seconds;
    struct tm utc;

    shown[0] = '\0';
    if (gmtime_r(&moment, &utc) != NULL)
        (void)strftime(shown, 64, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void checks_dates(struct checks *checks, const char *option, const char *path,
                  enum cert_dates_of which)
{
    const int64_t now = (int64_t)time(NULL);
    char subject[PRINTABLE_SIZE], detail[160], shown[64];
    struct cert_dates dates;

    if (path == NULL || !cert_dates_read(path, which, &dates))
        return; /* the step before has said why it is none */
    (void)snprintf(subject, sizeof(subject), "--%s %.300s", option, path);
    show_date(shown, dates.begins > now ? dates.begins : dates.ends);
    if (dates.begins > now)
        (void)snprintf(detail, sizeof(detail), "it is not valid before %s", shown);
    else if (dates.ends <= now)
        (void)snprintf(detail, sizeof(detail), "it has expired, at %s", shown);
    else
        (void)snprintf(detail, sizeof(detail), "until %s, %lld days", shown,
                       (long long)((dates.ends - now) / DAY));
    checks_say(checks, dates.begins <= now && dates.ends > now, subject, detail);
}

void checks_appended(struct checks *checks, const char *option, const char *path)
{
    char subject[PRINTABLE_SIZE], folder[PATH_MAX];
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    bool is_ok;

    if (path == NULL)
        return;
    (void)snprintf(subject, sizeof(subject), "--%s %.300s", option, path);
    (void)snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
                   slash == NULL ? "." : path);
    is_ok = access(path, W_OK) == 0 || (errno == ENOENT && access(folder, W_OK | X_OK) == 0);
    checks_say(checks, is_ok, subject, is_ok ? NULL : strerror(errno));
}

int checks_status(const struct checks *checks)
{
    return checks->failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
