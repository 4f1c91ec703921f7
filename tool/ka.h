/*
 * akma ka new, add and remove
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_H
#define KA_H

#include "rows.h"
#include "secret_buf.h"

#include <stddef.h>

#define KA_LENGTH_DEFAULT "32" /* octets; 16 to 65535 are possible */

int ka_new(int argc, char *argv[]);
int ka_add(int argc, char *argv[]);
int ka_remove(int argc, char *argv[]);

/* One row of a devices file; what is NULL is left empty. */
struct ka_row {
    const char *identity, *ka_id;
    const unsigned char *ks_naf, *ka;
    size_t ka_length;
};

/* Put a row, in the order of a layout. */
void ka_put_row(struct secret_buf *text, const struct row_layout *layout, const struct ka_row *row);

/* Fill with octets of the system's generator; false: there are none. */
bool ka_random(unsigned char *octets, size_t length);

#endif
