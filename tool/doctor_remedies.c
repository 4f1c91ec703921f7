/*
 * akma doctor: commands that repair what it found
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
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

/* "--system FILE" for a command, if that is not the usual one. */
static const char *system_option(const struct doctor *doctor, char room[PLACE_SIZE])
{
    char usual[CONF_PATH_SIZE];

    conf_file_system(usual);
    room[0] = '\0';
    if (strcmp(usual, doctor->system) != 0 && is_quotable(doctor->system))
        (void)snprintf(room, PLACE_SIZE, " --system '%s'", doctor->system);
    return room;
}

/* An option, if it was given; false: it does not fit, or no shell takes it as it is. */
static bool put_option(char remedy[DOCTOR_REMEDY_SIZE], const char *name, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_.,:=/+@%-";
    const size_t used = strlen(remedy);
    const char *quote;

    if (value == NULL)
        return true;
    quote = value[0] != '\0' && value[strspn(value, plain)] == '\0' ? "" : "'";
    return is_quotable(value) &&
           snprintf(remedy + used, DOCTOR_REMEDY_SIZE - used, " --%s %s%s%s", name, quote, value,
                    quote) < (int)(DOCTOR_REMEDY_SIZE - used);
}

const char *doctor_do_again(const struct doctor_options *options, char remedy[DOCTOR_REMEDY_SIZE])
{
    const char *const fallback = options->with_default ? "default" : NULL;
    bool fits = true;

    (void)give(remedy, "%s", "do: akma doctor");
    fits = put_option(remedy, "config", options->config) &&
           put_option(remedy, "system", options->system) &&
           put_option(remedy, "provider", fallback);
    for (size_t i = 0; fits && options->providers[i] != NULL; i++)
        fits = put_option(remedy, "provider", options->providers[i]);
    fits = fits && put_option(remedy, "provider-path", options->folder) &&
           put_option(remedy, "propquery", options->query);
    return fits ? remedy : give(remedy, "%s", "");
}

/* The current file, rewritten; what akma config cannot understand is put aside. */
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
    char installed[PLACE_SIZE], system[PLACE_SIZE], again[DOCTOR_REMEDY_SIZE];
    struct doctor_options with = doctor->options;

    if (doctor_may_change(doctor) && conf_file_is_marked(doctor->config))
        return rewrite(doctor, remedy);
    if (places_config(installed) && !is_same_file(installed, doctor->config) &&
        is_quotable(installed) && has_akma(installed)) {
        with.config = installed;
        return doctor->options.config != NULL
                   ? doctor_do_again(&with, remedy)
                   : give(remedy, "do: export OPENSSL_CONF=%s", installed);
    }
    with.config = "akma.cnf";
    if (doctor->options.config != NULL && doctor_do_again(&with, again)[0] != '\0')
        return give(remedy, "do: akma config%s --out akma.cnf && %s", system_option(doctor, system),
                    again + strlen("do: "));
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
