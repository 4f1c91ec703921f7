/*
 * The kinds of places that Ka comes from: --ka-source KIND:PLACE
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
struct ka_files; /* of a kind: what the files hold that its options name */

/* What the options say, which are kept, not copied. NULL: not given. */
struct ka_settings {
    const char *place;               /* the text after "KIND:" */
    struct devices_current *devices; /* file: */
    const char *key;                 /* a file: what rows of a database are sealed with */
    const char *password_file;       /* of a database */
    const char *rows_max;            /* of a database: how many are remembered */
    const char *timeout;             /* seconds that a look-up may take */
    bool is_for_a_link;              /* a separate NAF waits for the answer, but not for ever */
    unsigned int life; /* seconds after which nothing rests on a Ka that was found; 0: not known */
    /* of masters; these three end with NULL */
    const char *const *sources;  /* each KIND:PLACE */
    const char *const *ka_ids;   /* in the order of the masters */
    const char *const *patterns; /* whose Ka's may be made of them */
    const char *revoked;         /* which Ka's are revoked: a file, or postgresql:URI */
    const char *pin;             /* of a token: a secret's source */
    const char *sessions;        /* with a token, at a time */
};

/* One kind. To add one, add its row. */
struct ka_kind {
    const char *name;
    const char *place;          /* what has to follow the colon, as in --help */
    const char *const *options; /* of those for --ka-source, the ones it takes; ends with NULL */
    const char *const *needs;   /* ... and the ones it cannot do without */
    /* Is that a place? False: fault says what is wanted. NULL: whatever is not empty. */
    bool (*check)(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
    /* NULL: fault says why not. */
    struct ka_source *(*open)(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
    /*
     * For SIGHUP: read again what the options name (NULL: fault), then put it into use, or drop it.
     * All three NULL: nothing is read again.
     */
    struct ka_files *(*read)(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
    void (*use)(struct ka_source *source, struct ka_files *files);
    void (*drop)(struct ka_files *files);
    /* For --check: false: fault. NULL: what `read` reads is all that can be tried. */
    bool (*try)(const struct ka_settings *settings, char fault[KA_FAULT_SIZE]);
    bool may_repeat; /* several of such kinds may be used together */
    /* `read` is called at SIGHUP alone, when somebody looks at its outcome: half a list of revoked
     * Ka's must not be used, and a database may be slow. */
    bool only_at_sighup;
};

/* Milliseconds that a look-up may take: a NAF at the link hears in time that there is no Ka. A
 * number that is none ends the program. */
int64_t ka_timeout_ms(const struct ka_settings *settings);

/* The kind of KIND:PLACE, and where PLACE begins. NULL: it is none, or PLACE is empty. */
const struct ka_kind *ka_kind_of(const char *text, const char **place);

/* Is it a devices file? Its rows are read and reloaded with those of --devices. */
bool ka_kind_is_file(const struct ka_kind *kind);

/* All kinds, for a sentence: "file:PATH, ... or ...". */
const char *ka_kinds_wanted(void);

#endif
