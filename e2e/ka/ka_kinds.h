/*
 * The kinds of sources of Ka: --ka-source KIND:PLACE
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KA_KINDS_H
#define KA_KINDS_H

#include "ka/ka_source.h"

#include <stdbool.h>
#include <stdint.h>

#define KA_FAULT_SIZE 600 /* of a sentence that names an option or a file, filtered */

struct devices_current;
struct ka_files; /* each kind has its own: the contents of the files that its options name */

/* The options, which are kept, not copied. NULL: not given. */
struct ka_settings {
    const char *place;               /* the text after "KIND:" */
    struct devices_current *devices; /* file: */
    const char *key;                 /* file of the keys that seal the rows of a database */
    const char *password_file;       /* of a database */
    const char *rows_max;            /* how many rows of a database are remembered */
    const char *timeout;             /* seconds that a look-up may take */
    bool is_for_a_link;              /* a separate NAF waits for the answer, for 3 seconds */
    unsigned int life; /* seconds for which a key may depend on a Ka that was found; 0: unknown */
    /* of masters; these three end with NULL */
    const char *const *sources;  /* each KIND:PLACE */
    const char *const *ka_ids;   /* in the order of the masters */
    const char *const *patterns; /* devices whose Ka's may be derived */
    const char *revoked;         /* which Ka's are revoked: a file, or postgresql:URI */
    const char *pin;             /* of a token: a secret's source */
    const char *sessions;        /* with a token at a time */
};

/* One kind. To add one, add its row. */
struct ka_kind {
    const char *name;
    const char *place;          /* what has to follow the colon, as in --help */
    const char *const *options; /* the options for --ka-source that it takes; ends with NULL */
    const char *const *needs;   /* those of them that it requires */
    /* Is `place` well formed? False: fault says what is wanted. NULL: any text that is not empty.
     */
    bool (*check)(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
    /* NULL: fault says why not. */
    struct ka_source *(*open)(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
    /*
     * For SIGHUP: read the files again (NULL: fault), then use or drop what was read. All three
     * NULL: there is nothing to read.
     */
    struct ka_files *(*read)(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
    void (*use)(struct ka_source *source, struct ka_files *files);
    void (*drop)(struct ka_files *files);
    /* For --check. False: fault. NULL: calling `read` is all that can be checked. */
    bool (*try)(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
    bool may_repeat; /* several sources of such kinds may be used together */
    /* `read` is called at SIGHUP only, when somebody sees its outcome: a half-written list of
     * revoked Ka's must not be used, and a database may be slow. */
    bool only_at_sighup;
};

/* Milliseconds that a look-up may take, so that a NAF at the link gets an answer in time. Ends the
 * program if the option is not a number. */
int64_t ka_timeout_ms(const struct ka_settings *settings);

/* The kind in KIND:PLACE, and where PLACE begins. NULL: there is no such kind, or PLACE is empty.
 */
const struct ka_kind *ka_kind_of(const char *text, const char **place);

/* Is it a devices file? Its rows are read and reloaded with those of --devices. */
bool ka_kind_is_file(const struct ka_kind *kind);

/* All kinds, for a sentence: "file:PATH, ... or ...". */
const char *ka_kinds_wanted(void);

#endif
