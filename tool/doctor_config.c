/*
 * akma doctor: the configuration file, and what a provider cannot see in it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "doctor.h"

#include "policy_keys.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEY_MAX 64 /* octets of a key that is compared with the known ones */

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
    char *value = instance->section == NULL || doctor->conf == NULL
                      ? NULL
                      : NCONF_get_string(doctor->conf, instance->section, key);

    ERR_clear_error();
    return value;
}

/* How many octets have to be put in, taken out or changed to make one word the other. */
static size_t distance(const char *one, const char *other)
{
    size_t row[KEY_MAX + 1];
    const size_t length = strlen(other);

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

static const char *nearest_key(const char *key)
{
    const char *nearest = known_keys[0];

    for (size_t i = 1; i < KNOWN_KEYS; i++)
        if (distance(key, known_keys[i]) < distance(key, nearest))
            nearest = known_keys[i];
    return nearest;
}

static bool is_known(const char *key)
{
    for (size_t i = 0; i < KNOWN_KEYS; i++)
        if (strcmp(key, known_keys[i]) == 0)
            return true;
    return false;
}

static bool is_section(const struct doctor *doctor, const char *name)
{
    const bool is = NCONF_get_section(doctor->conf, name) != NULL;

    ERR_clear_error();
    return is;
}

/* OpenSSL hands over what is asked for by name, so neither of these can be seen by the provider. */
static void check_keys(struct doctor *doctor, const struct doctor_instance *instance)
{
    const STACK_OF(CONF_VALUE) *values = NCONF_get_section(doctor->conf, instance->section);
    bool fine = true;

    for (int i = 0; i < sk_CONF_VALUE_num(values); i++) {
        const CONF_VALUE *value = sk_CONF_VALUE_value(values, i);

        if (!is_known(value->name))
            fine = report_add(&doctor->report, false, "keys", instance->name,
                              "[%s] has %.64s, which nothing reads: did you mean %s?",
                              instance->section, value->name, nearest_key(value->name));
        else if (is_section(doctor, value->value))
            fine = report_add(&doctor->report, false, "keys", instance->name,
                              "the value of %s is also the name of the section [%.64s], so OpenSSL "
                              "takes it as that and the key is gone: rename the section",
                              value->name, value->value);
    }
    if (fine)
        (void)report_add(&doctor->report, true, "keys", instance->name,
                         "every key of [%s] is known", instance->section);
}

/* Any value activates on OpenSSL 3.0 and 3.1, one of these on all. */
static bool is_yes(const char *value)
{
    static const char *const words[] = {"1", "yes", "YES", "true", "TRUE", "on", "ON"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(value, words[i]) == 0)
            return true;
    return false;
}

static void check_activate(struct doctor *doctor, const struct doctor_instance *instance)
{
    const char *activate = doctor_key(doctor, instance, "activate");

    if (activate == NULL)
        (void)report_add(&doctor->report, false, "activate", instance->name,
                         "not in [%s]: write activate = 1 there", instance->section);
    else if (!is_yes(activate))
        (void)report_add(
            &doctor->report, false, "activate", instance->name,
            "%.16s in [%s] activates on OpenSSL 3.0 and not on newer ones: write 1, or "
            "take the line away",
            activate, instance->section);
    else
        (void)report_add(&doctor->report, true, "activate", instance->name, "%.16s in [%s]",
                         activate, instance->section);
}

/* Is this section's file the module, by its name or by the provider's? */
static bool is_ours(const struct doctor *doctor, const struct doctor_instance *instance)
{
    const char *module = doctor_key(doctor, instance, "module");
    const char *slash = module == NULL ? NULL : strrchr(module, '/');
    const char *file = slash == NULL ? module : slash + 1;

    return strncmp(file == NULL ? instance->name : file, "akma", 4) == 0;
}

/* What stands before a dot in a list of sections is not part of the name. */
static const char *after_dot(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot == NULL ? name : dot + 1;
}

static void find_instances(struct doctor *doctor)
{
    const char *init = NCONF_get_string(doctor->conf, NULL, "openssl_conf");
    const char *list = init == NULL ? NULL : NCONF_get_string(doctor->conf, init, "providers");
    const STACK_OF(CONF_VALUE) *values =
        list == NULL ? NULL : NCONF_get_section(doctor->conf, list);

    for (int i = 0; i < sk_CONF_VALUE_num(values) && doctor->count < DOCTOR_INSTANCES; i++) {
        const CONF_VALUE *value = sk_CONF_VALUE_value(values, i);
        struct doctor_instance instance = {after_dot(value->name), value->value};
        const char *identity = doctor_key(doctor, &instance, "identity");

        if (identity != NULL)
            instance.name = identity;
        if (is_section(doctor, instance.section) && is_ours(doctor, &instance))
            doctor->instances[doctor->count++] = instance;
    }
    ERR_clear_error();
}

void doctor_check_config(struct doctor *doctor)
{
    struct report *report = &doctor->report;
    long line = 0;
    CONF *conf;

    if (access(doctor->config, R_OK) != 0) {
        (void)report_add(report, false, "configuration", doctor->config,
                         "%s: set OPENSSL_CONF to the file that activates akma", strerror(errno));
        return;
    }
    conf = NCONF_new(NULL);
    if (conf == NULL || NCONF_load(conf, doctor->config, &line) <= 0) {
        (void)report_add(report, false, "configuration", doctor->config, "line %ld: %s", line,
                         doctor_reason());
        NCONF_free(conf);
        return;
    }
    doctor->conf = conf;
    (void)report_add(report, true, "configuration", doctor->config, "can be read");
    find_instances(doctor);
}

void doctor_check_sections(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->count; i++) {
        if (doctor->instances[i].section == NULL)
            continue;
        check_activate(doctor, &doctor->instances[i]);
        check_keys(doctor, &doctor->instances[i]);
    }
}
