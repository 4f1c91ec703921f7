/*
 * What a socket did not take of libssl's records: a BIO in front of the socket's
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_backlog.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct backlog {
    char *octets;
    size_t length, sent;
};

static void clear(struct backlog *backlog)
{
    OPENSSL_free(backlog->octets); /* they are encrypted */
    *backlog = (struct backlog){NULL, 0, 0};
}

/* As tls_backlog_flush() has it. */
static int flush(BIO *bio)
{
    struct backlog *backlog = BIO_get_data(bio);

    while (backlog->sent < backlog->length) {
        const int written = BIO_write(BIO_next(bio), backlog->octets + backlog->sent,
                                      (int)(backlog->length - backlog->sent));

        if (written <= 0)
            return BIO_should_retry(BIO_next(bio)) ? 0 : -1;
        backlog->sent += (size_t)written;
    }
    clear(backlog);
    return 1;
}

static bool hold(struct backlog *backlog, const char *octets, size_t length)
{
    const size_t before = backlog->length - backlog->sent;
    char *longer = before + length > TLS_BACKLOG_MAX ? NULL : OPENSSL_malloc(before + length);

    if (longer == NULL)
        return false;
    if (before > 0)
        memcpy(longer, backlog->octets + backlog->sent, before);
    memcpy(longer + before, octets, length);
    clear(backlog);
    *backlog = (struct backlog){longer, before + length, 0};
    return true;
}

/* All of it is taken, or nothing. */
static int write_all(BIO *bio, const char *octets, int length)
{
    BIO *next = BIO_next(bio);
    const int flushed = flush(bio);
    int written = 0;

    if (flushed > 0)
        written = BIO_write(next, octets, length);
    if (flushed < 0 || (written < 0 && !BIO_should_retry(next)))
        return -1;
    written = written < 0 ? 0 : written;
    if (written < length &&
        !hold(BIO_get_data(bio), octets + written, (size_t)(length - written))) {
        BIO_set_retry_write(bio);
        return written > 0 ? written : -1;
    }
    BIO_clear_retry_flags(bio);
    return length;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    if (command != BIO_CTRL_FLUSH)
        return BIO_ctrl(BIO_next(bio), command, number, pointer);
    (void)flush(bio); /* what waits is as good as written */
    return 1;
}

static int destroy(BIO *bio)
{
    struct backlog *backlog = BIO_get_data(bio);

    if (backlog != NULL)
        clear(backlog);
    OPENSSL_free(backlog);
    return 1;
}

static BIO_METHOD *method;
static atomic_int type = -1; /* of method */

static void make_method(void)
{
    const int number = BIO_get_new_index() | BIO_TYPE_FILTER;

    method = BIO_meth_new(number, "backlog");
    atomic_store(&type, number);
    if (method == NULL || !BIO_meth_set_write(method, write_all) ||
        !BIO_meth_set_ctrl(method, control) || !BIO_meth_set_destroy(method, destroy)) {
        BIO_meth_free(method);
        method = NULL;
    }
}

/* Made by the first that needs it; if memory failed, by the next one. */
static const BIO_METHOD *get_method(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const BIO_METHOD *made;

    (void)pthread_mutex_lock(&lock);
    if (method == NULL)
        make_method();
    made = method;
    (void)pthread_mutex_unlock(&lock);
    return made;
}

bool tls_backlog_add(SSL *ssl)
{
    const BIO_METHOD *made = get_method();
    struct backlog *backlog = OPENSSL_zalloc(sizeof(*backlog));
    BIO *bio = made == NULL ? NULL : BIO_new(made), *socket = SSL_get_wbio(ssl);

    if (bio == NULL || backlog == NULL || !BIO_up_ref(socket)) {
        BIO_free(bio);
        OPENSSL_free(backlog);
        ERR_clear_error();
        return false;
    }
    BIO_set_data(bio, backlog);
    BIO_set_init(bio, 1);
    (void)BIO_push(bio, socket);
    SSL_set0_wbio(ssl, bio);
    return true;
}

/* NULL: there is none. */
static BIO *find(const SSL *ssl)
{
    BIO *bio = SSL_get_wbio(ssl);

    return BIO_method_type(bio) == atomic_load(&type) ? bio : NULL;
}

int tls_backlog_flush(SSL *ssl)
{
    BIO *bio = find(ssl);

    return bio == NULL ? 1 : flush(bio);
}

size_t tls_backlog_length(const SSL *ssl)
{
    BIO *bio = find(ssl);
    const struct backlog *backlog = bio == NULL ? NULL : BIO_get_data(bio);

    return backlog == NULL ? 0 : backlog->length - backlog->sent;
}
