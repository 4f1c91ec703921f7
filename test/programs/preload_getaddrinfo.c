/*
 * A getaddrinfo() that finds names in .example at 127.0.0.2, and then at 127.0.0.1; to be preloaded
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>

typedef int resolver(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's are reserved */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    const union {
        void *object;
        resolver *function;
    } real = {dlsym(RTLD_NEXT, "getaddrinfo")};
    const char *top = node == NULL ? NULL : strrchr(node, '.');
    int error;

    if (real.function == NULL)
        return EAI_SYSTEM;
    if (top == NULL || strcmp(top, ".example") != 0)
        return real.function(node, service, hints, found);
    error = real.function("127.0.0.2", service, hints, found);
    return error != 0 ? error : real.function("127.0.0.1", service, hints, &(*found)->ai_next);
}
