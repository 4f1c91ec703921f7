/*
 * The validity periods of certificates and revocation lists
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/cert_dates.h"

#include "net/tls.h"
#include "utc.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

/* absent: what no date means. False: it is none. */
static bool seconds_of(const ASN1_TIME *date, int64_t absent, int64_t *seconds)
{
    struct tm parts = {.tm_sec = 0};

    *seconds = absent;
    return date == NULL || (ASN1_TIME_to_tm(date, &parts) && utc_seconds(&parts, seconds));
}

static bool read_one(const X509_INFO *info, struct cert_dates *one)
{
    if (info->x509 != NULL)
        return seconds_of(X509_get0_notBefore(info->x509), INT64_MIN, &one->begins) &&
               seconds_of(X509_get0_notAfter(info->x509), INT64_MAX, &one->ends);
    return info->crl != NULL &&
           seconds_of(X509_CRL_get0_lastUpdate(info->crl), INT64_MIN, &one->begins) &&
           seconds_of(X509_CRL_get0_nextUpdate(info->crl), INT64_MAX, &one->ends);
}

/* All of them are valid, or any is, within these dates. */
static void join(struct cert_dates *dates, const struct cert_dates *one, enum cert_dates_of which)
{
    const bool all = which == CERT_DATES_OF_ALL;

    if ((one->begins > dates->begins) == all)
        dates->begins = one->begins;
    if ((one->ends < dates->ends) == all)
        dates->ends = one->ends;
}

bool cert_dates_read(const char *path, enum cert_dates_of which, struct cert_dates *dates)
{
    BIO *file = BIO_new_file(path, "re");
    STACK_OF(X509_INFO) *all =
        file == NULL ? NULL : PEM_X509_INFO_read_bio(file, NULL, tls_no_passphrase, NULL);
    struct cert_dates one;
    bool is_any = false;

    for (int i = 0; i < sk_X509_INFO_num(all); i++) {
        if (!read_one(sk_X509_INFO_value(all, i), &one))
            continue;
        if (!is_any)
            *dates = one;
        join(dates, &one, which);
        is_any = true;
    }
    sk_X509_INFO_pop_free(all, X509_INFO_free);
    BIO_free(file);
    ERR_clear_error();
    return is_any;
}
