/*
 * Where a connection is to go: HOST:PORT, or unix:PATH; for some udp:HOST:PORT
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/addrs.h"

#include "net/addr.h"
#include "net/dgram.h"
#include "options.h"
#include "printable.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

bool addrs_path(const char *option, const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path[0] == '\0' || strlen(path) >= sizeof(address->sun_path)) {
        fprintf(stderr, "%s--%s: a path of 1 to %zu octets must follow \"" ADDRS_UNIX "\"\n",
                options_where(option), option, sizeof(address->sun_path) - 1);
        return false;
    }
    memcpy(address->sun_path, path, strlen(path) + 1);
    return true;
}

static bool open_path(struct addrs *addrs, const char *option, const char *path)
{
    if (!addrs_path(option, path, &addrs->path))
        return false;
    addrs->path_address = (struct addrinfo){.ai_family = AF_UNIX,
                                            .ai_socktype = SOCK_STREAM,
                                            .ai_addr = (struct sockaddr *)&addrs->path,
                                            .ai_addrlen = sizeof(addrs->path)};
    addrs->fixed = &addrs->path_address;
    return true;
}

static bool open_port(struct addrs *addrs, const char *option, const char *text, int type)
{
    static const struct addrinfo numbers = {.ai_socktype = SOCK_STREAM,
                                            .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};

    if (!addr_parse(option, text, type, false, &addrs->host, &addrs->service))
        return false;
    if (getaddrinfo(addrs->host, addrs->service, &numbers, &addrs->numbers) == 0)
        addrs->fixed = addrs->numbers;
    return true;
}

bool addrs_open(struct addrs *addrs, const char *option, const char *text)
{
    memset(addrs, 0, sizeof(*addrs));
    if (strncmp(text, ADDRS_UNIX, strlen(ADDRS_UNIX)) == 0)
        return open_path(addrs, option, text + strlen(ADDRS_UNIX));
    if (strchr(text, ':') == NULL) {
        fprintf(stderr, "%s--%s %s: must be HOST:PORT or unix:PATH\n", options_where(option),
                option, PRINTABLE(text));
        return false;
    }
    return open_port(addrs, option, text, SOCK_STREAM);
}

bool addrs_open_any(struct addrs *addrs, const char *option, const char *text)
{
    if (dgram_address(text) == NULL)
        return addrs_open(addrs, option, text);
    memset(addrs, 0, sizeof(*addrs));
    addrs->is_udp = true;
    return dgram_check(option, text) && open_port(addrs, option, text, SOCK_DGRAM);
}

void addrs_close(struct addrs *addrs)
{
    if (addrs->numbers != NULL)
        freeaddrinfo(addrs->numbers);
    OPENSSL_free(addrs->host);
    OPENSSL_free(addrs->service);
    memset(addrs, 0, sizeof(*addrs));
}
