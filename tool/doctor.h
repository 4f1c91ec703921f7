/*
 * akma doctor: what it checks, and what it has found so far
 *
 * A remedy is a command line behind "do: ", to the end of the sentence: after running it unchanged,
 * akma doctor passes. None of them changes the system's openssl.cnf.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "conf_file.h"
#include "places.h"
#include "report.h"

#include <openssl/provider.h>

#define DOCTOR_INSTANCES   64
#define DOCTOR_REMEDY_SIZE 1000

/* An instance of the module: a section of the configuration, or a provider that was asked for. */
struct doctor_instance {
    const char *name;
    const char *section; /* NULL: none */
};

/* What this call was given by options, each NULL if it was not; providers may be empty. */
struct doctor_options {
    const char *config, *system, *folder, *query;
    const char *const *providers;
    bool with_default; /* a provider more */
};

struct doctor {
    struct report report;
    struct doctor_options options;
    const char *system;  /* the system's own file */
    const char *config;  /* the current file */
    const char *modules; /* the current folder */
    bool modules_given;  /* by an option or the environment */
    const char *query;   /* NULL: none */
    struct conf_file file;
    OSSL_LIB_CTX *libctx;
    struct doctor_instance instances[DOCTOR_INSTANCES];
    size_t count;
    bool has_hmac;
    bool deadly; /* loading a module ends the process: nothing is loaded here */
};

/* The file: can it be read, and which instances are in it? */
void doctor_check_config(struct doctor *doctor);

/* Does the file keep what the system's has? */
void doctor_check_system(struct doctor *doctor);

/* Do the names of sections and keys lead anywhere? What is wrong with the instances' sections? */
void doctor_check_sections(struct doctor *doctor);

/* The folder, and each instance's file: is it there, does the system's loader take it? */
void doctor_check_modules(struct doctor *doctor);

/* With the current configuration: is each instance active, and which policy has it? */
void doctor_check_instances(struct doctor *doctor);

/* HMAC, known answers of each instance, and which one an application gets. */
void doctor_check_derivation(struct doctor *doctor);

/* A key of an instance's section; NULL: not given. */
const char *doctor_key(const struct doctor *doctor, const struct doctor_instance *instance,
                       const char *key);

/* Into a context of its own; NULL: it does not load, or loading it would end the process. */
OSSL_PROVIDER *doctor_load_alone(const struct doctor *doctor,
                                 const struct doctor_instance *instance, OSSL_LIB_CTX *libctx);

/* OpenSSL's newest error, its text if it has one; the stack is emptied. */
const char *doctor_reason(void);

/* Remedies: each begins with "do: ", or is empty if no command can be given. */

/* This call again, with these options. */
const char *doctor_do_again(const struct doctor_options *options, char remedy[DOCTOR_REMEDY_SIZE]);

/* A configuration with akma in it comes into force. */
const char *doctor_do_configure(const struct doctor *doctor, char remedy[DOCTOR_REMEDY_SIZE]);

/* The current file is rewritten, with what the system's has and the policies that it has. */
const char *doctor_do_rewrite(const struct doctor *doctor, char remedy[DOCTOR_REMEDY_SIZE]);

/* A key of a section, which is put at the end of the current file. */
struct doctor_line {
    const char *section, *key, *value;
};

const char *doctor_do_append(const struct doctor *doctor, const struct doctor_line *lines,
                             size_t count, char remedy[DOCTOR_REMEDY_SIZE]);

/* A key, a section or a key's value gets another name; or the whole line of a key goes. */
struct doctor_change {
    enum { DOCTOR_KEY, DOCTOR_SECTION, DOCTOR_VALUE, DOCTOR_LINE } what;
    const char *section;
    const char *key;   /* NULL: the section itself is meant */
    const char *value; /* of DOCTOR_VALUE; else NULL */
    const char *to;    /* NULL: the line goes */
};

/* One line of the current file changes; in words, if no command is sure to be right. */
const char *doctor_do_change(const struct doctor *doctor, const struct doctor_change *change,
                             char remedy[DOCTOR_REMEDY_SIZE]);

/* Is the current file one of akma's users, and not the system's? */
bool doctor_may_change(const struct doctor *doctor);

#endif
