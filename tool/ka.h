/*
 * akma ka new, derive, add, remove, merge, list, import, export and rekey
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_H
#define KA_H

#include "rows.h"
#include "secret_buf.h"

#include <stddef.h>
#include <stdint.h>

#define KA_LENGTH_DEFAULT "32" /* octets; 16 to 65535 are possible */

int ka_new(int argc, char *argv[]);
int ka_derive(int argc, char *argv[]);
int ka_add(int argc, char *argv[]);
int ka_remove(int argc, char *argv[]);
int ka_merge(int argc, char *argv[]);
int ka_list(int argc, char *argv[]);
int ka_import(int argc, char *argv[]);
int ka_export(int argc, char *argv[]);
int ka_rekey(int argc, char *argv[]);

/* What --help says of a master secret and of a token's PIN. */
#define KA_MASTER_HELP                                                       \
    "the master secret: 64 hex digits at file:PATH, env:NAME, fd:N, stdin; " \
    "or pkcs11:URI, a key in a token (RFC 7512)"
#define KA_PIN_HELP "the token's PIN, at file:PATH, env:NAME, fd:N, stdin; tried once"

/* Make a master secret in a token. An exit status; why went to standard error. */
int ka_new_master(const char *uri, const char *pin);

/* One row of a devices file; what is NULL is left empty. */
struct ka_row {
    const char *identity, *ka_id;
    const char *device; /* the device's permanent name, if that is not the identity */
    const unsigned char *ks_naf, *ka;
    size_t ka_length;
    int64_t not_after; /* end of ks_naf; 0: not known */
};

/* Put a row, in the order of a layout. */
void ka_put_row(struct secret_buf *text, const struct row_layout *layout, const struct ka_row *row);

/*
 * What the module would refuse of a row's keys, either of which may be NULL: zeros, and a Ka that
 * is Ks_NAF. NULL: nothing; else which column and what. In constant time for keys of one length.
 */
const char *ka_keys_fault(const unsigned char *ks_naf, const unsigned char *ka, size_t ka_length);

#define KA_FAULT_SIZE 400
#define KA_PIPE_MAX   ((size_t)256 * 1024 * 1024) /* octets of what is not a regular file */

/* Read a list or a file of rows whole; "-" is standard input. False: fault. */
bool ka_read(struct secret_buf *text, const char *in, char fault[KA_FAULT_SIZE]);

/* What --help says of --out and --force, and of a file of Ka's that is there already. */
#define KA_OUT_HELP   "a file of mode 0600 (without: standard output)"
#define KA_FORCE_HELP "replace an existing file, with the Ka's in it"

/*
 * Write rows to a file, or with NULL to standard output. An existing file holds Ka's that may
 * exist nowhere else: it is replaced only by force. False: fault.
 */
bool ka_write(const struct secret_buf *text, const char *out, bool force,
              char fault[KA_FAULT_SIZE]);

/* May it be written there? False: fault; a file is there, and there is no force. */
bool ka_may_write(const char *out, bool force, char fault[KA_FAULT_SIZE]);

/* Fill with octets of the system's generator; false: errno, there are none or only zeros. */
bool ka_random(unsigned char *octets, size_t length);

#endif
