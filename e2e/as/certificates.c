/*
 * The ends of the certificates and revocation lists that the options name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/certificates.h"

#include "as/source_options.h"
#include "net/tls.h"
#include "ops/expiry.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* Of several certificates in a file: a chain ends with its first end, trust with its last. */
enum which { FIRST_END, LAST_END };

static int64_t seconds_of(const ASN1_TIME *time)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;

    if (epoch == NULL || time == NULL || !ASN1_TIME_diff(&days, &seconds, epoch, time))
        days = seconds = 0;
    ASN1_TIME_free(epoch);
    return (int64_t)days * 86400 + seconds;
}

static void take(int64_t *end, int64_t other, enum which which)
{
    if (*end == 0 || (which == FIRST_END ? other < *end : other > *end))
        *end = other;
}

/* Certificates and lists, whichever the file has; 0: none. */
static int64_t end_of(const char *path, enum which which)
{
    BIO *file = BIO_new_file(path, "r");
    STACK_OF(X509_INFO) *infos =
        file == NULL ? NULL : PEM_X509_INFO_read_bio(file, NULL, tls_no_passphrase, NULL);
    int64_t end = 0;

    for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
        const X509_INFO *info = sk_X509_INFO_value(infos, i);

        if (info->x509 != NULL)
            take(&end, seconds_of(X509_get0_notAfter(info->x509)), which);
        if (info->crl != NULL && X509_CRL_get0_nextUpdate(info->crl) != NULL)
            take(&end, seconds_of(X509_CRL_get0_nextUpdate(info->crl)), which);
    }
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    BIO_free(file);
    ERR_clear_error();
    return end;
}

void certificates_look(const struct app_server_options *options)
{
    const struct tls_file_names *source = source_options_names();
    const struct {
        const char *option, *path;
        enum which which;
    } files[] = {
        {"cert", options->cert, FIRST_END},
        {"ca", options->ca, LAST_END},
        {"crl", options->crl, FIRST_END},
        {"store-ca", options->store_ca, LAST_END},
        {"source-cert", source->certificate, FIRST_END},
        {"source-ca", source->ca, LAST_END},
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const int64_t end = files[i].path == NULL ? 0 : end_of(files[i].path, files[i].which);

        if (end != 0)
            expiry_set(files[i].option, files[i].path, end);
    }
}
