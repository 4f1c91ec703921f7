/*
 * Which Ka's may be derived from master secrets: --ka-id and --ka-devices
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ka/ka_rules.h"

#include "ka_string.h"

#include <stdio.h>
#include <string.h>

static size_t count_of(const char *const *texts)
{
    size_t count = 0;

    while (texts[count] != NULL)
        count++;
    return count;
}

static bool refuse(char fault[KA_FAULT_SIZE], const char *what)
{
    (void)snprintf(fault, KA_FAULT_SIZE, "%s", what);
    return false;
}

static bool check_ka_ids(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    const size_t masters = count_of(settings->sources), count = count_of(settings->ka_ids);
    unsigned char s[KA_STRING_MAX];
    const char *what;

    if (masters > 1 && count < masters)
        return refuse(fault, "is given more than once: as many --ka-id as masters are needed, in "
                             "the same order");
    for (size_t i = 0; i < count; i++) {
        if (strchr(settings->ka_ids[i], ',') != NULL ||
            ka_string(s, "", settings->ka_ids[i], &what) == 0)
            return refuse(fault, "and --ka-id: must be at most 255 octets of UTF-8 without blanks, "
                                 "commas and quotes");
        for (size_t before = 0; before < i; before++)
            if (strcmp(settings->ka_ids[before], settings->ka_ids[i]) == 0)
                return refuse(fault, "and --ka-id: the same ka-id is given twice");
    }
    return true;
}

static bool check_patterns(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    for (const char *const *pattern = settings->patterns; *pattern != NULL; pattern++)
        if (**pattern == '\0')
            return refuse(fault, "and --ka-devices: an empty pattern is no device's");
    return true;
}

bool ka_rules_check(const struct ka_settings *settings, char fault[KA_FAULT_SIZE])
{
    return check_ka_ids(settings, fault) && check_patterns(settings, fault);
}

struct ka_rules ka_rules_of(const struct ka_settings *settings)
{
    return (struct ka_rules){
        .ka_ids = settings->ka_ids,
        .patterns = settings->patterns,
        .masters = count_of(settings->sources),
        .ka_id_count = count_of(settings->ka_ids),
    };
}

bool ka_rules_find_master(const struct ka_rules *rules, const char **ka_id, size_t *which)
{
    *which = 0;
    if (*ka_id == NULL)
        *ka_id = rules->ka_id_count == 0 ? "" : rules->ka_ids[0];
    if (rules->ka_id_count < 2)
        return true;
    for (size_t i = 0; i < rules->ka_id_count; i++)
        if (strcmp(rules->ka_ids[i], *ka_id) == 0) {
            *which = i < rules->masters ? i : rules->masters - 1;
            return true;
        }
    return false;
}

/* A '*' stands for any octets, none as well. */
static bool matches(const char *pattern, const char *text)
{
    const char *star = NULL, *from = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            from = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool ka_rules_permit(const struct ka_rules *rules, const char *device)
{
    for (const char *const *pattern = rules->patterns; *pattern != NULL; pattern++)
        if (matches(*pattern, device))
            return true;
    return rules->patterns[0] == NULL;
}
