/*
 * The ends of the certificates and revocation lists that the options name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/certificates.h"

#include "as/source_options.h"
#include "net/cert_dates.h"
#include "ops/expiry.h"

void certificates_look(const struct app_server_options *options)
{
    const struct tls_file_names *source = source_options_names();
    const struct {
        const char *option, *path;
        enum cert_dates_of which;
    } files[] = {
        {"cert", options->cert, CERT_DATES_OF_ALL},
        {"ca", options->ca, CERT_DATES_OF_ANY},
        {"crl", options->crl, CERT_DATES_OF_ALL},
        {"store-ca", options->store_ca, CERT_DATES_OF_ANY},
        {"source-cert", source->certificate, CERT_DATES_OF_ALL},
        {"source-ca", source->ca, CERT_DATES_OF_ANY},
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct cert_dates dates;

        if (files[i].path == NULL || !cert_dates_read(files[i].path, files[i].which, &dates))
            continue;
        if (dates.ends == INT64_MAX) /* a list without nextUpdate, if there was one */
            expiry_forget(files[i].option);
        else
            expiry_set(files[i].option, files[i].path, dates.ends);
    }
}
