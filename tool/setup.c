/*
 * akma setup: everything that a deployment needs, in one folder; a second run renews certificates
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "setup.h"

#include "command.h"
#include "held_signals.h"
#include "line_reader.h"
#include "naf_syntax.h"
#include "options.h"
#include "printable.h"
#include "secret_buf.h"
#include "secret_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/crypto.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHOICE      "setup.conf" /* what was asked for, in the folder */
#define CHOICE_SIZE ((size_t)8192)

static const char example[] =
    "DIR is the first argument. It gets a folder for each host, and a README.md that\n"
    "says what to do with them. A second run with only DIR renews certificates that\n"
    "have less than a third of their life left; it overwrites nothing else.\n"
    "\n"
    "Example:\n"
    "  akma setup /etc/akma/site --naf-fqdn naf.example.com --third-party keys.example.com \\\n"
    "      --endpoint gate.example.com --redis --forward 127.0.0.1:8080";

static struct setup_choice asked;

static const struct option_row rows[] = {
    {"naf-fqdn", "NAME", &asked.naf_fqdn, OPTION_OPTIONAL,
     "FQDN of the NAF or AF, where UEs reach it"},
    {"third-party", "HOST", &asked.third_party, OPTION_OPTIONAL,
     "the third party runs there, separate from the NAF (default in one process with it)"},
    {"endpoint", "HOST", &asked.endpoint, OPTION_OPTIONAL,
     "the endpoint runs there, separate from the third party; needs --redis"},
    {"redis", NULL, &asked.redis, OPTION_OPTIONAL,
     "keep outstanding keys in a Redis, on the third party's host"},
    {"forward", "HOST:PORT|unix:PATH", &asked.forward, OPTION_OPTIONAL,
     "the application behind the endpoint (default an echo)"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct option_group groups[] = {OPTION_GROUP(NULL, rows), {example, NULL, 0}};

bool setup_fail(const char *path, const char *what)
{
    fprintf(stderr, "akma setup: %s: %s\n", PRINTABLE(path), what);
    return false;
}

static int refuse(const char *sentence)
{
    fprintf(stderr, "akma setup: %s\nakma setup: try --help\n", sentence);
    return EXIT_USAGE;
}

const char *setup_redis_host(const struct setup_choice *choice)
{
    if (choice->third_party != NULL)
        return choice->third_party;
    return choice->endpoint != NULL ? choice->naf_fqdn : "127.0.0.1";
}

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

/* As a NAF_Id has it: e2e-as derives for no other. */
static bool is_name(const char *name)
{
    return naf_fqdn_fault((const unsigned char *)name, strlen(name)) == NULL;
}

/* What is allowed in a file of options, a certificate and a command of the README. */
static bool is_host(const char *name)
{
    struct in6_addr address;

    return is_name(name) ||
           inet_pton(strchr(name, ':') == NULL ? AF_INET : AF_INET6, name, &address) == 1;
}

/* A number, or the name of a service. */
static bool is_port(const char *text)
{
    const unsigned long number = strtoul(text, NULL, 10);

    if (text[0] == '\0' || strlen(text) > 32 || strspn(text, WORD) != strlen(text))
        return false;
    return text[strspn(text, "0123456789")] != '\0' || (number >= 1 && number <= 65535);
}

static bool is_path(const char *text)
{
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || strchr("\"'#$`\\;&|<>()*?", *text) != NULL)
            return false;
    return true;
}

/* HOST:PORT, an address of IPv6 in brackets, or unix:PATH. */
static bool is_place(const char *text)
{
    const char *colon = strrchr(text, ':');
    char host[256];
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);
    const bool is_bracketed = length > 2 && text[0] == '[' && colon[-1] == ']';

    if (strncmp(text, "unix:", 5) == 0)
        return is_path(text + 5);
    if (colon == NULL || length >= sizeof(host))
        return false;
    (void)snprintf(host, sizeof(host), "%.*s", (int)(is_bracketed ? length - 2 : length),
                   text + is_bracketed);
    return is_host(host) && (strchr(host, ':') != NULL) == is_bracketed && is_port(colon + 1);
}

/* NULL: it makes sense; else why not. */
static const char *choice_fault(const struct setup_choice *choice)
{
    if (choice->naf_fqdn == NULL)
        return "--naf-fqdn NAME is missing";
    if (!is_name(choice->naf_fqdn))
        return "--naf-fqdn: must be a host's name, without a port: letters, digits, hyphens and "
               "dots; no address";
    if (choice->third_party != NULL && !is_host(choice->third_party))
        return "--third-party: must be a host's name or address, without a port";
    if (choice->endpoint != NULL && !is_host(choice->endpoint))
        return "--endpoint: must be a host's name or address, without a port";
    if (choice->endpoint != NULL && choice->redis == NULL)
        return "--endpoint: a separate endpoint shares outstanding keys with the third party: "
               "--redis is missing";
    if (choice->forward != NULL && !is_place(choice->forward))
        return "--forward: must be HOST:PORT or unix:PATH";
    return NULL;
}

bool setup_make_folder(const struct setup *setup, const char *name)
{
    char path[2 * PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", setup->work, name);
    return mkdir(path, 0700) == 0 || setup_fail(path, strerror(errno));
}

bool setup_write(const struct setup *setup, const char *name, const char *text, size_t length,
                 bool is_secret)
{
    char path[2 * PATH_MAX];
    bool done;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", setup->work, name);
    if (held_signals_came())
        return setup_fail(path, "stopped by a signal");
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, is_secret ? 0600 : 0644);
    if (fd < 0)
        return setup_fail(path, strerror(errno));
    done = fchmod(fd, is_secret ? 0600 : 0644) == 0 && secret_file_write(fd, text, length) &&
           fsync(fd) == 0;
    if (!done)
        (void)setup_fail(path, strerror(errno));
    return close(fd) == 0 && done;
}

/* The choice in a file, for the runs to come */

/* Where a choice has the value of an option. */
static const char **value_in(struct setup_choice *choice, const struct option_row *row)
{
    return (const char **)((char *)choice + ((const char *)row->value - (const char *)&asked));
}

static bool write_choice(struct setup *setup)
{
    struct secret_buf text = {.octets = NULL};
    bool done;

    secret_buf_puts(&text,
                    "# What akma setup was asked for; it reads this to renew certificates.\n");
    for (size_t i = 0; i < ROWS; i++) {
        const char *value = *value_in(&setup->choice, &rows[i]);

        if (value == NULL)
            continue;
        secret_buf_puts(&text, rows[i].name);
        secret_buf_puts(&text, " ");
        secret_buf_puts(&text, rows[i].argument == NULL ? "yes" : value);
        secret_buf_puts(&text, "\n");
    }
    done = text.failed ? setup_fail(CHOICE, "out of memory")
                       : setup_write(setup, CHOICE, text.octets, text.length, false);
    secret_buf_free(&text);
    return done;
}

/* One line of the file; what it says is kept in its text. */
static bool read_line(struct setup_choice *choice, char *line)
{
    char *value = strchr(line, ' ');

    if (line[0] == '#' || line[0] == '\0')
        return true;
    if (value == NULL)
        return false;
    *value++ = '\0';
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(line, rows[i].name) == 0) {
            *value_in(choice, &rows[i]) = value;
            return true;
        }
    return false;
}

static bool read_choice(const char *dir, struct setup_choice *choice, char text[CHOICE_SIZE])
{
    char path[PATH_MAX + sizeof(CHOICE) + 1], *rest = NULL;
    FILE *file;
    size_t length;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, CHOICE);
    file = fopen(path, "re");
    if (file == NULL)
        return setup_fail(path, strerror(errno));
    length = fread(text, 1, CHOICE_SIZE - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (!read_line(choice, line))
            return setup_fail(path, "has a line that is none of akma setup's");
    return choice_fault(choice) == NULL || setup_fail(path, choice_fault(choice));
}

/* The folder is there: options may be repeated, and change nothing. */
static bool is_asked_again(struct setup_choice *before)
{
    for (size_t i = 0; i < ROWS; i++) {
        const char *wanted = *rows[i].value, *there = *value_in(before, &rows[i]);

        if (wanted != NULL &&
            (there == NULL || (rows[i].argument != NULL && strcmp(wanted, there) != 0)))
            return false;
    }
    return true;
}

static int renew(struct setup *setup)
{
    char text[CHOICE_SIZE];

    if (!read_choice(setup->dir, &setup->choice, text))
        return EXIT_FAILURE;
    if (!is_asked_again(&setup->choice)) {
        (void)setup_fail(setup->dir, "was set up with other options (setup.conf): nothing in it is "
                                     "written over; give another folder");
        return EXIT_FAILURE;
    }
    (void)snprintf(setup->work, sizeof(setup->work), "%s", setup->dir);
    return setup_renew_certificates(setup) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

/* All of it, or nothing: it is written beside the folder and renamed to it. */
static int make_all(struct setup *setup)
{
    if ((size_t)snprintf(setup->work, sizeof(setup->work), "%s.XXXXXX", setup->dir) >=
            sizeof(setup->work) ||
        mkdtemp(setup->work) == NULL) {
        (void)setup_fail(setup->dir, strerror(errno));
        return EXIT_FAILURE;
    }
    if (setup_write_texts(setup) && setup_make_certificates(setup) && write_choice(setup)) {
        if (rename(setup->work, setup->dir) == 0) {
            printf("%s: read its README.md\n", PRINTABLE(setup->dir));
            return EXIT_SUCCESS;
        }
        (void)setup_fail(setup->dir, errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR
                                         ? "exists, and akma setup did not make it: nothing in it "
                                           "is overwritten; give another folder"
                                         : strerror(errno));
    }
    (void)nftw(setup->work, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return EXIT_FAILURE;
}

/* The absolute path of a folder whose parent is there; no blanks: it is used in commands. */
static bool resolve_dir(struct setup *setup, const char *given)
{
    char parent[PATH_MAX], whole[PATH_MAX], *slash;
    size_t length = strlen(given);

    while (length > 1 && given[length - 1] == '/')
        length--;
    if (length == 0 || length >= sizeof(parent) || !is_path(given))
        return setup_fail(given, "must be a path without blanks and characters of the shell's");
    memcpy(parent, given, length);
    parent[length] = '\0';
    if (realpath(parent, setup->dir) != NULL)
        return true;
    slash = strrchr(parent, '/');
    if (slash != NULL)
        *slash = '\0';
    if (realpath(slash == NULL ? "." : slash == parent ? "/" : parent, whole) == NULL)
        return setup_fail(given, strerror(errno));
    return (size_t)snprintf(setup->dir, sizeof(setup->dir), "%s/%s",
                            strcmp(whole, "/") == 0 ? "" : whole,
                            slash == NULL ? parent : slash + 1) < sizeof(setup->dir) - 8 ||
           setup_fail(given, strerror(ENAMETOOLONG));
}

/* Has akma setup made what is there? */
static bool is_made(const char *dir)
{
    char path[PATH_MAX + sizeof(CHOICE) + 1];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, CHOICE);
    return access(path, F_OK) == 0;
}

/* A signal leaves no half of a folder, or of a file: setup_write() gives up, and what is there
 * goes. */
static int make_or_renew(struct setup *setup)
{
    const bool renews = is_made(setup->dir);
    const char *fault = renews ? NULL : choice_fault(&asked);
    sigset_t before;
    int status;

    if (fault != NULL)
        return refuse(fault);
    before = held_signals_begin();
    if (!renews)
        setup->choice = asked;
    status = renews ? renew(setup) : make_all(setup);
    held_signals_end(&before);
    return status;
}

int command_setup(int argc, char *argv[])
{
    struct setup setup = {.dir = ""};
    const bool has_dir = argc > 1 && argv[1][0] != '-';
    const char *dir = has_dir ? argv[1] : NULL;

    if (has_dir) {
        argv[1] = argv[0];
        argc--;
        argv++;
    }
    options_parse(argc, argv,
                  "write all that a deployment needs into DIR; run again, renew its certificates",
                  groups, sizeof(groups) / sizeof(groups[0]));
    if (dir == NULL)
        return refuse("DIR is missing: akma setup DIR --naf-fqdn NAME");
    if (!resolve_dir(&setup, dir))
        return EXIT_FAILURE;
    return make_or_renew(&setup);
}
