/*
 * A line of a log: a time, and key=value pairs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ops/log_line.h"

#include "printable.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define HASH_SHOWN 8 /* octets of the hash */
#define DIGITS     "0123456789"
#define IN_A_ROW   5 /* digits: the shortest IMSI and MSISDN */

/* Set by log_line_hash_names(), then only read. */
static struct {
    bool is_on;
    unsigned char secret[32];
} hashing;

static const struct {
    const char *name;
    enum log_level level;
} severities[] = {{"err", LOG_LEVEL_ERR}, {"warning", LOG_LEVEL_WARNING}, {"info", LOG_LEVEL_INFO}};

#define SEVERITIES (sizeof(severities) / sizeof(severities[0]))

bool log_level_named(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < SEVERITIES; i++)
        if (strcmp(severities[i].name, name) == 0) {
            *level = severities[i].level;
            return true;
        }
    return false;
}

bool log_line_hash_names(void)
{
    hashing.is_on = true;
    return RAND_bytes(hashing.secret, sizeof(hashing.secret)) > 0;
}

/* Names of subscribers within a sentence that others wrote */

/* What comes between words; all of the rest can be in a name, or in its escaped form. */
static const char between[] = " \t\r\n\"'`,;<>()[]{}|\\";

/* The digits behind the last colon of host:port, and no others. */
static bool is_address(const char *word, size_t length)
{
    const char *colon = memrchr(word, ':', length);
    const size_t port = colon == NULL ? 0 : length - (size_t)(colon - word) - 1;

    return colon != NULL && colon > word && port == IN_A_ROW && strspn(colon + 1, DIGITS) >= port;
}

static bool has_digits(const char *word, size_t length)
{
    for (size_t at = 0; at + IN_A_ROW <= length; at++)
        if (strspn(word + at, DIGITS) >= IN_A_ROW)
            return true;
    return false;
}

static bool is_name(const char *word, size_t length)
{
    const char *percent = memmem(word, length, "%40", 3);

    if (memchr(word, '@', length) != NULL || percent != NULL)
        return true;
    return has_digits(word, is_address(word, length) ? length - IN_A_ROW : length);
}

/*
 * The next word of a text that may name a subscriber: what has an @ (A-KID, B-TID, IMPI, NAI), or
 * five digits in a row (SUPI, MSISDN) other than those of a port. False: there is none. Else it
 * begins `before` octets from text, and has `length`.
 */
static bool next_name(const char *text, size_t *before, size_t *length)
{
    const char *word = text + strspn(text, between);

    for (; *word != '\0'; word += *length, word += strspn(word, between)) {
        *length = strcspn(word, between);
        while (*length > 1 && strchr(":.", word[*length - 1]) != NULL)
            --*length; /* the sentence's own */
        *before = (size_t)(word - text);
        if (is_name(word, *length))
            return true;
    }
    return false;
}

/* Pairs */

static void append(struct log_line *line, const char *text, size_t length)
{
    const size_t room = LOG_LINE_MAX - line->length;
    const size_t taken = length < room ? length : room;

    memcpy(line->text + line->length, text, taken);
    line->length += taken;
}

static void append_text(struct log_line *line, const char *text)
{
    append(line, text, strlen(text));
}

static bool names_a_subscriber(const char *key)
{
    return strcmp(key, "identity") == 0 || strcmp(key, "device") == 0;
}

static void append_hash(struct log_line *line, const char *value, size_t length)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    char shown[2 * HASH_SHOWN + 1] = "";

    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, hashing.secret, sizeof(hashing.secret),
                  (const unsigned char *)value, length, hash, sizeof(hash), NULL) == NULL)
        memset(hash, 0, sizeof(hash));
    for (size_t i = 0; i < HASH_SHOWN; i++)
        (void)snprintf(shown + 2 * i, 3, "%02x", hash[i]);
    append_text(line, shown);
}

static void append_quoted(struct log_line *line, const char *filtered, bool quoted)
{
    append(line, "\"", quoted);
    append_text(line, filtered);
    append(line, "\"", quoted);
}

/* A sentence that others may have written: each name in it as its hash. */
static void append_sentence(struct log_line *line, const char *text)
{
    struct printable room;
    size_t before, length;

    append(line, "\"", true);
    for (; next_name(text, &before, &length); text += before + length) {
        append_text(line, printable_octets(room.text, sizeof(room.text), text, before));
        append_hash(line, text + before, length);
    }
    append_text(line, PRINTABLE(text));
    append(line, "\"", true);
}

static void append_value(struct log_line *line, const char *key, const char *value)
{
    const bool quoted = value[0] == '\0' || strpbrk(value, " \"\\") != NULL;
    const bool hashes = hashing.is_on && !line->is_in_full;

    if (hashes && names_a_subscriber(key))
        append_hash(line, value, strlen(value));
    else if (hashes && strcmp(key, "reason") == 0 && quoted)
        append_sentence(line, value);
    else
        append_quoted(line, PRINTABLE(value), quoted);
}

static void append_key(struct log_line *line, const char *key)
{
    append(line, " ", line->length > 0);
    append_text(line, key);
    append_text(line, "=");
}

void log_line_add(struct log_line *line, const char *key, const char *value)
{
    append_key(line, key);
    append_value(line, key, value);
    if (strcmp(key, "severity") == 0)
        line->has_severity = log_level_named(value, &line->level);
}

void log_line_begin(struct log_line *line, bool is_in_full)
{
    const time_t now = time(NULL);
    char shown[32];
    struct tm utc;

    line->length = 0;
    line->is_in_full = is_in_full;
    line->has_severity = false;
    if (gmtime_r(&now, &utc) != NULL &&
        strftime(shown, sizeof(shown), "%Y-%m-%dT%H:%M:%SZ", &utc) > 0)
        log_line_add(line, "time", shown);
}

void log_line_add_pairs(struct log_line *line, va_list pairs)
{
    const char *key, *value;

    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, by its caller */
    while ((key = va_arg(pairs, const char *)) != NULL) {
        value = va_arg(pairs, const char *);
        if (value != NULL)
            log_line_add(line, key, value);
    }
}

void log_line_add_filtered(struct log_line *line, const char *key, const char *filtered)
{
    append_key(line, key);
    append_quoted(line, filtered, true);
}

void log_line_end(struct log_line *line)
{
    line->text[line->length++] = '\n';
}
