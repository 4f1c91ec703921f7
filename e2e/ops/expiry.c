/*
 * When the certificates and revocation lists that are in use come to their end
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/expiry.h"

#include "printable.h"

#include <pthread.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct expiry known[EXPIRY_FILES_MAX];
static size_t known_count;

/* The lock is held; known_count: there is none. */
static size_t place_of(const char *option)
{
    size_t place = 0;

    while (place < known_count && strcmp(known[place].option, option) != 0)
        place++;
    return place;
}

void expiry_forget(const char *option)
{
    size_t place;

    (void)pthread_mutex_lock(&lock);
    place = place_of(option);
    if (place < known_count)
        known[place] = known[--known_count];
    (void)pthread_mutex_unlock(&lock);
}

void expiry_set(const char *option, const char *path, int64_t not_after)
{
    size_t place;

    (void)pthread_mutex_lock(&lock);
    place = place_of(option);
    if (place < EXPIRY_FILES_MAX) {
        known[place].option = option;
        known[place].not_after = not_after;
        (void)snprintf(known[place].path, EXPIRY_PATH_SIZE, "%s", path);
        if (place == known_count)
            known_count++;
    }
    (void)pthread_mutex_unlock(&lock);
}

size_t expiry_look(struct expiry files[EXPIRY_FILES_MAX])
{
    size_t count;

    (void)pthread_mutex_lock(&lock);
    count = known_count;
    memcpy(files, known, sizeof(known));
    (void)pthread_mutex_unlock(&lock);
    return count;
}

/* A label's value: three characters of it are escaped, and what is not printable is filtered. */
static void print_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"')
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
}

void expiry_print(FILE *out)
{
    struct expiry files[EXPIRY_FILES_MAX];
    const size_t count = expiry_look(files);

    fputs("# HELP e2e_certificate_expiry_timestamp_seconds When the content of a file expires.\n# "
          "TYPE e2e_certificate_expiry_timestamp_seconds gauge\n",
          out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "e2e_certificate_expiry_timestamp_seconds{option=\"%s\",file=\"",
                files[i].option);
        print_escaped(out, PRINTABLE(files[i].path));
        fprintf(out, "\"} %lld\n", (long long)files[i].not_after);
    }
}
