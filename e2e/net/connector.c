/*
 * From a name, or a path, to a connected socket
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/connector.h"

#include "net/clock.h"
#include "net/resolver.h"
#include "net/tcp.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NEXT_MS 250 /* RFC 8305 5: Connection Attempt Delay */
#define FULL_MS 50  /* before a socket of the file system whose queue is full is tried again */

enum attempt_state {
    ATTEMPT_WAITING, /* its turn has not come, or its socket has no room for it */
    ATTEMPT_UNDER_WAY,
    ATTEMPT_OVER
};

/* One address, and the socket that tries it. */
struct attempt {
    struct connector *connector;
    const struct addrinfo *address;
    bool is_last; /* it was blamed */
    enum attempt_state state;
    int fd; /* -1: it is not under way */
    struct event event;
};

struct connector {
    struct loop *loop;
    const struct addrs *addrs;
    int64_t deadline;
    connector_done *done;
    void *argument;
    struct resolver_request *request;
    struct resolved *resolved; /* NULL: addrs need no resolver */
    struct attempt *attempts;
    size_t count, begun, open; /* of the attempts: all, begun, under way */
    struct event timer;
    struct connected result;
};

/* Useless addresses, of any name; the newest replace the oldest. */
static struct {
    pthread_mutex_t lock;
    struct blamed {
        struct sockaddr_storage address;
        int64_t until; /* clock_ms() */
    } list[16];
    size_t next;
} blamed = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_blamed(const struct addrinfo *address)
{
    bool found = false;

    (void)pthread_mutex_lock(&blamed.lock);
    for (size_t i = 0; i < sizeof(blamed.list) / sizeof(blamed.list[0]); i++)
        found =
            found || (blamed.list[i].until > clock_ms() &&
                      memcmp(&blamed.list[i].address, address->ai_addr, address->ai_addrlen) == 0);
    (void)pthread_mutex_unlock(&blamed.lock);
    return found;
}

static void put_last(const struct sockaddr_storage *address, int64_t milliseconds)
{
    struct blamed *place;

    (void)pthread_mutex_lock(&blamed.lock);
    place = &blamed.list[blamed.next++ % (sizeof(blamed.list) / sizeof(blamed.list[0]))];
    *place = (struct blamed){*address, clock_ms() + milliseconds};
    (void)pthread_mutex_unlock(&blamed.lock);
}

static void blame(const struct attempt *attempt)
{
    struct sockaddr_storage address;

    memset(&address, 0, sizeof(address));
    memcpy(&address, attempt->address->ai_addr, attempt->address->ai_addrlen);
    put_last(&address, CONNECTOR_BLAME_MS);
}

void connector_blame(const struct sockaddr_storage *address, int64_t milliseconds)
{
    put_last(address, milliseconds);
    resolver_forget_address(address);
}

static void give_up(struct attempt *attempt)
{
    if (attempt->fd < 0)
        return;
    (void)event_del(&attempt->event);
    (void)close(attempt->fd);
    attempt->fd = -1;
    attempt->state = ATTEMPT_OVER;
    attempt->connector->open--;
}

void connector_stop(struct connector *connector)
{
    if (connector == NULL)
        return;
    resolver_cancel(connector->request);
    (void)event_del(&connector->timer);
    for (size_t i = 0; i < connector->count; i++)
        give_up(&connector->attempts[i]);
    resolved_release(connector->resolved);
    OPENSSL_free(connector->attempts);
    OPENSSL_free(connector);
}

/* The end, with a result. Returns true, for the callers' return. */
static bool fail(struct connector *connector, const char *what, const char *why)
{
    (void)snprintf(connector->result.reason, sizeof(connector->result.reason), "%s%s", what, why);
    resolver_forget(connector->resolved);
    return true;
}

static bool fail_with(struct connector *connector, int error)
{
    return fail(connector, "", strerror(error));
}

static bool succeed(struct attempt *attempt)
{
    struct connector *connector = attempt->connector;

    (void)event_del(&attempt->event);
    connector->result.fd = attempt->fd;
    memcpy(&connector->result.address, attempt->address->ai_addr, attempt->address->ai_addrlen);
    attempt->fd = -1;
    for (size_t i = 0; i < connector->count; i++) {
        struct attempt *other = &connector->attempts[i];

        if (other->fd >= 0) /* it is silent still */
            blame(other);
        if (other != attempt && other->state == ATTEMPT_WAITING)
            connector->result.others++;
    }
    return true;
}

static void finish(struct connector *connector)
{
    const struct connected result = connector->result;
    connector_done *done = connector->done;
    void *argument = connector->argument;

    connector_stop(connector);
    done(argument, &result);
}

/* Attempts: each of these is true if the connector is at its end. */

static bool begin_attempts(struct connector *connector, int error);

/* Connected, or not. */
static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    struct attempt *attempt = argument;
    struct connector *connector = attempt->connector;
    int error = 0;
    socklen_t size = sizeof(error);

    (void)what;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error != 0) {
        blame(attempt);
        give_up(attempt);
    }
    if (error == 0 ? succeed(attempt) : begin_attempts(connector, error))
        finish(connector);
}

static int open_socket(const struct addrinfo *address, bool is_udp)
{
    const int type = is_udp ? SOCK_DGRAM : SOCK_STREAM;
    const int fd = socket(address->ai_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
                          is_udp ? IPPROTO_UDP : address->ai_protocol);

    if (is_udp)
        return fd;
    if (fd >= 0 && address->ai_family != AF_UNIX) {
        tcp_no_delay(fd);
        tcp_keep_alive(fd);
    }
    return fd;
}

/* 0: connected, or under way (fd is set); else an error. */
static int open_attempt(struct attempt *attempt, bool *is_connected)
{
    const struct addrinfo *address = attempt->address;
    struct connector *connector = attempt->connector;
    int error = 0;

    attempt->fd = open_socket(address, connector->addrs->is_udp);
    if (attempt->fd < 0)
        return errno;
    *is_connected = connect(attempt->fd, address->ai_addr, address->ai_addrlen) == 0;
    if (!*is_connected && errno != EINPROGRESS)
        error = errno;
    (void)event_assign(&attempt->event, connector->loop->base, attempt->fd, EV_WRITE, on_writable,
                       attempt);
    connector->open++;
    if (error == 0 && !*is_connected && event_add(&attempt->event, NULL) != 0)
        error = ENOMEM;
    if (error != 0)
        give_up(attempt);
    return error;
}

static void wait_until(struct connector *connector, int64_t until)
{
    const int64_t end = until < connector->deadline ? until : connector->deadline;

    loop_add_timer(&connector->timer, end - clock_ms());
}

/* Attempts share the time: if there are many addresses the last one has its turn as well. */
static int64_t delay(const struct connector *connector)
{
    const int64_t left = connector->deadline - clock_ms();
    const int64_t share = left / (int64_t)(connector->count - connector->begun + 1);

    return share < NEXT_MS ? share : NEXT_MS;
}

/* The next attempt to begin; NULL: all are. */
static struct attempt *next_attempt(const struct connector *connector)
{
    struct attempt *last = NULL;

    for (size_t i = 0; i < connector->count; i++) {
        struct attempt *attempt = &connector->attempts[i];

        if (attempt->state != ATTEMPT_WAITING)
            continue;
        if (!attempt->is_last)
            return attempt;
        if (last == NULL)
            last = attempt;
    }
    return last;
}

/* Begin the next attempt, and those after it that fail at once; error: of the one before. */
static bool begin_attempts(struct connector *connector, int error)
{
    struct attempt *attempt;

    while ((attempt = next_attempt(connector)) != NULL) {
        bool is_connected = false;

        error = open_attempt(attempt, &is_connected);
        if (is_connected)
            return succeed(attempt);
        if (error == EAGAIN && attempt->address->ai_family == AF_UNIX) {
            attempt->state = ATTEMPT_WAITING;
            wait_until(connector, clock_ms() + FULL_MS);
            return false;
        }
        attempt->state = error == 0 ? ATTEMPT_UNDER_WAY : ATTEMPT_OVER;
        connector->begun++;
        if (error == 0) {
            wait_until(connector, clock_ms() + delay(connector));
            return false;
        }
    }
    return connector->open == 0 && fail_with(connector, error);
}

static bool on_deadline(struct connector *connector)
{
    connector->result.is_unknown = connector->request != NULL;
    if (connector->request != NULL)
        return fail(connector, "", "its name was not resolved in time");
    return fail_with(connector, connector->begun < connector->count ? EAGAIN : ETIMEDOUT);
}

/* A loop's own clock may be ahead: what waits for the name alone continues waiting then. */
static bool on_time(struct connector *connector)
{
    if (clock_ms() >= connector->deadline)
        return on_deadline(connector);
    return connector->request == NULL && begin_attempts(connector, 0);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct connector *connector = argument;

    (void)fd, (void)what;
    if (on_time(connector))
        finish(connector);
    else if (connector->begun == connector->count)
        wait_until(connector, connector->deadline);
}

/* Addresses */

/* The next address of this family, or of another one; NULL: there is none. */
static const struct addrinfo *seek(const struct addrinfo *address, int family, bool is_own)
{
    while (address != NULL && (address->ai_family == family) != is_own)
        address = address->ai_next;
    return address;
}

static void add_attempt(struct connector *connector, const struct addrinfo *address)
{
    connector->attempts[connector->count++] = (struct attempt){
        .connector = connector, .address = address, .fd = -1, .is_last = is_blamed(address)};
}

/* RFC 8305 4: the first one's family and others alternately. */
static void add_all(struct connector *connector, const struct addrinfo *addresses)
{
    const int family = addresses == NULL ? AF_UNSPEC : addresses->ai_family;
    const struct addrinfo *own = addresses, *other = seek(addresses, family, false);

    while (own != NULL || other != NULL) {
        if (own != NULL) {
            add_attempt(connector, own);
            own = seek(own->ai_next, family, true);
        }
        if (other != NULL) {
            add_attempt(connector, other);
            other = seek(other->ai_next, family, false);
        }
    }
}

static bool try_all(struct connector *connector, const struct addrinfo *addresses)
{
    size_t count = 0;

    for (const struct addrinfo *each = addresses; each != NULL; each = each->ai_next)
        count++;
    connector->attempts = OPENSSL_zalloc(count * sizeof(*connector->attempts));
    if (connector->attempts == NULL)
        return fail(connector, "", "out of memory");
    add_all(connector, addresses);
    return begin_attempts(connector, 0);
}

static bool accept_addresses(struct connector *connector, const struct resolver_answer *answer)
{
    connector->resolved = answer->resolved;
    connector->result.is_unknown = answer->resolved == NULL;
    return answer->resolved == NULL
               ? fail(connector, "its name cannot be resolved: ", answer->reason)
               : try_all(connector, resolved_addresses(answer->resolved));
}

static void on_resolved(void *argument, const struct resolver_answer *answer)
{
    struct connector *connector = argument;

    connector->request = NULL;
    if (accept_addresses(connector, answer))
        finish(connector);
}

static bool start(struct connector *connector)
{
    const struct addrs *addrs = connector->addrs;
    struct resolver_answer answer;

    if (addrs->fixed != NULL)
        return try_all(connector, addrs->fixed);
    connector->request =
        resolver_ask(connector->loop, addrs->host, addrs->service, on_resolved, connector, &answer);
    if (connector->request == NULL)
        return accept_addresses(connector, &answer);
    wait_until(connector, connector->deadline);
    return false;
}

struct connector *connector_start(struct loop *loop, const struct addrs *addrs, int64_t deadline,
                                  connector_done *done, void *argument, struct connected *now)
{
    struct connector *connector = OPENSSL_zalloc(sizeof(*connector));

    *now = (struct connected){.fd = -1, .reason = "out of memory"};
    if (connector == NULL)
        return NULL;
    connector->loop = loop;
    connector->addrs = addrs;
    connector->deadline = deadline;
    connector->done = done;
    connector->argument = argument;
    connector->result.fd = -1;
    (void)event_assign(&connector->timer, loop->base, -1, 0, on_timer, connector);
    if (!start(connector))
        return connector;
    *now = connector->result;
    connector_stop(connector);
    return NULL;
}
