/*
 * The options of e2e-as that say how keys come from the operator's network
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SOURCE_OPTIONS_H
#define SOURCE_OPTIONS_H

#include "devices_current.h"
#include "net/tls_files.h"
#include "ops/checks.h"
#include "options.h"
#include "server/acceptor.h"
#include "session/ue_service.h"

#include <akma/kdf.h>

/* For the table of options. */
extern const struct option_group source_options;

/* Is there a key source? */
bool source_options_given(void);

/*
 * Check what was given; the rest of the command line says the FQDN, whether first connections can
 * have several Ua security protocol identifiers, and whether these are of several versions of TLS.
 * Exits with a sentence if that cannot be.
 */
void source_options_check(const char *naf_fqdn, bool has_several_ids, bool has_several_versions);

/* Read the files, before any thread is started. False: the reason went to standard error. */
bool source_options_open_files(void);

/* For --check: the dates of the certificates, and whether the names of the URLs resolve. */
void source_options_check_dates(struct checks *checks);
void source_options_check_addresses(struct checks *checks);

/*
 * The source that was asked for, in front of a devices file; devices_current NULL: there is none.
 * file_ids: what the file's keys are for. NULL: out of memory.
 */
struct source *source_options_open(struct devices_current *devices_current,
                                   unsigned char file_ids[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH]);

/* Listen for notifications, if that was asked for. False: the reason went to standard error. */
bool source_options_listen(struct naf_service *naf, struct endpoints *endpoints);

/* Is there a listener for notifications? */
bool source_options_listens(void);

/* Start what was opened. False: as above. */
bool source_options_start(struct source *source);

/* The names of the files, if there is a key source; they live as long as the program. */
const struct tls_file_names *source_options_names(void);

/* What the files of these options hold. */
struct source_files;

/* Read them again, on any thread. NULL: fault. Then put them into use, or drop them. */
struct source_files *source_options_read(char fault[TLS_FILES_FAULT_SIZE]);
void source_options_use(struct source *source, struct source_files *files);
void source_options_drop(struct source_files *files);

/* Stop it, before it is released. source: NULL is fine. */
void source_options_stop(struct source *source);

/* Cleanse what was read; the source is gone. */
void source_options_close(void);

#endif
