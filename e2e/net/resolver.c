/*
 * Names to addresses, off the loops: getaddrinfo(3) on threads of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/resolver.h"
#include "queue.h"

#include "net/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_OF_NAME 2
#define PATIENCE_MS     5000 /* before a name is asked for a second time beside the first */

struct resolved {
    atomic_uint references;
    struct addrinfo *addresses;
};

struct resolver_request {
    struct loop_message message; /* back to the loop that asked */
    TAILQ_ENTRY(resolver_request) next;
    struct loop *loop;
    struct name *name; /* whose list it is in; NULL: answered, on its way */
    bool is_cancelled;
    resolver_done *done;
    void *argument;
    struct resolver_answer answer;
};

/* A name that was asked for. They are as many as the options name, and stay. */
struct name {
    LIST_ENTRY(name) next;
    struct resolved *known; /* NULL: nothing that may be reused */
    int64_t until;          /* clock_ms(): of known */
    TAILQ_HEAD(, resolver_request) waiting;
    unsigned int threads; /* that ask for it */
    int64_t asked;        /* clock_ms(): when the last of them began */
    char *host, *service; /* in text; host NULL: the loopback */
    char text[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, name) names = LIST_HEAD_INITIALIZER(names);

const struct addrinfo *resolved_addresses(const struct resolved *resolved)
{
    return resolved->addresses;
}

void resolved_release(struct resolved *resolved)
{
    if (resolved == NULL || atomic_fetch_sub(&resolved->references, 1) > 1)
        return;
    freeaddrinfo(resolved->addresses);
    free(resolved);
}

static struct resolved *refer(struct resolved *resolved)
{
    if (resolved != NULL)
        (void)atomic_fetch_add(&resolved->references, 1);
    return resolved;
}

/* The rest is done under the lock, but for getaddrinfo() itself and the callbacks. */

static void forget(struct name *name)
{
    resolved_release(name->known);
    name->known = NULL;
}

static bool is_same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static struct name *add_name(const char *host, const char *service)
{
    const size_t host_size = host == NULL ? 0 : strlen(host) + 1;
    const size_t service_size = strlen(service) + 1;
    struct name *name = calloc(1, sizeof(*name) + host_size + service_size);

    if (name == NULL)
        return NULL;
    TAILQ_INIT(&name->waiting);
    name->service = memcpy(name->text, service, service_size);
    if (host != NULL)
        name->host = memcpy(name->text + service_size, host, host_size);
    LIST_INSERT_HEAD(&names, name, next);
    return name;
}

static struct name *find_name(const char *host, const char *service)
{
    struct name *name;

    LIST_FOREACH(name, &names, next)
    {
        if (is_same(name->host, host) && strcmp(name->service, service) == 0)
            return name;
    }
    return add_name(host, service);
}

static void on_answer(struct loop *loop, struct loop_message *message)
{
    struct resolver_request *request = (struct resolver_request *)message;

    (void)loop;
    if (request->is_cancelled)
        resolved_release(request->answer.resolved);
    else
        request->done(request->argument, &request->answer);
    free(request);
}

static void answer_all(struct name *name, struct resolved *resolved, const char *reason)
{
    struct resolver_request *request;

    while ((request = TAILQ_FIRST(&name->waiting)) != NULL) {
        TAILQ_REMOVE(&name->waiting, request, next);
        request->name = NULL;
        request->answer.resolved = refer(resolved);
        (void)snprintf(request->answer.reason, sizeof(request->answer.reason), "%s", reason);
        request->message.run = on_answer;
        loop_post(request->loop, &request->message);
    }
}

static const char *explain(int error)
{
    return error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
}

/* A thread's work. The program may be at its end when getaddrinfo() returns. */
static void *resolve(void *argument)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct name *name = argument;
    struct addrinfo *addresses = NULL;
    const int error = getaddrinfo(name->host, name->service, &hints, &addresses);
    struct resolved *resolved = error == 0 ? calloc(1, sizeof(*resolved)) : NULL;
    const char *reason = error == 0 ? "out of memory" : explain(error);

    if (resolved != NULL)
        *resolved = (struct resolved){1, addresses};
    else if (error == 0)
        freeaddrinfo(addresses);
    (void)pthread_mutex_lock(&lock);
    name->threads--;
    if (resolved != NULL) {
        forget(name);
        name->known = resolved;
        name->until = clock_ms() + RESOLVER_REUSE_MS;
    }
    answer_all(name, resolved, reason);
    (void)pthread_mutex_unlock(&lock);
    return NULL;
}

/* Signals are for the threads that wait for them. */
static bool start_thread(struct name *name)
{
    sigset_t all, before;
    pthread_attr_t detached;
    pthread_t thread;
    bool started;

    (void)sigfillset(&all);
    (void)pthread_attr_init(&detached);
    (void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    started = pthread_create(&thread, &detached, resolve, name) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&detached);
    return started;
}

/* Is the name being asked for, by a thread that does not hang, or by as many as there may be? */
static bool is_asked_for(struct name *name)
{
    const int64_t now = clock_ms();

    if (name->threads == THREADS_OF_NAME || (name->threads > 0 && now - name->asked < PATIENCE_MS))
        return true;
    if (start_thread(name)) {
        name->threads++;
        name->asked = now;
    }
    return name->threads > 0;
}

/* What is known and not too old, or a reason why nothing can be known; false: it has to be waited
 * for. */
static bool is_known(struct name *name, struct resolver_answer *now)
{
    *now = (struct resolver_answer){.reason = "out of memory or threads"};
    if (name == NULL)
        return true;
    if (name->known != NULL && clock_ms() >= name->until)
        forget(name);
    now->resolved = refer(name->known);
    return now->resolved != NULL || !is_asked_for(name);
}

struct resolver_request *resolver_ask(struct loop *loop, const char *host, const char *service,
                                      resolver_done *done, void *argument,
                                      struct resolver_answer *now)
{
    struct resolver_request *request = calloc(1, sizeof(*request));
    struct name *name;

    (void)pthread_mutex_lock(&lock);
    name = request == NULL ? NULL : find_name(host, service);
    if (is_known(name, now)) {
        free(request);
        request = NULL;
    } else {
        request->loop = loop;
        request->name = name;
        request->done = done;
        request->argument = argument;
        TAILQ_INSERT_TAIL(&name->waiting, request, next);
    }
    (void)pthread_mutex_unlock(&lock);
    return request;
}

void resolver_cancel(struct resolver_request *request)
{
    bool is_waiting;

    if (request == NULL)
        return;
    (void)pthread_mutex_lock(&lock);
    is_waiting = request->name != NULL;
    if (is_waiting)
        TAILQ_REMOVE(&request->name->waiting, request, next);
    (void)pthread_mutex_unlock(&lock);
    request->is_cancelled = true; /* its message releases it */
    if (is_waiting)
        free(request);
}

void resolver_forget(const struct resolved *resolved)
{
    struct name *name;

    (void)pthread_mutex_lock(&lock);
    LIST_FOREACH(name, &names, next)
    {
        if (resolved != NULL && name->known == resolved)
            forget(name);
    }
    (void)pthread_mutex_unlock(&lock);
}

static bool has_address(const struct resolved *resolved, const struct sockaddr_storage *address)
{
    const struct addrinfo *each = resolved == NULL ? NULL : resolved->addresses;

    while (each != NULL && memcmp(each->ai_addr, address, each->ai_addrlen) != 0)
        each = each->ai_next;
    return each != NULL;
}

void resolver_forget_address(const struct sockaddr_storage *address)
{
    struct name *name;

    (void)pthread_mutex_lock(&lock);
    LIST_FOREACH(name, &names, next)
    {
        if (has_address(name->known, address))
            forget(name);
    }
    (void)pthread_mutex_unlock(&lock);
}
