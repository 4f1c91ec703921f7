/*
 * akma doctor: what it looks at, and what it has found so far
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "report.h"

#include <openssl/conf.h>
#include <openssl/provider.h>

#define DOCTOR_PATH_SIZE 4096
#define DOCTOR_INSTANCES 64

/* An instance of the module: a section of the configuration, or a provider that was asked for. */
struct doctor_instance {
    const char *name;
    const char *section; /* NULL: none */
};

struct doctor {
    struct report report;
    const char *config;  /* the file in force */
    const char *modules; /* the folder in force */
    const char *query;   /* NULL: none */
    CONF *conf;          /* NULL: it cannot be read */
    OSSL_LIB_CTX *libctx;
    struct doctor_instance instances[DOCTOR_INSTANCES];
    size_t count;
};

/* The file: can it be read, and which instances are in it? */
void doctor_check_config(struct doctor *doctor);

/* What is wrong with the instances' sections? */
void doctor_check_sections(struct doctor *doctor);

/* The folder, and each instance's file: is it there, does the system's loader take it? */
void doctor_check_modules(struct doctor *doctor);

/* With the configuration in force: is each instance active, and which policy has it? */
void doctor_check_instances(struct doctor *doctor);

/* HMAC, known answers of each instance, and which one an application gets. */
void doctor_check_derivation(struct doctor *doctor);

/* A key of an instance's section; NULL: not given. */
const char *doctor_key(const struct doctor *doctor, const struct doctor_instance *instance,
                       const char *key);

/* OpenSSL's newest error, its text if it has one; the stack is emptied. */
const char *doctor_reason(void);

#endif
