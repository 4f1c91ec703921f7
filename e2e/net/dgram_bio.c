/*
 * One peer's datagrams as a BIO for libssl, which keeps their boundaries
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/dgram_bio.h"

#include "net/io_watch.h"
#include "queue.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

/* Octets of the headers of IPv4 or IPv6, and UDP. */
#define OVERHEAD_IP4 28
#define OVERHEAD_IP6 48

struct dgram {
    TAILQ_ENTRY(dgram) next;
    size_t length;
    unsigned char octets[];
};

TAILQ_HEAD(dgrams, dgram);

struct peer {
    int fd;
    void (*lost)(enum dgram_loss loss);
    struct dgram_path path;
    struct dgrams waiting;
    size_t count; /* of waiting */
    bool peeks, is_mute;
    struct io_watch *reader;
};

static void drop_first(struct peer *peer)
{
    struct dgram *first = TAILQ_FIRST(&peer->waiting);

    TAILQ_REMOVE(&peer->waiting, first, next);
    peer->count--;
    OPENSSL_free(first);
}

/* One datagram; the part that does not fit into octets is lost, as with a socket. */
static int read_one(BIO *bio, char *octets, int size)
{
    struct peer *peer = BIO_get_data(bio);
    struct dgram *first = TAILQ_FIRST(&peer->waiting);
    int length;

    BIO_clear_retry_flags(bio);
    if (first == NULL || peer->is_mute) {
        BIO_set_retry_read(bio);
        return -1;
    }
    length = first->length < (size_t)size ? (int)first->length : size;
    memcpy(octets, first->octets, (size_t)length);
    if (!peer->peeks)
        drop_first(peer);
    return length;
}

/* A datagram that cannot be sent counts as lost on its way. */
static int write_one(BIO *bio, const char *octets, int length)
{
    const struct peer *peer = BIO_get_data(bio);
    enum dgram_loss loss;

    BIO_clear_retry_flags(bio);
    if (peer->is_mute)
        return length;
    loss = dgram_send(peer->fd, &peer->path, octets, (size_t)length);
    if (loss != DGRAM_SENT && peer->lost != NULL)
        peer->lost(loss);
    return length;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    struct peer *peer = BIO_get_data(bio);

    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: /* the loop has timers */
        return 1;
    case BIO_CTRL_DGRAM_SET_PEEK_MODE:
        peer->peeks = number != 0;
        return 1;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
        return peer->path.peer.ss_family == AF_INET6 ? OVERHEAD_IP6 : OVERHEAD_IP4;
    default:
        return 0;
    }
}

static int destroy(BIO *bio)
{
    struct peer *peer = BIO_get_data(bio);

    if (peer != NULL)
        dgram_bio_clear(bio);
    OPENSSL_free(peer);
    BIO_set_data(bio, NULL);
    return 1;
}

static BIO_METHOD *method;
static int type = -1; /* of method */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_method(void)
{
    type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK;
    method = BIO_meth_new(type, "datagrams of a peer");
    if (method == NULL || !BIO_meth_set_read(method, read_one) ||
        !BIO_meth_set_write(method, write_one) || !BIO_meth_set_ctrl(method, control) ||
        !BIO_meth_set_destroy(method, destroy)) {
        BIO_meth_free(method);
        method = NULL;
    }
}

BIO *dgram_bio_new(int fd, void (*lost)(enum dgram_loss loss))
{
    struct peer *peer = OPENSSL_zalloc(sizeof(*peer));
    BIO *bio = NULL;

    (void)pthread_once(&once, make_method);
    if (peer != NULL && method != NULL)
        bio = BIO_new(method);
    if (bio == NULL) {
        OPENSSL_free(peer);
        return NULL;
    }
    peer->fd = fd;
    peer->lost = lost;
    TAILQ_INIT(&peer->waiting);
    BIO_set_data(bio, peer);
    BIO_set_init(bio, 1);
    return bio;
}

BIO *dgram_bio_of(const SSL *ssl)
{
    BIO *bio = SSL_get_rbio(ssl);

    return bio != NULL && BIO_method_type(bio) == type ? bio : NULL;
}

void dgram_bio_set_path(BIO *bio, const struct dgram_path *path)
{
    ((struct peer *)BIO_get_data(bio))->path = *path;
}

const struct dgram_path *dgram_bio_path(BIO *bio)
{
    return &((const struct peer *)BIO_get_data(bio))->path;
}

bool dgram_bio_local(BIO *bio, struct sockaddr_storage *local)
{
    const struct peer *peer = BIO_get_data(bio);
    const struct sockaddr_storage *own = &peer->path.local;
    socklen_t size = sizeof(*local);

    memset(local, 0, sizeof(*local));
    if (getsockname(peer->fd, (struct sockaddr *)local, &size) != 0)
        return false;
    if (own->ss_family == AF_INET)
        ((struct sockaddr_in *)local)->sin_addr = ((const struct sockaddr_in *)own)->sin_addr;
    else if (own->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)local)->sin6_addr = ((const struct sockaddr_in6 *)own)->sin6_addr;
    return true;
}

bool dgram_bio_put(BIO *bio, const void *octets, size_t length, size_t max)
{
    struct peer *peer = BIO_get_data(bio);
    struct dgram *dgram =
        peer->is_mute || peer->count >= max ? NULL : OPENSSL_malloc(sizeof(*dgram) + length);

    if (dgram == NULL)
        return false;
    dgram->length = length;
    memcpy(dgram->octets, octets, length);
    TAILQ_INSERT_TAIL(&peer->waiting, dgram, next);
    peer->count++;
    if (peer->reader != NULL)
        io_watch_wake(peer->reader);
    return true;
}

bool dgram_bio_make_room(BIO *bio, size_t max)
{
    struct peer *peer = BIO_get_data(bio);
    const bool is_full = peer->count >= max;

    while (peer->count >= max)
        drop_first(peer);
    return is_full;
}

void dgram_bio_clear(BIO *bio)
{
    struct peer *peer = BIO_get_data(bio);

    while (!TAILQ_EMPTY(&peer->waiting))
        drop_first(peer);
}

bool dgram_bio_has_waiting(BIO *bio)
{
    const struct peer *peer = BIO_get_data(bio);

    return peer->count > 0 && !peer->is_mute;
}

void dgram_bio_mute(BIO *bio)
{
    ((struct peer *)BIO_get_data(bio))->is_mute = true;
}

void dgram_bio_set_reader(BIO *bio, struct io_watch *reader)
{
    ((struct peer *)BIO_get_data(bio))->reader = reader;
}

struct io_watch *dgram_bio_reader(BIO *bio)
{
    return ((const struct peer *)BIO_get_data(bio))->reader;
}
