/*
 * akma doctor: a command that changes one line of the current file, if that is sure to be right
 *
 * The file is read as sed will read it and as OpenSSL does. If the two differ (an included file
 * changes the section, a line continues in the next one, a section comes back), there is no
 * command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS      " \t\r\n\f\v"
#define REGEX_SIZE  300
#define RANGE_SIZE  (REGEX_SIZE + 100)
#define SCRIPT_SIZE 2000

/* In sed's expressions. */
#define BLANK "[[:space:]]"
#define QUOTE "[^[:alnum:]_.:$-]"

/* How far the reading of a file is. */
struct place {
    bool in_range;   /* sed: between the section's head and the next one */
    bool in_section; /* OpenSSL: in that section */
    bool continued;  /* the line before continues in this one */
    bool is_head;    /* the line names a section */
};

static const char *skip(const char *text)
{
    return text + strspn(text, BLANKS);
}

/* What follows a word at the beginning, blanks left out; NULL: something else is there. */
static const char *after(const char *text, const char *word)
{
    const size_t length = strlen(word);

    return strncmp(text, word, length) == 0 ? skip(text + length) : NULL;
}

/* Does a line name this section? */
static bool is_head_of(const char *line, const char *section)
{
    const char *rest = after(skip(line), "[");

    rest = rest == NULL ? NULL : after(rest, section);
    return rest != NULL && rest[0] == ']';
}

static bool has_value(const char *text, const char *value)
{
    const char *rest;

    text += *text == '"' || *text == '\'';
    rest = strncmp(text, value, strlen(value)) == 0 ? text + strlen(value) : "?";
    rest = skip(rest + (*rest == '"' || *rest == '\''));
    return *rest == '\0' || *rest == '#';
}

/* Is a line the one to change? */
static bool is_meant(const char *line, const struct doctor_change *change)
{
    const char *rest;

    if (change->what == DOCTOR_SECTION)
        return is_head_of(line, change->section);
    rest = after(skip(line), change->key);
    if (rest == NULL || rest[0] != '=')
        return false;
    return change->what != DOCTOR_VALUE || has_value(skip(rest + 1), change->value);
}

static bool goes_on(const char *line)
{
    const size_t length = strcspn(line, "\r\n");

    return length > 0 && line[length - 1] == '\\';
}

static void follow(struct place *place, const char *line, const char *section)
{
    place->is_head = skip(line)[0] == '[';
    if (place->is_head) {
        place->in_section = is_head_of(line, section);
        place->in_range = !place->in_range && place->in_section;
    } else if (after(skip(line), ".include") != NULL) {
        place->in_section = false;
    }
}

/* Does sed, in the range, find the lines that OpenSSL reads, and at least one? */
static bool is_sure(const char *path, const struct doctor_change *change, bool from_top)
{
    struct place place = {.in_range = from_top,
                          .in_section = strcmp(change->section, "default") == 0};
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0, count = 0;
    bool sure = file != NULL;

    while (sure && getline(&line, &size, file) > 0) {
        const bool meant = is_meant(line, change);
        const bool everywhere = change->what == DOCTOR_SECTION;

        follow(&place, line, change->section);
        if (meant)
            sure = !place.continued && !goes_on(line) &&
                   (everywhere || place.in_range == place.in_section);
        count += meant && (everywhere || place.in_range);
        place.continued = goes_on(line);
    }
    free(line);
    if (file != NULL)
        (void)fclose(file);
    return sure && count > 0;
}

/* A word, or none, as a regular expression has it; false: it has characters that are more than
 * that. */
static bool put_regex(char regex[REGEX_SIZE], const char *word)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_.:- ";
    size_t used = 0;

    regex[0] = '\0';
    if (word == NULL)
        return true;
    if (word[0] == '\0' || word[strspn(word, letters)] != '\0' || strlen(word) > REGEX_SIZE / 4)
        return false;
    for (; *word != '\0'; word++) {
        const bool dot = *word == '.';

        used += (size_t)snprintf(regex + used, REGEX_SIZE - used, dot ? "[%c]" : "%c", *word);
    }
    return true;
}

/* Where sed looks: from the head of the section, or from the top, to the next head. */
static void put_range(char range[RANGE_SIZE], const struct doctor_change *change,
                      const char *section, bool from_top)
{
    if (change->what == DOCTOR_SECTION)
        range[0] = '\0';
    else if (from_top)
        (void)snprintf(range, RANGE_SIZE, "0,/^" BLANK "*[[]/ ");
    else
        (void)snprintf(range, RANGE_SIZE,
                       "/^" BLANK "*[[]" BLANK "*%s" BLANK "*[]]/,/^" BLANK "*[[]/ ", section);
}

/* How often a word is in another. */
static unsigned int count_in(const char *text, const char *word)
{
    unsigned int count = 0;

    while ((text = strstr(text, word)) != NULL) {
        text += strlen(word);
        count++;
    }
    return count;
}

/* What sed does to the line. No backslash: a report would show it as two. */
static void put_script(char script[SCRIPT_SIZE], const struct doctor_change *change,
                       const char *section, const char *key, const char *value)
{
    switch (change->what) {
    case DOCTOR_KEY:
        (void)snprintf(script, SCRIPT_SIZE, "{ /^" BLANK "*%s" BLANK "*=/ s/%s/%s/ }", key, key,
                       change->to);
        break;
    case DOCTOR_SECTION:
        (void)snprintf(script, SCRIPT_SIZE, "/^" BLANK "*[[]" BLANK "*%s" BLANK "*[]]/ s/%s/%s/",
                       section, section, change->to);
        break;
    case DOCTOR_VALUE:
        (void)snprintf(script, SCRIPT_SIZE,
                       "{ /^" BLANK "*%s" BLANK "*=" BLANK "*" QUOTE "?%s" QUOTE "?" BLANK
                       "*(#.*)?$/ s/%s/%s/%u }",
                       key, value, value, change->to, count_in(change->key, change->value) + 1);
        break;
    case DOCTOR_LINE:
        (void)snprintf(script, SCRIPT_SIZE, "{ /^" BLANK "*%s" BLANK "*=/d }", key);
        break;
    }
}

static const char *by_hand(const struct doctor *doctor, char remedy[DOCTOR_REMEDY_SIZE])
{
    (void)snprintf(remedy, DOCTOR_REMEDY_SIZE,
                   "change it by hand, in %.400s or a file that it includes", doctor->config);
    return remedy;
}

const char *doctor_do_change(const struct doctor *doctor, const struct doctor_change *change,
                             char remedy[DOCTOR_REMEDY_SIZE])
{
    char section[REGEX_SIZE], key[REGEX_SIZE], value[REGEX_SIZE], to[REGEX_SIZE];
    char range[RANGE_SIZE], script[SCRIPT_SIZE];
    const bool plain = put_regex(section, change->section) && put_regex(key, change->key) &&
                       put_regex(value, change->value) && put_regex(to, change->to);
    bool from_top;
    int length;

    remedy[0] = '\0';
    if (!doctor_may_change(doctor))
        return remedy;
    from_top = strcmp(change->section, "default") == 0 && is_sure(doctor->config, change, true);
    if (!plain || !(from_top || is_sure(doctor->config, change, false)))
        return by_hand(doctor, remedy);
    put_range(range, change, section, from_top);
    put_script(script, change, section, key, value);
    length = snprintf(remedy, DOCTOR_REMEDY_SIZE, "do: sed -E -i '%s%s' '%s'", range, script,
                      doctor->config);
    return length < DOCTOR_REMEDY_SIZE ? remedy : by_hand(doctor, remedy);
}
