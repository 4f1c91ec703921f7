/*
 * A getaddrinfo() that a test answers, to be preloaded
 *
 * The file NAMES, read at each call, has a line for each name: NAME SECONDS [ADDRESS]... Its answer
 * takes so many seconds; without an address the name cannot be resolved for now. Names that it does
 * not have, and numbers, are the system's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int resolver(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int answer(resolver *real, char *words, const char *service, const struct addrinfo *hints,
                  struct addrinfo **found)
{
    struct addrinfo **end = found;
    int error = EAI_AGAIN;

    for (char *rest, *word = strtok_r(words, " \n", &rest); word != NULL;
         word = strtok_r(NULL, " \n", &rest)) {
        error = real(word, service, hints, end);
        if (error != 0)
            break;
        end = &(*end)->ai_next;
    }
    return error;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's are reserved */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    const union {
        void *object;
        resolver *function;
    } real = {dlsym(RTLD_NEXT, "getaddrinfo")};
    const char *path = getenv("NAMES");
    FILE *file = path == NULL || node == NULL ? NULL : fopen(path, "re");
    char line[1024], name[256];
    unsigned int seconds = 0;
    int start = 0;

    if (real.function == NULL)
        return EAI_SYSTEM;
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "%255s %u%n", name, &seconds, &start) == 2 && strcmp(name, node) == 0) {
            (void)fclose(file);
            if (hints != NULL && (hints->ai_flags & AI_NUMERICHOST) != 0)
                return EAI_NONAME;
            (void)sleep(seconds);
            return answer(real.function, line + start, service, hints, found);
        }
    if (file != NULL)
        (void)fclose(file);
    return real.function(node, service, hints, found);
}
