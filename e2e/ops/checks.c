/*
 * --check: one line for each thing that a start needs, "ok ..." or "not ok ...", on standard output
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/checks.h"

#include "net/addr.h"
#include "net/addrs.h"
#include "net/dgram.h"
#include "options.h"
#include "printable.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SAID_SIZE 1024
#define DAY       86400

/* What has passed the filter before keeps its escapes: they are not escaped again. */
static void print_filtered(const char *text)
{
    while (*text != '\0') {
        const size_t length = strcspn(text, "\"\\");
        char shown[4 * SAID_SIZE];

        printf("%s%.1s", printable_octets(shown, sizeof(shown), text, length), text + length);
        text += length + (text[length] != '\0');
    }
}

void checks_say(struct checks *checks, bool is_ok, const char *subject, const char *detail)
{
    const bool is_option = strncmp(subject, "--", 2) == 0;

    printf("%s ", is_ok ? "ok" : "not ok");
    print_filtered(is_ok || !is_option ? "" : options_where(subject));
    print_filtered(subject);
    print_filtered(detail == NULL ? "" : ": ");
    print_filtered(detail == NULL ? "" : detail);
    printf("\n");
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
    bool is_to_listen, may_be_udp;
    char *host, *service;
    struct addrs addrs;
};

static bool parse(void *argument)
{
    struct place *place = argument;
    const bool is_udp = place->may_be_udp && dgram_address(place->address) != NULL;

    if (place->is_to_listen)
        return (!is_udp || dgram_check(place->option, place->address)) &&
               addr_parse(place->option, place->address, is_udp ? SOCK_DGRAM : SOCK_STREAM, true,
                          &place->host, &place->service);
    if (!(place->may_be_udp ? addrs_open_any : addrs_open)(&place->addrs, place->option,
                                                           place->address))
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

static void check_place(struct checks *checks, struct place place)
{
    char subject[PRINTABLE_SIZE], said[SAID_SIZE];
    int before, file;
    bool is_ok;

    if (place.address == NULL)
        return;
    (void)snprintf(subject, sizeof(subject), "--%s %.300s", place.option, place.address);
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

void checks_address(struct checks *checks, const char *option, const char *address,
                    bool is_to_listen)
{
    check_place(checks, (struct place){option, address, .is_to_listen = is_to_listen});
}

void checks_any_address(struct checks *checks, const char *option, const char *address,
                        bool is_to_listen)
{
    check_place(checks, (struct place){option, address, is_to_listen, .may_be_udp = true});
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

/* Why not; NULL: it can. Nothing is made or changed by looking. */
static const char *fault_of_file(const char *path, bool is_secret)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    struct stat status;

    (void)snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
                   slash == NULL ? "." : path);
    if (lstat(path, &status) != 0)
        return errno == ENOENT && access(folder, W_OK | X_OK) == 0 ? NULL : strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "must be a regular file";
    if (is_secret && status.st_uid != geteuid())
        return "belongs to another user";
    return access(path, W_OK) == 0 ? NULL : strerror(errno);
}

void checks_appended(struct checks *checks, const char *option, const char *path, bool is_secret)
{
    const char *fault = path == NULL ? NULL : fault_of_file(path, is_secret);
    char subject[PRINTABLE_SIZE];

    if (path == NULL)
        return;
    (void)snprintf(subject, sizeof(subject), "--%s %.300s", option, path);
    checks_say(checks, fault == NULL, subject, fault);
}

/* A listener on every address occupies the port of each. */
static bool is_one_address(const struct sockaddr *one, const struct sockaddr *other)
{
    static const struct in6_addr any;
    const struct sockaddr_in *first = (const void *)one, *second = (const void *)other;
    const struct sockaddr_in6 *first6 = (const void *)one, *second6 = (const void *)other;

    if (one->sa_family != other->sa_family)
        return false;
    if (one->sa_family == AF_INET)
        return first->sin_port == second->sin_port &&
               (first->sin_addr.s_addr == second->sin_addr.s_addr ||
                first->sin_addr.s_addr == INADDR_ANY || second->sin_addr.s_addr == INADDR_ANY);
    return first6->sin6_port == second6->sin6_port &&
           (memcmp(&first6->sin6_addr, &second6->sin6_addr, sizeof(any)) == 0 ||
            memcmp(&first6->sin6_addr, &any, sizeof(any)) == 0 ||
            memcmp(&second6->sin6_addr, &any, sizeof(any)) == 0);
}

/* What a listener resolves to; NULL: it does not, or takes any port, and its own check says more.
 */
static struct addrinfo *resolved(const char *option, const char *address)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct place place = {option, address, .is_to_listen = true, .may_be_udp = true};
    struct addrinfo *found = NULL;
    char said[SAID_SIZE];
    int before;
    const int file = divert(&before);
    const bool is_ok = parse(&place);

    restore(file, before, said);
    if (is_ok && place.service != NULL && strcmp(place.service, "0") != 0 &&
        getaddrinfo(place.host, place.service, &hints, &found) != 0)
        found = NULL;
    OPENSSL_free(place.host);
    OPENSSL_free(place.service);
    return found;
}

static bool share_an_address(const struct addrinfo *ones, const struct addrinfo *others)
{
    for (const struct addrinfo *one = ones; one != NULL; one = one->ai_next)
        for (const struct addrinfo *other = others; other != NULL; other = other->ai_next)
            if (is_one_address(one->ai_addr, other->ai_addr))
                return true;
    return false;
}

static void free_addresses(struct addrinfo *list)
{
    if (list != NULL)
        freeaddrinfo(list);
}

void checks_conflict(struct checks *checks, const char *option, const char *address,
                     const char *other_option, const char *other_address)
{
    struct addrinfo *one, *other;
    char subject[PRINTABLE_SIZE];

    if (address == NULL || other_address == NULL ||
        (dgram_address(address) == NULL) != (dgram_address(other_address) == NULL))
        return;
    one = resolved(option, address);
    other = resolved(other_option, other_address);
    (void)snprintf(subject, sizeof(subject), "--%s %.150s and --%s %.150s", option, address,
                   other_option, other_address);
    if (share_an_address(one, other))
        checks_say(checks, false, subject, "one port cannot be listened on twice");
    free_addresses(one);
    free_addresses(other);
}

/* 0: it could be bound. is_v6_only: IPv4 has a socket of its own. */
static int bind_error(const struct addrinfo *address, bool is_udp, bool is_v6_only)
{
    const int yes = 1, type = (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC;
    const int fd = socket(address->ai_family, type, 0);
    int error;

    if (fd < 0)
        return errno;
    if (!is_udp)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (address->ai_family == AF_INET6 && is_v6_only)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
    error = bind(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    (void)close(fd);
    return error;
}

/* As a start has it: an address that this host has not is left out, unless there is no other. */
static int bind_all(const struct addrinfo *addresses, bool is_udp)
{
    const bool is_v6_only = is_udp || addr_has_ip4(addresses);
    bool is_bound = false;
    int last = 0;

    for (const struct addrinfo *each = addresses; each != NULL; each = each->ai_next) {
        const int error = bind_error(each, is_udp, is_v6_only);

        if (error != 0 && error != EAFNOSUPPORT && error != EADDRNOTAVAIL)
            return error;
        is_bound = is_bound || error == 0;
        last = error == 0 ? last : error;
    }
    return is_bound ? 0 : last;
}

void checks_bind(struct checks *checks, const char *option, const char *address)
{
    struct addrinfo *addresses = address == NULL ? NULL : resolved(option, address);
    const int error = bind_all(addresses, address != NULL && dgram_address(address) != NULL);
    char subject[PRINTABLE_SIZE];

    free_addresses(addresses);
    if (error == 0)
        return;
    (void)snprintf(subject, sizeof(subject), "--%s %.300s", option, address);
    if (error == EADDRINUSE)
        checks_say(checks, true, subject, "in use now, by a server that runs or another program");
    else if (error == EACCES)
        checks_say(checks, true, subject,
                   "this process may not bind it: the service needs "
                   "CAP_NET_BIND_SERVICE, or a socket that systemd gives it");
    else
        checks_say(checks, false, subject, strerror(error));
}

int checks_status(const struct checks *checks)
{
    return checks->failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
