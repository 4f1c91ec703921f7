/*
 * What remains in memory when a process ends, to be preloaded
 *
 * REMAINS_NEEDLES: a file of needles, 16 octets each, every octet XOR 0x5A so that they do not find
 * themselves. REMAINS_REPORT: a file that gets how many of them were found in memory that can be
 * written, as octets or as hex, once the program's and libcrypto's own clean-up is over.
 * REMAINS_VARIABLE: a variable of the environment that counts as one more while it is there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEEDLE 16
#define MASK   0x5A
#define MAX    64

static unsigned char needles[MAX][NEEDLE];
static size_t count;

static int is_octets(const unsigned char *place, const unsigned char *needle)
{
    for (size_t i = 0; i < NEEDLE; i++)
        if ((place[i] ^ MASK) != needle[i])
            return 0;
    return 1;
}

static int is_hex(const unsigned char *place, const unsigned char *needle)
{
    for (size_t i = 0; i < NEEDLE; i++) {
        static const char digits[] = "0123456789abcdef";
        const unsigned int octet = needle[i] ^ MASK;

        if ((place[2 * i] | 0x20) != (digits[octet >> 4] | 0x20) ||
            (place[2 * i + 1] | 0x20) != (digits[octet & 15] | 0x20))
            return 0;
    }
    return 1;
}

static size_t look(const unsigned char *begin, const unsigned char *end)
{
    size_t found = 0;

    for (const unsigned char *place = begin; place + 2 * (size_t)NEEDLE <= end; place++)
        for (size_t i = 0; i < count; i++)
            found += (size_t)(is_octets(place, needles[i]) || is_hex(place, needles[i]));
    return found;
}

/* Guard pages of newer C libraries are part of a mapping, and only a system call may ask for them.
 */
static int is_readable(int memory, unsigned long page)
{
    unsigned char octet;

    return pread(memory, &octet, 1, (off_t)page) == 1;
}

/* The runs of pages that can be read. */
static size_t look_through(int memory, unsigned long begin, unsigned long end)
{
    const unsigned long size = (unsigned long)sysconf(_SC_PAGESIZE);
    size_t found = 0;

    for (unsigned long from = begin, page = begin; page <= end; page += size)
        if (page == end || !is_readable(memory, page)) {
            found += look((const unsigned char *)from, (const unsigned char *)page);
            from = page + size;
        }
    return found;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("REMAINS_NEEDLES"), *report_path = getenv("REMAINS_REPORT");
    const char *variable = getenv("REMAINS_VARIABLE");
    FILE *file = path == NULL || report_path == NULL ? NULL : fopen(path, "r");
    const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    size_t found = variable != NULL && getenv(variable) != NULL;
    char line[512];

    if (file == NULL || memory < 0)
        return;
    count = fread(needles, NEEDLE, MAX, file);
    (void)fclose(file);
    file = fopen("/proc/self/maps", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        unsigned long begin, end;
        char mode[5];

        if (sscanf(line, "%lx-%lx %4s", &begin, &end, mode) == 3 && mode[0] == 'r' &&
            mode[1] == 'w')
            found += look_through(memory, begin, end);
    }
    if (file != NULL)
        (void)fclose(file);
    (void)close(memory);
    file = fopen(report_path, "w");
    if (file != NULL) {
        fprintf(file, "%zu of %zu\n", found, count);
        (void)fclose(file);
    }
}
