/*
 * Bootstrapping as a whole
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bootstrap.h"

#include "names.h"
#include "printable.h"

#include <akma/kdf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool choose_impi(const struct bootstrap_settings *settings,
                        const struct usim_identity *identity, char impi[USIM_NAME_SIZE],
                        char fault[GBA_FAULT_SIZE])
{
    const char *wrong;

    if (settings->impi != NULL && strlen(settings->impi) < USIM_NAME_SIZE)
        memcpy(impi, settings->impi, strlen(settings->impi) + 1);
    else if (settings->impi != NULL || !names_impi(impi, identity))
        return gba_fail(fault, "impi: must be user@realm of at most 255 octets");
    wrong = names_nai_fault(impi);
    return wrong == NULL || gba_fail(fault, "impi \"%s\": must be %s", PRINTABLE(impi), wrong);
}

static bool choose_bsf(const struct bootstrap_settings *settings,
                       const struct usim_identity *identity, char url[USIM_NAME_SIZE + 16],
                       char fault[GBA_FAULT_SIZE])
{
    char bsf[USIM_NAME_SIZE];

    if (strcmp(settings->bsf, BOOTSTRAP_BSF_AUTO) != 0)
        return snprintf(url, USIM_NAME_SIZE + 16, "%s", settings->bsf) < USIM_NAME_SIZE + 16 ||
               gba_fail(fault, "bsf: the URL is longer than %d octets", USIM_NAME_SIZE + 15);
    if (!names_bsf(bsf, identity))
        return gba_fail(fault, "bsf: the IMSI is too short to make its name: give a URL");
    (void)snprintf(url, USIM_NAME_SIZE + 16, "https://%s", bsf);
    return true;
}

/* Ks_NAF by the module, which checks IMPI, FQDN and identifier. */
static bool derive_in_module(const struct gba_state *state, const char *fqdn,
                             const unsigned char ua_protocol_id[AKMA_UA_PROTOCOL_ID_LENGTH],
                             unsigned char key[USIM_KEY], char fault[GBA_FAULT_SIZE])
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_KEY, (void *)(uintptr_t)state->ks, USIM_KEY),
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_RAND, (void *)(uintptr_t)state->rand,
                                          USIM_RAND),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_IMPI, (char *)(uintptr_t)state->impi, 0),
        OSSL_PARAM_construct_utf8_string(AKMA_PARAM_NAF_FQDN, (char *)(uintptr_t)fqdn, 0),
        OSSL_PARAM_construct_octet_string(AKMA_PARAM_UA_PROTOCOL_ID,
                                          (void *)(uintptr_t)ua_protocol_id,
                                          AKMA_UA_PROTOCOL_ID_LENGTH),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, AKMA_KDF_KS_NAF, AKMA_PROPERTY_QUERY);
    EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    const bool done = ctx != NULL && EVP_KDF_derive(ctx, key, USIM_KEY, params) > 0;
    const char *why = NULL;
    int flags = 0;

    (void)ERR_peek_last_error_data(&why, &flags);
    if (kdf == NULL)
        (void)gba_fail(fault, "GBA-KS-NAF is not there: is akma activated in openssl.cnf "
                              "(OPENSSL_CONF)? akma doctor says more");
    else if (!done)
        (void)gba_fail(fault, "Ks_NAF: %s",
                       (flags & ERR_TXT_STRING) != 0 ? PRINTABLE(why) : "failed");
    ERR_clear_error();
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return done;
}

/* Ks_ext_NAF by the card. */
static bool derive_on_card(struct usim *usim, const struct gba_state *state, const char *fqdn,
                           const unsigned char ua_protocol_id[AKMA_UA_PROTOCOL_ID_LENGTH],
                           unsigned char key[USIM_KEY], char fault[GBA_FAULT_SIZE])
{
    unsigned char naf_id[AKMA_NAF_ID_MAX];
    const size_t length = strlen(fqdn);

    if (length > AKMA_NAF_FQDN_MAX)
        return gba_fail(fault, "naf-fqdn: must have at most %d octets", AKMA_NAF_FQDN_MAX);
    memcpy(naf_id, fqdn, length); /* NOLINT(bugprone-not-null-terminated-result): octets */
    memcpy(naf_id + length, ua_protocol_id, AKMA_UA_PROTOCOL_ID_LENGTH);
    return usim_derive(usim, naf_id, length + AKMA_UA_PROTOCOL_ID_LENGTH, state->impi, key, fault);
}

static bool derive(struct usim *usim, const struct gba_state *state,
                   const struct bootstrap_naf *naf, unsigned char (*keys)[USIM_KEY],
                   char fault[GBA_FAULT_SIZE])
{
    bool done = true;

    for (size_t i = 0; done && naf != NULL && i < naf->count; i++)
        done =
            state->has_ks
                ? derive_in_module(state, naf->fqdn, naf->ua_protocol_ids[i], keys[i], fault)
                : derive_on_card(usim, state, naf->fqdn, naf->ua_protocol_ids[i], keys[i], fault);
    return done;
}

static void keep(struct gba_state *state, const struct usim_identity *identity, const char *impi,
                 const struct ub_result *result)
{
    memset(state, 0, sizeof(*state));
    memcpy(state->imsi, identity->imsi, sizeof(state->imsi));
    memcpy(state->impi, impi, strlen(impi) + 1);
    memcpy(state->b_tid, result->info.b_tid, sizeof(state->b_tid));
    memcpy(state->rand, result->rand, USIM_RAND);
    state->lifetime = result->info.lifetime;
    state->has_ks = result->has_ks;
    memcpy(state->ks, result->ks, USIM_KEY);
}

static bool run(struct usim *usim, const struct bootstrap_settings *settings,
                struct gba_state *state, char fault[GBA_FAULT_SIZE])
{
    const struct usim_identity *identity = usim_identity(usim);
    char impi[USIM_NAME_SIZE], url[USIM_NAME_SIZE + 16];
    struct ub_settings ub = {.url = url,
                             .ca = settings->ca,
                             .impi = impi,
                             .timeout_ms = settings->timeout_ms,
                             .ends = settings->usim.ends,
                             .note = settings->note};
    struct ub_result result;
    bool done = choose_impi(settings, identity, impi, fault) &&
                choose_bsf(settings, identity, url, fault) && ub_run(usim, &ub, &result, fault);

    if (!done)
        return false;
    keep(state, identity, impi, &result);
    OPENSSL_cleanse(&result, sizeof(result));
    done = settings->state == NULL || gba_state_write(state, settings->state, fault);
    if (!done)
        OPENSSL_cleanse(state, sizeof(*state));
    return done;
}

/* Errors of the card name the SPEC, which is not secret. */
static struct usim *open_card(const struct bootstrap_settings *settings, char fault[GBA_FAULT_SIZE])
{
    char why[GBA_FAULT_SIZE];
    struct usim *usim = usim_open(&settings->usim, why);

    if (usim == NULL)
        (void)gba_fail(fault, "usim %s: %s", PRINTABLE(settings->usim.spec), why);
    return usim;
}

bool bootstrap_run(const struct bootstrap_settings *settings, struct gba_state *state,
                   const struct bootstrap_naf *naf, unsigned char (*keys)[USIM_KEY],
                   char fault[GBA_FAULT_SIZE])
{
    struct usim *usim = open_card(settings, fault);
    const bool done =
        usim != NULL && run(usim, settings, state, fault) && derive(usim, state, naf, keys, fault);

    usim_close(usim);
    return done;
}

/* Does the state belong to this card and IMPI, and has it not expired? */
static bool is_good(const struct bootstrap_settings *settings, const struct gba_state *state,
                    const struct usim_identity *identity, char fault[GBA_FAULT_SIZE])
{
    if (strcmp(state->imsi, identity->imsi) != 0)
        return gba_fail(fault, "the state file is of another card");
    if (settings->impi != NULL && strcmp(state->impi, settings->impi) != 0)
        return gba_fail(fault, "the state file is of another IMPI");
    return state->lifetime > (int64_t)time(NULL) ||
           gba_fail(fault, "the state file's keys have ended");
}

bool bootstrap_resume(const struct bootstrap_settings *settings, struct gba_state *state,
                      const struct bootstrap_naf *naf, unsigned char (*keys)[USIM_KEY],
                      char fault[GBA_FAULT_SIZE])
{
    struct usim *usim;
    bool done;

    if (!gba_state_read(state, settings->state, fault))
        return false;
    usim = open_card(settings, fault);
    done = usim != NULL && is_good(settings, state, usim_identity(usim), fault) &&
           derive(usim, state, naf, keys, fault);
    usim_close(usim);
    if (!done)
        OPENSSL_cleanse(state, sizeof(*state));
    return done;
}
