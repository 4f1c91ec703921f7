/*
 * SIGUSR2: the program is started again, on the same sockets, and this one ends its connections
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/successor.h"

#include "as/predecessor.h"
#include "as/reload.h"
#include "as/revoke.h"
#include "server/dtls_acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST       3            /* descriptor of the sockets in the new program */
#define PID_DIGITS  "0000000000" /* written over once the number is known */
#define BUFFER_SIZE (1 << 20)    /* octets of packets that wait for this program */

static struct {
    char path[PATH_MAX];
    char *const *argv;
} self;

enum successor_state {
    SUCCESSOR_STARTING,
    SUCCESSOR_SERVING,
    SUCCESSOR_ENDED, /* it has served */
    SUCCESSOR_FAILED /* it has not */
};

struct successor {
    struct app_server *app_server;
    struct successor_answers answers;
    pid_t pid;
    int channel;
    struct event *heard, *limit;
    enum successor_state state;
};

/* What the new program starts with; made before the fork, since afterwards nothing can be. */
struct start {
    int *fds;  /* sockets, the channel, those before this one's */
    int *high; /* the same, on their way */
    int sockets, count;
    char **environment;
    char *own[6]; /* of those, what was allocated */
    char *pids[2];
};

/* An upgrade may have pointed a link elsewhere: argv[0] is followed again. */
void successor_remember(char *const argv[])
{
    ssize_t length;

    self.argv = argv;
    if (strchr(argv[0], '/') != NULL) {
        (void)OPENSSL_strlcpy(self.path, argv[0], sizeof(self.path));
        return;
    }
    length = readlink("/proc/self/exe", self.path, sizeof(self.path) - 1);
    self.path[length > 0 ? length : 0] = '\0';
}

static bool is_replaced(const char *variable)
{
    static const char *const names[] = {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
                                        HANDOVER_VARIABLE, "WATCHDOG_PID"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0 && variable[strlen(names[i])] == '=')
            return true;
    return false;
}

/* Of UDP the first loops have one each. */
static size_t sockets_of(const struct endpoints *endpoints, size_t i)
{
    const int *sockets = endpoints->endpoint[i].sockets;
    size_t count = sockets == NULL ? 1 : 0;

    while (sockets != NULL && count < endpoints->loops && sockets[count] >= 0)
        count++;
    return count;
}

static char *names_of(const struct endpoints *endpoints)
{
    char *names = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&names, &size);

    if (out == NULL)
        return NULL;
    fputs("LISTEN_FDNAMES=", out);
    for (size_t i = 0; i < endpoints->count; i++)
        for (size_t j = 0; j < sockets_of(endpoints, i); j++)
            fprintf(out, "%s%s", i + j > 0 ? ":" : "", endpoints->endpoint[i].name);
    return fclose(out) == 0 ? names : NULL;
}

static char *count_of(const struct start *start)
{
    char *text = NULL;

    return asprintf(&text, "LISTEN_FDS=%d", start->sockets) < 0 ? NULL : text;
}

static char *channels_of(const struct start *start)
{
    const int channels = start->count - start->sockets;
    char *text = NULL;

    return asprintf(&text, HANDOVER_VARIABLE "=%d:%d", FIRST + start->sockets,
                    channels < HANDOVER_MAX ? channels : HANDOVER_MAX) < 0
               ? NULL
               : text;
}

/* The environment: this program's, and what says which sockets there are. */
static bool make_environment(struct start *start, const struct endpoints *endpoints)
{
    size_t count = 0, at = 0;

    while (environ[count] != NULL)
        count++;
    start->own[0] = count_of(start);
    start->own[1] = names_of(endpoints);
    start->own[2] = channels_of(start);
    start->own[3] = start->pids[0] = strdup("LISTEN_PID=" PID_DIGITS);
    start->own[4] = start->pids[1] = strdup("WATCHDOG_PID=" PID_DIGITS);
    start->environment =
        calloc(count + sizeof(start->own) / sizeof(start->own[0]) + 1, sizeof(*start->environment));
    if (start->environment == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!is_replaced(environ[i]))
            start->environment[at++] = environ[i];
    for (size_t i = 0; i < 5; i++) {
        if (start->own[i] == NULL)
            return false;
        start->environment[at++] = start->own[i];
    }
    return true;
}

static void clear_start(struct start *start)
{
    for (size_t i = 0; i < sizeof(start->own) / sizeof(start->own[0]); i++)
        free(start->own[i]);
    free(start->environment);
    free(start->fds);
    free(start->high);
}

/* In the new process, where only what is safe in a signal handler may be called. */

static void write_pid(char *variable)
{
    char *at = variable + strlen(variable);
    pid_t rest = getpid();

    for (size_t i = 0; i < sizeof(PID_DIGITS) - 1; i++) {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    }
}

/* Each descriptor to its number; first all out of each other's way. */
static bool place_descriptors(const struct start *start)
{
    const int above = FIRST + start->count;

    for (int i = 0; i < start->count; i++) {
        start->high[i] = fcntl(start->fds[i], F_DUPFD_CLOEXEC, above); /* dup2() opens it again */
        if (start->high[i] < 0)
            return false;
    }
    for (int i = 0; i < start->count; i++)
        if (dup2(start->high[i], FIRST + i) < 0)
            return false;
#ifdef SYS_close_range
    (void)syscall(SYS_close_range, (unsigned int)above, ~0U, 0U);
#endif
    return true;
}

static _Noreturn void become(const struct start *start)
{
    static const int ignored[] = {SIGPIPE, SIGUSR1, SIGUSR2};
    char packet[32] = HANDOVER_EXEC;
    const int channel = FIRST + start->sockets;
    sigset_t set;

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        (void)signal(ignored[i], SIG_IGN);
    if (place_descriptors(start)) {
        write_pid(start->pids[0]);
        write_pid(start->pids[1]);
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGHUP); /* it answers that one, once it can */
        (void)sigprocmask(SIG_SETMASK, &set, NULL);
        (void)execve(self.path, self.argv, start->environment);
    }
    packet[sizeof(HANDOVER_EXEC)] = (char)(errno < CHAR_MAX ? errno : 0);
    (void)send(channel, packet, sizeof(HANDOVER_EXEC) + 1, MSG_NOSIGNAL);
    _exit(EXIT_FAILURE);
}

/* In this process again. */

/* A pid that is not positive: it was never started. */
static void end_program(pid_t pid)
{
    if (pid <= 0)
        return;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static void fail_start(struct successor *successor, const char *reason)
{
    if (successor->state != SUCCESSOR_STARTING)
        return;
    successor->state = SUCCESSOR_FAILED;
    (void)event_del(successor->heard);
    end_program(successor->pid);
    successor->answers.failed(successor->answers.argument, reason);
}

static void on_new_ready(struct successor *successor)
{
    if (successor->state != SUCCESSOR_STARTING)
        return;
    successor->state = SUCCESSOR_SERVING;
    (void)event_del(successor->limit);
    successor->answers.ready(successor->answers.argument, successor->pid);
}

static void on_packet(struct successor *successor, const char *packet, size_t length)
{
    char fault[RELOAD_FAULT_SIZE];
    struct store_scope scope;

    if (strcmp(packet, HANDOVER_READY) == 0)
        on_new_ready(successor);
    else if (strcmp(packet, HANDOVER_EXEC) == 0 && length > sizeof(HANDOVER_EXEC))
        fail_start(successor, strerror(packet[sizeof(HANDOVER_EXEC)]));
    else if (strcmp(packet, HANDOVER_RELOAD) == 0)
        (void)reload(successor->app_server, RELOAD_ALL, fault);
    else if (strcmp(packet, HANDOVER_REOPEN) == 0)
        app_server_reopen_logs();
    else if (strcmp(packet, HANDOVER_REVOKE) == 0 && handover_read_scope(packet, length, &scope))
        revoke_here(successor->app_server, &scope);
}

/* Before it serves that is a failure; afterwards this program has its own connections to end. */
static void note_end(struct successor *successor)
{
    (void)event_del(successor->heard);
    if (successor->state == SUCCESSOR_SERVING)
        successor->state = SUCCESSOR_ENDED;
    else
        fail_start(successor, "the new program ended before it served: its output is in the log");
}

static void on_heard(evutil_socket_t fd, short what, void *argument)
{
    struct successor *successor = argument;
    char packet[HANDOVER_SIZE + 1];
    const ssize_t length = recv(fd, packet, HANDOVER_SIZE, MSG_DONTWAIT);

    (void)what;
    if (length > 0) {
        packet[length] = '\0';
        on_packet(successor, packet, (size_t)length);
    } else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
        note_end(successor);
    }
}

static void on_limit(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    fail_start(argument, "the new program does not serve in time");
}

static bool watch(struct successor *successor, struct event_base *base)
{
    static const struct timeval limit = {.tv_sec = SUCCESSOR_SECONDS};

    successor->heard =
        event_new(base, successor->channel, EV_READ | EV_PERSIST, on_heard, successor);
    successor->limit = evtimer_new(base, on_limit, successor);
    return successor->heard != NULL && successor->limit != NULL &&
           event_add(successor->heard, NULL) == 0 && event_add(successor->limit, &limit) == 0;
}

static bool collect_sockets(struct start *start, const struct endpoints *endpoints)
{
    size_t count = HANDOVER_MAX + 1;

    for (size_t i = 0; i < endpoints->count; i++)
        count += sockets_of(endpoints, i);
    start->fds = calloc(count, sizeof(*start->fds));
    start->high = calloc(count, sizeof(*start->high));
    if (start->fds == NULL || start->high == NULL)
        return false;
    for (size_t i = 0; i < endpoints->count; i++) {
        const struct endpoint *endpoint = &endpoints->endpoint[i];

        for (size_t j = 0; j < sockets_of(endpoints, i); j++)
            start->fds[start->sockets++] =
                endpoint->sockets == NULL ? endpoint->fd : endpoint->sockets[j];
    }
    return true;
}

/* What the new program inherits. False: out of memory. */
static bool collect(struct start *start, const struct endpoints *endpoints, int channel)
{
    if (!collect_sockets(start, endpoints))
        return false;
    start->fds[start->sockets] = channel;
    start->count = start->sockets + 1 + predecessor_channels(start->fds + start->sockets + 1);
    return make_environment(start, endpoints);
}

/* False: out of memory, descriptors or processes. */
static bool start_it(struct successor *successor)
{
    const struct endpoints *endpoints = &successor->app_server->endpoints;
    static const int size = BUFFER_SIZE;
    struct start start = {.count = 0};
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    successor->channel = pair[0];
    (void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    successor->pid = collect(&start, endpoints, pair[1]) ? fork() : -1;
    if (successor->pid == 0)
        become(&start);
    clear_start(&start);
    (void)close(pair[1]);
    return successor->pid > 0;
}

struct successor *successor_start(struct app_server *app_server, struct event_base *base,
                                  const struct successor_answers *answers, const char **reason)
{
    struct successor *successor = OPENSSL_zalloc(sizeof(*successor));

    *reason = "out of memory, descriptors or processes";
    if (successor == NULL)
        return NULL;
    successor->app_server = app_server;
    successor->answers = *answers;
    successor->channel = -1;
    if (start_it(successor) && watch(successor, base))
        return successor;
    successor_free(successor);
    return NULL;
}

/* Until the program can answer, the signal waits. */
void successor_signal(const struct successor *successor, int number)
{
    if (successor->state == SUCCESSOR_STARTING || successor->state == SUCCESSOR_SERVING)
        (void)kill(successor->pid, number);
}

bool successor_has_failed(const struct successor *successor)
{
    return successor->state == SUCCESSOR_FAILED;
}

void successor_go(struct successor *successor)
{
    unsigned char packet[sizeof(HANDOVER_GO) + DTLS_COOKIE_SECRET_LENGTH] = HANDOVER_GO;
    const bool has_secret = dtls_acceptor_cookie_secret(packet + sizeof(HANDOVER_GO));

    (void)send(successor->channel, packet, has_secret ? sizeof(packet) : sizeof(HANDOVER_GO),
               MSG_NOSIGNAL | MSG_DONTWAIT);
    OPENSSL_cleanse(packet, sizeof(packet));
}

void successor_free(struct successor *successor)
{
    if (successor == NULL)
        return;
    if (successor->state == SUCCESSOR_STARTING)
        end_program(successor->pid);
    if (successor->heard != NULL)
        event_free(successor->heard);
    if (successor->limit != NULL)
        event_free(successor->limit);
    if (successor->channel >= 0)
        (void)close(successor->channel);
    OPENSSL_free(successor);
}
