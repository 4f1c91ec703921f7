/*
 * From when to when certificates and lists of revoked ones are good
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/cert_dates.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

/* Narrow the dates to what is between two moments; NULL: there is none. */
static bool narrow(struct cert_dates *dates, const ASN1_TIME *begins, const ASN1_TIME *ends)
{
    struct tm first = {.tm_sec = 0}, last = {.tm_sec = 0};

    if (begins == NULL || !ASN1_TIME_to_tm(begins, &first) ||
        (ends != NULL && !ASN1_TIME_to_tm(ends, &last)))
        return false;
    if ((int64_t)timegm(&first) > dates->begins)
        dates->begins = (int64_t)timegm(&first);
    if (ends != NULL && (int64_t)timegm(&last) < dates->ends)
        dates->ends = (int64_t)timegm(&last);
    return true;
}

static bool narrow_to(struct cert_dates *dates, const X509_INFO *info)
{
    if (info->x509 != NULL)
        return narrow(dates, X509_get0_notBefore(info->x509), X509_get0_notAfter(info->x509));
    return info->crl != NULL &&
           narrow(dates, X509_CRL_get0_lastUpdate(info->crl), X509_CRL_get0_nextUpdate(info->crl));
}

bool cert_dates_read(const char *path, struct cert_dates *dates)
{
    BIO *file = BIO_new_file(path, "re");
    STACK_OF(X509_INFO) *all = file == NULL ? NULL : PEM_X509_INFO_read_bio(file, NULL, NULL, NULL);
    bool is_any = false;

    *dates = (struct cert_dates){.begins = INT64_MIN, .ends = INT64_MAX};
    for (int i = 0; i < sk_X509_INFO_num(all); i++)
        is_any = narrow_to(dates, sk_X509_INFO_value(all, i)) || is_any;
    sk_X509_INFO_pop_free(all, X509_INFO_free);
    BIO_free(file);
    ERR_clear_error();
    return is_any;
}
