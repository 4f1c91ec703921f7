/*
 * The options of e2e-as that say where Ka comes from
 *
 * The row of a kind of source (ka_kinds.c) says which of them it takes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/ka_options.h"

#include "printable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *sources[OPTION_MANY_MAX + 1], *ka_ids[OPTION_MANY_MAX + 1],
    *patterns[OPTION_MANY_MAX + 1];
static struct ka_settings settings = {.sources = sources, .ka_ids = ka_ids, .patterns = patterns};

static const struct option_row rows[] = {
    {"ka-source", "KIND:PLACE", sources, OPTION_MANY,
     "file:PATH, a devices file whose ks-naf are empty (default --devices); postgresql:URI, sealed "
     "rows; master:SRC, a master secret of 64 hex digits; pkcs11:URI, one in a token (RFC 7512). "
     "Several masters may be used together"},
    {"ka-key", "FILE", &settings.key, false,
     "keys that seal the rows: lines N:<64 hex digits>, of mode 0600; the first line seals, "
     "all open"},
    {"ka-password-file", "FILE", &settings.password_file, false,
     "the password of the database, of mode 0600"},
    {"ka-id", "TEXT", ka_ids, OPTION_MANY,
     "for a master: which Ka flags are issued with; may be repeated for older ones, and for each "
     "master"},
    {"ka-devices", "PATTERN", patterns, OPTION_MANY,
     "for a master: the devices whose Ka may be made (* is any text), others have none; may be "
     "repeated"},
    {"ka-revoked", "FILE|postgresql:URI", &settings.revoked, false,
     "for a master: the revoked Ka's, device,ka-id; or the table of them"},
    {"ka-pin", "SRC", &settings.pin, false,
     "the token's PIN, at file:PATH, env:NAME, fd:N, stdin; tried once"},
    {"ka-sessions", "N", &settings.sessions, false,
     "sessions with the token at a time (default 4)"},
    {"ka-rows-max", "N", &settings.rows_max, false,
     "rows of a database that are remembered, in case they change while it is down (default "
     "262144)"},
    {"ka-timeout", "SECONDS", &settings.timeout, false, "time limit for a Ka (default 3)"},
};

const struct option_group ka_options =
    OPTION_GROUP("Where Ka comes from (all in one, third party)", rows);

bool ka_options_given(void)
{
    for (size_t i = 0; i < ka_options.count; i++)
        if (*ka_options.rows[i].value != NULL)
            return true;
    return false;
}

static const struct ka_kind *kind_given(void)
{
    return sources[0] == NULL ? NULL : ka_kind_of(sources[0], &settings.place);
}

const char *ka_options_file(void)
{
    const struct ka_kind *kind = kind_given();

    return kind != NULL && ka_kind_is_file(kind) ? settings.place : NULL;
}

static _Noreturn void refuse(const char *option, const char *why, const char *which)
{
    fprintf(stderr, "e2e-as: %s--%s%s%s\ne2e-as: try --help\n", options_where(option), option, why,
            which);
    exit(options_refusal());
}

static bool is_listed(const char *const *names, const char *name)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

static void check_kinds(void)
{
    for (size_t i = 0; sources[i] != NULL; i++) {
        const char *place;
        const struct ka_kind *kind = ka_kind_of(sources[i], &place);

        if (kind == NULL)
            refuse("ka-source", ": must be ", ka_kinds_wanted());
        if (sources[1] != NULL && !kind->may_repeat)
            refuse("ka-source", ": only masters can be used together, not ", kind->name);
    }
}

/* kind: NULL: without --ka-source. */
static void check_option(const struct option_row *row, const struct ka_kind *kind)
{
    const bool is_given = *row->value != NULL;

    if (is_given && kind == NULL)
        refuse(row->name, " has no effect without ", "--ka-source");
    if (is_given && !is_listed(kind->options, row->name))
        refuse(row->name, " has no effect with --ka-source ", kind->name);
    if (!is_given && kind != NULL && is_listed(kind->needs, row->name))
        refuse(row->name, " is missing: it goes with --ka-source ", kind->name);
}

void ka_options_check(void)
{
    const struct ka_kind *kind = kind_given();
    char fault[KA_FAULT_SIZE];

    check_kinds();
    for (size_t i = 1; i < ka_options.count; i++)
        check_option(&ka_options.rows[i], kind);
    if (kind != NULL && kind->check != NULL && !kind->check(&settings, fault))
        refuse("ka-source", " ", fault);
}

struct ka_source *ka_options_open(struct devices_current *devices, unsigned int life,
                                  bool is_for_a_link)
{
    const struct ka_kind *kind = kind_given();
    char fault[KA_FAULT_SIZE];
    struct ka_source *opened;

    settings.devices = devices;
    settings.life = life;
    settings.is_for_a_link = is_for_a_link;
    if (kind == NULL)
        kind = ka_kind_of("file:-", &settings.place);
    opened = kind->open(&settings, fault);
    if (opened == NULL)
        fprintf(stderr, "%s%s\n", options_where(fault), fault);
    return opened;
}

bool ka_options_try(char fault[KA_FAULT_SIZE])
{
    const struct ka_kind *kind = kind_given();
    struct ka_files *files;

    if (kind != NULL && kind->try != NULL)
        return kind->try(&settings, fault);
    if (!ka_options_read(true, &files, fault))
        return false;
    ka_options_drop(files);
    return true;
}

bool ka_options_read(bool at_sighup, struct ka_files **files, char fault[KA_FAULT_SIZE])
{
    const struct ka_kind *kind = kind_given();

    *files = NULL;
    if (kind == NULL || kind->read == NULL || (kind->only_at_sighup && !at_sighup))
        return true;
    *files = kind->read(&settings, fault);
    return *files != NULL;
}

void ka_options_use(struct ka_source *source, struct ka_files *files)
{
    if (files != NULL)
        kind_given()->use(source, files);
}

void ka_options_drop(struct ka_files *files)
{
    if (files != NULL)
        kind_given()->drop(files);
}
