/*
 * akma doctor: which instances are active, and with which policy
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "doctor.h"

#include <akma/kdf.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>

/* Why it is not active: what loading it into a context of its own says. */
static const char *why_not(const struct doctor *doctor, const struct doctor_instance *instance)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *provider;
    const char *why = "it loads by name, so the configuration does not activate it";

    ERR_clear_error();
    provider = libctx == NULL ? NULL : doctor_load_alone(doctor, instance, libctx);
    if (provider == NULL)
        why = doctor_reason();
    else
        (void)OSSL_PROVIDER_unload(provider);
    OSSL_LIB_CTX_free(libctx);
    return why;
}

/* A policy of several lines on one; empty: there is none. */
static void flatten(char *shown, size_t size, const char *policy)
{
    size_t used = 0;

    for (; *policy != '\0' && used + 3 < size; policy++)
        if (*policy == '\n') {
            shown[used++] = ';';
            shown[used++] = ' ';
        } else {
            shown[used++] = *policy;
        }
    shown[used] = '\0';
}

static int check_policy(OSSL_PROVIDER *provider, void *argument)
{
    struct doctor *doctor = argument;
    const char *name = OSSL_PROVIDER_get0_name(provider), *policy = NULL;
    char shown[1000];
    int status = 0;
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_ptr(AKMA_PROVIDER_PARAM_POLICY, &policy, 0),
        OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, &status),
        OSSL_PARAM_END,
    };

    if (OSSL_PROVIDER_gettable_params(provider) == NULL ||
        OSSL_PARAM_locate_const(OSSL_PROVIDER_gettable_params(provider),
                                AKMA_PROVIDER_PARAM_POLICY) == NULL ||
        !OSSL_PROVIDER_get_params(provider, params) || policy == NULL)
        return 1; /* not one of ours */
    flatten(shown, sizeof(shown), policy);
    if (status != 1)
        (void)report_add(&doctor->report, false, "policy", name,
                         "cannot be understood, so nothing is derived: %s", shown);
    else
        (void)report_add(&doctor->report, true, "policy", name, "%s",
                         shown[0] == '\0' ? "none" : shown);
    return 1;
}

void doctor_check_instances(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->count; i++) {
        const char *name = doctor->instances[i].name;

        if (OSSL_PROVIDER_available(doctor->libctx, name) == 1)
            (void)report_add(&doctor->report, true, "active", name, "yes");
        else
            (void)report_add(&doctor->report, false, "active", name, "no: %s",
                             why_not(doctor, &doctor->instances[i]));
    }
    (void)OSSL_PROVIDER_do_all(doctor->libctx, check_policy, doctor);
    ERR_clear_error();
}
