/*
 * akma doctor: commands that mend what it found
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *give(char remedy[DOCTOR_REMEDY_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A command that does not fit is none. */
static const char *give(char remedy[DOCTOR_REMEDY_SIZE], const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    length = vsnprintf(remedy, DOCTOR_REMEDY_SIZE, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= DOCTOR_REMEDY_SIZE)
        remedy[0] = '\0';
    return remedy;
}

/* Can a shell take it between single quotes, and a report show it as it is? */
static bool is_quotable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~' || strchr("'\\\"", *text) != NULL)
            return false;
    return true;
}

static bool is_same_file(const char *one, const char *other)
{
    struct stat a, b;

    return strcmp(one, other) == 0 || (stat(one, &a) == 0 && stat(other, &b) == 0 &&
                                       a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

/* The system's file is every program's. */
bool doctor_may_change(const struct doctor *doctor)
{
    struct stat status;

    return stat(doctor->config, &status) == 0 && S_ISREG(status.st_mode) &&
           !is_same_file(doctor->config, doctor->system) && is_quotable(doctor->config);
}

/* Does a file have an akma in it? */
static bool has_akma(const char *path)
{
    struct conf_file file;
    char fault[CONF_FAULT_SIZE];
    bool has = false;

    if (conf_file_open(&file, path, false, fault)) {
        const STACK_OF(CONF_VALUE) *entries = conf_file_entries(&file, file.providers);

        for (int i = 0; i < sk_CONF_VALUE_num(entries); i++)
            has = has || conf_file_is_akma(&file, sk_CONF_VALUE_value(entries, i));
    }
    conf_file_close(&file);
    return has;
}

/* "--system FILE" for a command, where that is not the usual one. */
static const char *system_option(const struct doctor *doctor, char room[PLACE_SIZE])
{
    char usual[CONF_PATH_SIZE];

    conf_file_system(usual);
    room[0] = '\0';
    if (strcmp(usual, doctor->system) != 0 && is_quotable(doctor->system))
        (void)snprintf(room, PLACE_SIZE, " --system '%s'", doctor->system);
    return room;
}

/* The file in force, written anew; what akma config cannot understand is put aside. */
static const char *rewrite(const struct doctor *doctor, char remedy[DOCTOR_REMEDY_SIZE])
{
    const char *const file = doctor->config;
    char system[PLACE_SIZE];

    (void)system_option(doctor, system);
    if (doctor->file.conf != NULL && conf_file_is_marked(file))
        return give(remedy, "do: akma config%s --out '%s'", system, file);
    return give(remedy, "do: cp '%s' '%s.old' && akma config%s --force --out '%s'", file, file,
                system, file);
}

const char *doctor_do_configure(const struct doctor *doctor, char remedy[DOCTOR_REMEDY_SIZE])
{
    char installed[PLACE_SIZE], system[PLACE_SIZE];

    if (doctor_may_change(doctor) && conf_file_is_marked(doctor->config))
        return rewrite(doctor, remedy);
    if (places_config(installed) && !is_same_file(installed, doctor->config) &&
        is_quotable(installed) && has_akma(installed))
        return give(remedy, "do: export OPENSSL_CONF=%s", installed);
    return give(remedy, "do: akma config%s --out akma.cnf && export OPENSSL_CONF=$PWD/akma.cnf",
                system_option(doctor, system));
}

const char *doctor_do_rewrite(const struct doctor *doctor, char remedy[DOCTOR_REMEDY_SIZE])
{
    return doctor_may_change(doctor) ? rewrite(doctor, remedy)
                                     : doctor_do_configure(doctor, remedy);
}

const char *doctor_do_append(const struct doctor *doctor, const struct doctor_line *lines,
                             size_t count, char remedy[DOCTOR_REMEDY_SIZE])
{
    char text[DOCTOR_REMEDY_SIZE] = "";
    size_t used = 0;

    if (!doctor_may_change(doctor))
        return doctor_do_configure(doctor, remedy);
    for (size_t i = 0; i < count; i++) {
        if (!is_quotable(lines[i].section) || !is_quotable(lines[i].key) ||
            !is_quotable(lines[i].value) || used >= sizeof(text))
            return give(remedy, "%s", "");
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "echo; echo '[%s]'; echo '%s = %s'; ", lines[i].section,
                                 lines[i].key, lines[i].value);
    }
    return used >= sizeof(text) ? give(remedy, "%s", "")
                                : give(remedy, "do: { %s} >>'%s'", text, doctor->config);
}

/* A key of a file that the one in force includes cannot be found by a command in this one. */
static bool has_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    bool has = false;

    while (file != NULL && !has && getline(&line, &size, file) > 0)
        has = strstr(line, text) != NULL;
    free(line);
    if (file != NULL)
        (void)fclose(file);
    return has;
}

/* A word that stands for itself in a regular expression, as names of keys and sections do. */
static bool is_plain(const char *word)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_.- ";

    return word[0] != '\0' && word[strspn(word, letters)] == '\0';
}

const char *doctor_do_rename(const struct doctor *doctor, enum doctor_word what, const char *from,
                             const char *to, char remedy[DOCTOR_REMEDY_SIZE])
{
    static const struct {
        const char *before, *after, *left, *right; /* a script of sed, around both words */
    } scripts[] = {
        [DOCTOR_KEY] = {"s/^ *", " *=/", "", " =/"},
        [DOCTOR_SECTION] = {"s/^ *[[] *", " *[]]/", "[", "]/"},
        [DOCTOR_VALUE] = {"s/= *", " *$/", "= ", "/"},
        [DOCTOR_LINE] = {"/^ *", " *=/d", "", ""},
    };

    if (!doctor_may_change(doctor) || !is_plain(from) || (to[0] != '\0' && !is_plain(to)) ||
        !has_text(doctor->config, from))
        return give(remedy, "%s", "");
    return give(remedy, "do: sed -E -i '%s%s%s%s%s%s' '%s'", scripts[what].before, from,
                scripts[what].after, scripts[what].left, to, scripts[what].right, doctor->config);
}
