/*
 * Local programs that speak datagrams: each peer of a socket gets its own socket
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ue/dgram_listener.h"

#include "net/clock.h"
#include "net/dgram.h"
#include "ops/log.h"
#include "queue.h"
#include "ue/local_listener.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURNS  64 /* datagrams taken before others have their turn */
#define LOOK_S 30 /* between two searches for idle peers */

struct peer {
    LIST_ENTRY(peer) next;
    struct dgram_listener *listener;
    struct dgram_path path;
    int fd; /* this end of the pair */
    struct event event;
    int64_t used;       /* clock_ms() of its last datagram, either way */
    int64_t heard;      /* ... of the last one to it, or of the first one from it since then */
    bool awaits_answer; /* heard is the latter */
};

struct dgram_listener {
    struct loop *loop;
    int fd;
    struct event event, look;
    dgram_listener_accepted *accepted;
    void *argument;
    LIST_HEAD(, peer) peers;
    size_t count;
    unsigned char datagram[DGRAM_MAX];
};

static atomic_size_t peers_in_all;

static void forget(struct peer *peer)
{
    (void)atomic_fetch_sub(&peers_in_all, 1);
    LIST_REMOVE(peer, next);
    peer->listener->count--;
    (void)event_del(&peer->event);
    (void)close(peer->fd);
    OPENSSL_free(peer);
}

/* Datagrams from the relay go to the peer; if the relay ends, so does the peer. */
static void on_message(evutil_socket_t fd, short what, void *argument)
{
    struct peer *peer = argument;
    struct dgram_listener *listener = peer->listener;

    (void)what;
    for (unsigned int turn = 0; turn < TURNS; turn++) {
        const ssize_t length =
            recv(fd, listener->datagram, sizeof(listener->datagram), MSG_DONTWAIT);

        if (length < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (length <= 0) {
            forget(peer);
            return;
        }
        peer->used = peer->heard = clock_ms();
        peer->awaits_answer = false;
        (void)dgram_send(listener->fd, &peer->path, listener->datagram, (size_t)length);
    }
}

/* Addresses were zeroed before they were written, so their octets can be compared. */
static struct peer *find(const struct dgram_listener *listener, const struct dgram_path *path)
{
    struct peer *peer;

    LIST_FOREACH(peer, &listener->peers, next)
    {
        if (memcmp(&peer->path.peer, &path->peer, sizeof(path->peer)) == 0)
            break;
    }
    return peer;
}

/* Programs of UDP do not say that they have ended. */
static void make_room(const struct dgram_listener *listener)
{
    struct peer *oldest = LIST_FIRST(&listener->peers), *peer;

    if (oldest == NULL || atomic_load(&peers_in_all) < DGRAM_LISTENER_CROWD)
        return;
    LIST_FOREACH(peer, &listener->peers, next)
    {
        if (peer->used < oldest->used)
            oldest = peer;
    }
    if (oldest->used + (int64_t)DGRAM_LISTENER_QUIET * 1000 <= clock_ms())
        forget(oldest);
}

static struct peer *refuse(struct peer *peer, const char *reason)
{
    static struct log_limit limit;

    log_limited(&limit, "accept", "reason", reason, NULL);
    OPENSSL_free(peer);
    return NULL;
}

static struct peer *add(struct dgram_listener *listener, const struct dgram_path *path)
{
    struct peer *peer;
    int pair[2];

    make_room(listener);
    if (listener->count >= DGRAM_LISTENER_MAX)
        return refuse(NULL, "there are too many local programs");
    peer = OPENSSL_zalloc(sizeof(*peer));
    if (peer == NULL ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return refuse(peer, strerror(errno));
    peer->listener = listener;
    peer->path = *path;
    peer->fd = pair[0];
    LIST_INSERT_HEAD(&listener->peers, peer, next);
    listener->count++;
    (void)atomic_fetch_add(&peers_in_all, 1);
    (void)event_assign(&peer->event, listener->loop->base, peer->fd, EV_READ | EV_PERSIST,
                       on_message, peer);
    if (event_add(&peer->event, NULL) == 0) {
        listener->accepted(listener->argument, pair[1]);
        return peer;
    }
    (void)close(pair[1]);
    forget(peer);
    return NULL;
}

/* The session of such a peer may be gone at the server, as after a restart: another one begins. */
static bool is_unheard(const struct peer *peer)
{
    return peer->heard + (int64_t)DGRAM_LISTENER_IDLE * 1000 <= clock_ms();
}

/* The peer of a datagram, new or known. NULL: it is dropped. */
static struct peer *peer_of(struct dgram_listener *listener, const struct dgram_path *path)
{
    struct peer *peer = find(listener, path);

    if (peer != NULL && is_unheard(peer)) {
        forget(peer);
        peer = NULL;
    }
    if (peer == NULL)
        peer = add(listener, path);
    if (peer == NULL)
        return NULL;
    peer->used = clock_ms();
    if (!peer->awaits_answer)
        peer->heard = peer->used;
    peer->awaits_answer = true;
    return peer;
}

/* An empty message would be the end, so an empty datagram is dropped. */
static void on_datagram(evutil_socket_t fd, short what, void *argument)
{
    struct dgram_listener *listener = argument;
    struct dgram_path path;

    (void)what;
    for (unsigned int turn = 0; turn < TURNS; turn++) {
        const ssize_t length =
            dgram_receive((int)fd, listener->datagram, sizeof(listener->datagram), &path);
        struct peer *peer;

        if (length < 0)
            return;
        peer = length == 0 ? NULL : peer_of(listener, &path);
        if (peer != NULL)
            (void)send(peer->fd, listener->datagram, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

static void close_unheard(evutil_socket_t fd, short what, void *argument)
{
    static const struct timeval pause = {.tv_sec = LOOK_S};
    struct dgram_listener *listener = argument;
    struct peer *peer = LIST_FIRST(&listener->peers), *following;

    (void)fd, (void)what;
    for (; peer != NULL; peer = following) {
        following = LIST_NEXT(peer, next);
        if (is_unheard(peer))
            forget(peer);
    }
    loop_add_event(&listener->look, &pause);
}

struct dgram_listener *dgram_listener_new(struct loop *loop, int fd,
                                          dgram_listener_accepted *accepted, void *argument)
{
    static const struct timeval pause = {.tv_sec = LOOK_S};
    struct dgram_listener *listener = OPENSSL_zalloc(sizeof(*listener));

    if (listener == NULL)
        return NULL;
    listener->loop = loop;
    listener->fd = fd;
    listener->accepted = accepted;
    listener->argument = argument;
    LIST_INIT(&listener->peers);
    (void)event_assign(&listener->event, loop->base, fd, EV_READ | EV_PERSIST, on_datagram,
                       listener);
    (void)event_assign(&listener->look, loop->base, -1, 0, close_unheard, listener);
    loop_add_event(&listener->look, &pause);
    if (event_add(&listener->event, NULL) == 0)
        return listener;
    dgram_listener_free(listener);
    return NULL;
}

void dgram_listener_free(struct dgram_listener *listener)
{
    if (listener == NULL)
        return;
    (void)event_del(&listener->event);
    (void)event_del(&listener->look);
    while (!LIST_EMPTY(&listener->peers))
        forget(LIST_FIRST(&listener->peers));
    OPENSSL_free(listener);
}

bool dgram_listener_open(struct listenings *addresses, int *sockets[], size_t count,
                         const char *option, const char *address)
{
    return local_listener_check(option, address) &&
           dgram_listen(addresses, sockets, count, option, address) &&
           local_listener_is_private(option, addresses);
}
