/*
 * What the service manager is told: systemd's protocol (sd_notify(3)), whose few lines these are
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/service_manager.h"

#include "printable.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A path, or a name of the abstract namespace behind an @. 0: there is none. */
static socklen_t find_socket(struct sockaddr_un *address)
{
    const char *path = getenv("NOTIFY_SOCKET");
    const size_t length = path == NULL ? 0 : strlen(path);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (length < 2 || length >= sizeof(address->sun_path) || (path[0] != '/' && path[0] != '@'))
        return 0;
    memcpy(address->sun_path, path, length);
    if (path[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

/* One that does not read is not waited for longer than a second. */
static void send_text(const char *text)
{
    static const struct timeval timeout = {.tv_sec = 1};
    struct sockaddr_un address;
    const socklen_t size = find_socket(&address);
    const int fd = size == 0 ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
    (void)close(fd);
}

void service_say(const char *state, const char *status)
{
    char text[SERVICE_STATUS_SIZE + 200], shown[SERVICE_STATUS_SIZE];

    if (status == NULL)
        (void)snprintf(text, sizeof(text), "%s", state);
    else
        (void)snprintf(text, sizeof(text), "%s%sSTATUS=%s", state, state[0] == '\0' ? "" : "\n",
                       printable_octets(shown, sizeof(shown), status, strlen(status)));
    send_text(text);
}

void service_say_reloading(void)
{
    struct timespec now;
    char state[80];

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    service_say(state, "reading the files again");
}

int64_t service_watchdog_ms(void)
{
    const char *microseconds = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

    if (microseconds == NULL || (pid != NULL && atol(pid) != (long)getpid()))
        return 0;
    return atoll(microseconds) / 1000;
}
