/*
 * echo - the application behind a relay that is measured: sends back what comes
 *
 *     echo [udp:]HOST:PORT
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/addr.h"
#include "net/dgram.h"
#include "net/loop.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PART 65536 /* octets */

struct guest {
    struct event event;
    int fd;
    unsigned char *held; /* what could not be sent; nothing is read meanwhile */
    size_t length, sent;
};

static unsigned char scratch[PART];

static void on_ready(evutil_socket_t fd, short what, void *argument);

static void watch(struct guest *guest, short what)
{
    struct event_base *base = event_get_base(&guest->event);

    (void)event_del(&guest->event);
    (void)event_assign(&guest->event, base, guest->fd, (short)(what | EV_PERSIST), on_ready, guest);
    (void)event_add(&guest->event, NULL);
}

static void leave(struct guest *guest)
{
    (void)event_del(&guest->event);
    (void)close(guest->fd);
    free(guest->held);
    free(guest);
}

/* Send as much as goes. */
static bool send_on(struct guest *guest, const unsigned char *octets, size_t length, size_t *sent)
{
    const ssize_t put = send(guest->fd, octets + *sent, length - *sent, MSG_NOSIGNAL);

    *sent += put > 0 ? (size_t)put : 0;
    return put >= 0 || errno == EAGAIN;
}

static void hold(struct guest *guest, size_t length, size_t sent)
{
    guest->held = malloc(length - sent);
    if (guest->held == NULL)
        abort();
    guest->length = length - sent;
    guest->sent = 0;
    for (size_t i = 0; i < guest->length; i++)
        guest->held[i] = scratch[sent + i];
    watch(guest, EV_WRITE);
}

static bool go_on_sending(struct guest *guest)
{
    if (!send_on(guest, guest->held, guest->length, &guest->sent))
        return false;
    if (guest->sent == guest->length) {
        free(guest->held);
        guest->held = NULL;
        watch(guest, EV_READ);
    }
    return true;
}

static bool echo(struct guest *guest)
{
    const ssize_t got = recv(guest->fd, scratch, sizeof(scratch), 0);
    size_t sent = 0;

    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    if (!send_on(guest, scratch, (size_t)got, &sent))
        return false;
    if (sent < (size_t)got)
        hold(guest, (size_t)got, sent);
    return true;
}

static void on_ready(evutil_socket_t fd, short what, void *argument)
{
    struct guest *guest = argument;

    (void)fd, (void)what;
    if (!(guest->held == NULL ? echo(guest) : go_on_sending(guest)))
        leave(guest);
}

static void welcome(evutil_socket_t listener, short what, void *argument)
{
    int fd;

    (void)what;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct guest *guest = calloc(1, sizeof(*guest));

        if (guest == NULL)
            abort();
        guest->fd = fd;
        (void)event_assign(&guest->event, argument, fd, EV_READ | EV_PERSIST, on_ready, guest);
        (void)event_add(&guest->event, NULL);
    }
}

static void return_datagrams(evutil_socket_t fd, short what, void *argument)
{
    struct dgram_path path;
    ssize_t length;

    (void)what, (void)argument;
    while ((length = dgram_receive(fd, scratch, sizeof(scratch), &path)) >= 0)
        (void)dgram_send(fd, &path, scratch, (size_t)length);
}

static bool listen_at(struct listenings *listenings, const char *address)
{
    int *sockets[ADDRS_MAX], fds[ADDRS_MAX];

    for (size_t i = 0; i < ADDRS_MAX; i++)
        sockets[i] = &fds[i];
    return dgram_address(address) == NULL ? addr_listen(listenings, "accept", address, true)
                                          : dgram_listen(listenings, sockets, 1, "accept", address);
}

int main(int argc, char *argv[])
{
    struct event_base *base = event_base_new();
    struct listenings listenings;
    struct event listening[ADDRS_MAX];
    void (*serve)(evutil_socket_t, short, void *) =
        argc == 2 && dgram_address(argv[1]) != NULL ? return_datagrams : welcome;

    (void)signal(SIGPIPE, SIG_IGN);
    if (base == NULL || argc != 2 || !listen_at(&listenings, argv[1]))
        return EXIT_FAILURE;
    for (size_t i = 0; i < listenings.count; i++) {
        printf("echo %s\n", listenings.at[i].shown);
        (void)event_assign(&listening[i], base, listenings.at[i].fd, EV_READ | EV_PERSIST, serve,
                           base);
        (void)event_add(&listening[i], NULL);
    }
    (void)fflush(stdout);
    (void)event_base_dispatch(base);
    return EXIT_SUCCESS;
}
