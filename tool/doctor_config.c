/*
 * akma doctor: the configuration file, and what a provider cannot see in it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "doctor.h"

#include "policy_keys.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 64 /* octets of a word that is compared with the known ones */

/* What a section of a provider can have: OpenSSL's own keys, then the policy's. */
static const char *const known_keys[] = {"activate", "module", "identity", "soft_load",
#define ROW(id, name, ...) name,
                                         POLICY_KEYS(ROW)
#undef ROW
};

#define KNOWN_KEYS (sizeof(known_keys) / sizeof(known_keys[0]))

const char *doctor_key(const struct doctor *doctor, const struct doctor_instance *instance,
                       const char *key)
{
    return instance->section == NULL ? NULL
                                     : conf_file_value(&doctor->file, instance->section, key);
}

/* How many octets have to be put in, taken out or changed to make one word the other. */
static size_t distance(const char *one, const char *other)
{
    size_t row[WORD_MAX + 1];
    const size_t length = strlen(other);

    if (length > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; one[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            const size_t changed = diagonal + (one[i - 1] != other[j - 1]);
            const size_t out = row[j] + 1, in = row[j - 1] + 1;

            diagonal = row[j];
            row[j] = changed < out ? changed : out;
            row[j] = row[j] < in ? row[j] : in;
        }
    }
    return row[length];
}

/* Keep the nearer of two words, of those that are near at all: a third of it may be otherwise. */
static void keep_nearer(const char *word, const char *known, const char **nearest)
{
    const size_t far = distance(word, known);

    if (far <= 1 + strlen(known) / 3 && (*nearest == NULL || far < distance(word, *nearest)))
        *nearest = known;
}

static const char *nearest_key(const char *key)
{
    const char *nearest = NULL;

    for (size_t i = 0; i < KNOWN_KEYS; i++)
        keep_nearer(key, known_keys[i], &nearest);
    return nearest;
}

/* The name of a section like a word; NULL: none is. */
static const char *nearest_section(const struct doctor *doctor, const char *word)
{
    STACK_OF(OPENSSL_CSTRING) *names = NCONF_get_section_names(doctor->file.conf);
    const char *nearest = NULL;

    for (int i = 0; i < sk_OPENSSL_CSTRING_num(names); i++)
        keep_nearer(word, sk_OPENSSL_CSTRING_value(names, i), &nearest);
    sk_OPENSSL_CSTRING_free(names);
    return nearest;
}

/* A key of a section, or of the default one, like a word; NULL: none is. */
static const char *nearest_in(const struct doctor *doctor, const char *section, const char *word)
{
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(&doctor->file, section);
    const char *nearest = NULL;

    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++)
        keep_nearer(word, sk_CONF_VALUE_value(entries, i)->name, &nearest);
    return nearest;
}

static bool is_known(const char *key)
{
    for (size_t i = 0; i < KNOWN_KEYS; i++)
        if (strcmp(key, known_keys[i]) == 0)
            return true;
    return false;
}

static bool report_unknown_key(struct doctor *doctor, const struct doctor_instance *instance,
                               const char *key)
{
    const char *nearest = nearest_key(key);
    const struct doctor_change change = {nearest == NULL ? DOCTOR_LINE : DOCTOR_KEY,
                                         instance->section, key, NULL, nearest};
    char remedy[DOCTOR_REMEDY_SIZE];

    if (nearest == NULL)
        return report_add(&doctor->report, false, "keys", instance->name,
                          "[%s] has %.64s, which nothing reads: take it away: %s",
                          instance->section, key, doctor_do_change(doctor, &change, remedy));
    return report_add(&doctor->report, false, "keys", instance->name,
                      "[%s] has %.64s, which nothing reads: did you mean %s? %s", instance->section,
                      key, nearest, doctor_do_change(doctor, &change, remedy));
}

/* Does a section that is no instance's refer to one of this name? */
static bool is_used_elsewhere(const struct doctor *doctor, const char *name)
{
    STACK_OF(OPENSSL_CSTRING) *sections = NCONF_get_section_names(doctor->file.conf);
    bool used = false;

    for (int i = 0; i < sk_OPENSSL_CSTRING_num(sections); i++) {
        const char *section = sk_OPENSSL_CSTRING_value(sections, i);
        const STACK_OF(CONF_VALUE) *entries = conf_file_entries(&doctor->file, section);
        bool ours = false;

        for (size_t j = 0; j < doctor->count; j++)
            ours = ours || (doctor->instances[j].section != NULL &&
                            strcmp(doctor->instances[j].section, section) == 0);
        for (int j = 0; !ours && j < sk_CONF_VALUE_num(entries); j++)
            used = used || strcmp(sk_CONF_VALUE_value(entries, j)->value, name) == 0;
    }
    sk_OPENSSL_CSTRING_free(sections);
    return used;
}

static bool report_taken_value(struct doctor *doctor, const struct doctor_instance *instance,
                               const CONF_VALUE *entry)
{
    char other[WORD_MAX], remedy[DOCTOR_REMEDY_SIZE];
    const struct doctor_change change = {DOCTOR_SECTION, entry->value, NULL, NULL, other};

    (void)snprintf(other, sizeof(other), "%.40s_section", entry->value);
    return report_add(&doctor->report, false, "keys", instance->name,
                      "the value of %s is also the name of the section [%.64s], so OpenSSL takes "
                      "it as that and the key is lost: rename the section: %s",
                      entry->name, entry->value,
                      is_used_elsewhere(doctor, entry->value)
                          ? "and what else refers to it"
                          : doctor_do_change(doctor, &change, remedy));
}

/* OpenSSL hands over what is asked for by name, so neither of these can be seen by the provider. */
static void check_keys(struct doctor *doctor, const struct doctor_instance *instance)
{
    const STACK_OF(CONF_VALUE) *values = conf_file_entries(&doctor->file, instance->section);
    bool fine = true;

    for (int i = 0; i < sk_CONF_VALUE_num(values); i++) {
        const CONF_VALUE *value = sk_CONF_VALUE_value(values, i);

        if (!is_known(value->name))
            fine = report_unknown_key(doctor, instance, value->name);
        else if (conf_file_has_section(&doctor->file, value->value))
            fine = report_taken_value(doctor, instance, value);
    }
    if (fine)
        (void)report_add(&doctor->report, true, "keys", instance->name,
                         "every key of [%s] is known", instance->section);
}

static void check_activate(struct doctor *doctor, const struct doctor_instance *instance)
{
    const char *activate = doctor_key(doctor, instance, "activate");
    const struct doctor_line line = {instance->section, "activate", "1"};
    char remedy[DOCTOR_REMEDY_SIZE];

    if (activate == NULL && nearest_in(doctor, instance->section, line.key) != NULL)
        (void)report_add(&doctor->report, false, "activate", instance->name,
                         "not in [%s], unless the fault of its keys is repaired",
                         instance->section);
    else if (activate == NULL)
        (void)report_add(&doctor->report, false, "activate", instance->name,
                         "not in [%s]: write activate = 1 there: %s", instance->section,
                         doctor_do_append(doctor, &line, 1, remedy));
    else if (!conf_file_activates(&doctor->file, instance->section))
        (void)report_add(
            &doctor->report, false, "activate", instance->name,
            "%.16s in [%s] activates on OpenSSL 3.0 and not on newer ones: write 1: %s", activate,
            instance->section, doctor_do_append(doctor, &line, 1, remedy));
    else
        (void)report_add(&doctor->report, true, "activate", instance->name, "%.16s in [%s]",
                         activate, instance->section);
}

static void find_instances(struct doctor *doctor)
{
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(&doctor->file, doctor->file.providers);

    for (int i = 0; i < sk_CONF_VALUE_num(entries) && doctor->count < DOCTOR_INSTANCES; i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);

        if (conf_file_has_section(&doctor->file, entry->value) &&
            conf_file_is_akma(&doctor->file, entry))
            doctor->instances[doctor->count++] =
                (struct doctor_instance){conf_file_provider(&doctor->file, entry), entry->value};
    }
}

void doctor_check_config(struct doctor *doctor)
{
    char fault[CONF_FAULT_SIZE], remedy[DOCTOR_REMEDY_SIZE];

    if (conf_file_open(&doctor->file, doctor->config, false, fault)) {
        (void)report_add(&doctor->report, true, "configuration", doctor->config, "can be read");
        find_instances(doctor);
        return;
    }
    conf_file_close(&doctor->file);
    (void)report_add(&doctor->report, false, "configuration", doctor->config, "%s: %s", fault,
                     doctor_do_configure(doctor, remedy));
}

/* A name in the value of a key that no section has. */
static void check_reference(struct doctor *doctor, const char *section, const char *key,
                            const char *name)
{
    struct doctor_change change = {DOCTOR_VALUE, section, key, name, NULL};
    const char *nearest;
    char remedy[DOCTOR_REMEDY_SIZE];

    if (name == NULL || conf_file_has_section(&doctor->file, name))
        return;
    nearest = nearest_section(doctor, name);
    change.to = nearest;
    if (nearest == NULL)
        (void)report_add(&doctor->report, false, "sections", NULL,
                         "%s in [%s] names [%.64s], and there is no such section: %s", key, section,
                         name, doctor_do_rewrite(doctor, remedy));
    else
        (void)report_add(&doctor->report, false, "sections", NULL,
                         "%s in [%s] names [%.64s], and there is no such section: did you mean "
                         "[%.64s]? %s",
                         key, section, name, nearest, doctor_do_change(doctor, &change, remedy));
}

/* A key without which a section leads nowhere: is one like it there? */
static void check_link(struct doctor *doctor, const char *section, const char *key)
{
    const char *nearest;
    struct doctor_change change = {DOCTOR_KEY, section, NULL, NULL, key};
    char remedy[DOCTOR_REMEDY_SIZE];

    if (conf_file_value(&doctor->file, section, key) != NULL)
        return;
    nearest = nearest_in(doctor, section, key);
    change.key = nearest;
    if (nearest != NULL)
        (void)report_add(&doctor->report, false, "sections", NULL,
                         "[%s] has %.64s, which nothing reads: did you mean %s? %s", section,
                         nearest, key, doctor_do_change(doctor, &change, remedy));
}

/* The way from openssl_conf to each provider's section. */
static void check_references(struct doctor *doctor)
{
    const struct conf_file *file = &doctor->file;
    const STACK_OF(CONF_VALUE) *entries = conf_file_entries(file, file->providers);

    if (!doctor_may_change(doctor) || file->conf == NULL)
        return;
    check_link(doctor, "default", "openssl_conf");
    check_reference(doctor, "default", "openssl_conf", file->init);
    if (file->init == NULL || !conf_file_has_section(file, file->init))
        return;
    check_link(doctor, file->init, "providers");
    check_reference(doctor, file->init, "providers", file->providers);
    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++) {
        const CONF_VALUE *entry = sk_CONF_VALUE_value(entries, i);

        check_reference(doctor, file->providers, entry->name, entry->value);
    }
}

void doctor_check_sections(struct doctor *doctor)
{
    check_references(doctor);
    for (size_t i = 0; i < doctor->count; i++) {
        if (doctor->instances[i].section == NULL)
            continue;
        check_activate(doctor, &doctor->instances[i]);
        check_keys(doctor, &doctor->instances[i]);
    }
}

/* Only a file that has akma in it replaces the system's for a program. */
void doctor_check_system(struct doctor *doctor)
{
    char what[CONF_FAULT_SIZE], remedy[DOCTOR_REMEDY_SIZE];
    struct conf_file system;

    if (doctor->count == 0 || doctor->file.conf == NULL)
        return;
    if (!conf_file_open(&system, doctor->system, true, what))
        (void)report_add(&doctor->report, false, "system's settings", doctor->system,
                         "cannot be compared with %s: %s", doctor->config, what);
    else if (conf_file_loses(&system, &doctor->file, what))
        (void)report_add(&doctor->report, false, "system's settings", doctor->system,
                         "has %s, which is lost with %s: %s", what, doctor->config,
                         doctor_do_rewrite(doctor, remedy));
    else
        (void)report_add(&doctor->report, true, "system's settings", doctor->system, "are kept");
    conf_file_close(&system);
}
