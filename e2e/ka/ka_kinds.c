/*
 * The kinds of sources of Ka: --ka-source KIND:PLACE
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_kinds.h"

#include "ka/ka_file.h"
#include "ka/ka_masters.h"
#include "ka/ka_postgresql.h"
#include "options.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_DEFAULT "3" /* seconds */
#define TIMEOUT_TOP     60
#define LINK_MS         2500 /* of the NAF's 3 seconds, in which the answer has to be there */

static const char *const none[] = {NULL};

static struct ka_source *open_file(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    struct ka_source *source = ka_file_new(settings->devices);

    if (source == NULL)
        (void)snprintf(fault, KA_FAULT_SIZE, "out of memory");
    return source;
}

static const char *const postgresql_options[] = {"ka-key", "ka-password-file", "ka-rows-max",
                                                 "ka-timeout", NULL};
static const char *const postgresql_needs[] = {"ka-key", NULL};

#ifndef AKMA_LIBPQ
static bool refuse_postgresql(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    (void)settings;
    (void)snprintf(fault, KA_FAULT_SIZE,
                   "postgresql: was left out of this build, which had no "
                   "libpq");
    return false;
}
#endif

static const char *const master_options[] = {
    "ka-id",       "ka-devices", "ka-revoked",       "ka-pin",
    "ka-sessions", "ka-timeout", "ka-password-file", NULL};

#define MASTER_KIND(name, place)                                                               \
    {                                                                                          \
        name, place, master_options, none, ka_masters_check, ka_masters_open, ka_masters_read, \
            ka_masters_use, ka_masters_drop, ka_masters_try, true, true                        \
    }

static const struct ka_kind kinds[] = {
    {"file", "PATH", none, none, NULL, open_file, NULL, NULL, NULL, NULL, false, false},
#ifdef AKMA_LIBPQ
    {"postgresql", "URI", postgresql_options, postgresql_needs, ka_postgresql_check,
     ka_postgresql_open, ka_postgresql_read, ka_postgresql_use, ka_postgresql_drop,
     ka_postgresql_try, false, false},
#else
    {"postgresql", "URI", postgresql_options, postgresql_needs, refuse_postgresql, NULL, NULL, NULL,
     NULL, NULL, false, false},
#endif
    MASTER_KIND("master", "SRC"),
    MASTER_KIND("pkcs11", "URI"),
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

int64_t ka_timeout_ms(const struct ka_settings *settings)
{
    const char *timeout = settings->timeout == NULL ? TIMEOUT_DEFAULT : settings->timeout;
    const int64_t given = 1000 * (int64_t)options_number("ka-timeout", timeout, 1, TIMEOUT_TOP);

    return settings->is_for_a_link && given > LINK_MS ? LINK_MS : given;
}

const struct ka_kind *ka_kind_of(const char *text, const char **place)
{
    for (size_t i = 0; i < KINDS; i++) {
        const size_t length = strlen(kinds[i].name);

        *place = text + length + 1;
        if (strncmp(text, kinds[i].name, length) == 0 && text[length] == ':' && **place != '\0')
            return &kinds[i];
    }
    return NULL;
}

bool ka_kind_is_file(const struct ka_kind *kind)
{
    return kind == &kinds[0];
}

const char *ka_kinds_wanted(void)
{
    static char wanted[200];
    size_t used = 0;

    for (size_t i = 0; i < KINDS; i++) {
        const char *between = i == 0 ? "" : i + 1 < KINDS ? ", " : " or ";

        used += (size_t)snprintf(wanted + used, sizeof(wanted) - used, "%s%s:%s", between,
                                 kinds[i].name, kinds[i].place);
    }
    return wanted;
}
