/*
 * What a PostgreSQL answers about its table of revoked Ka's, as a list
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_REVOKED_ROWS_H
#define KA_REVOKED_ROWS_H

#include "ka/ka_revoked.h"

#include <libpq-fe.h>

#define KA_REVOKED_ROWS "SELECT device, ka_id FROM akma_ka_revoked"

/* The list in the answer to KA_REVOKED_ROWS; rows NULL: no answer came. NULL: fault. */
struct ka_revoked *ka_revoked_of_rows(const PGresult *rows, char fault[KA_REVOKED_FAULT_SIZE]);

#endif
