/*
 * Certificates and keys of files, read whole before they are used: a reload takes all or nothing
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_files.h"

#include "net/tls.h"
#include "printable.h"
#include "secret_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_SIZE    ((size_t)64 * 1024)   /* octets of a private key's file at most */
#define PUBLIC_SIZE ((size_t)1024 * 1024) /* of certificates */

enum { CERTIFICATE, KEY, CA };

static bool complain(const struct tls_file_names *names, int which, const char *reason,
                     char fault[TLS_FILES_FAULT_SIZE])
{
    const char *const paths[] = {names->certificate, names->key, names->ca};

    (void)snprintf(fault, TLS_FILES_FAULT_SIZE, "--%s %s: %s", names->options[which],
                   PRINTABLE_PATH(paths[which]), reason);
    return false;
}

/* What everybody may read. NULL: fault. */
static char *read_public(const char *path, size_t *length, char fault[SECRET_FILE_FAULT_SIZE])
{
    FILE *file = fopen(path, "re");
    char *octets = file == NULL ? NULL : OPENSSL_malloc(PUBLIC_SIZE);

    *length = octets == NULL ? 0 : fread(octets, 1, PUBLIC_SIZE, file);
    if (octets != NULL && ferror(file) == 0 && *length < PUBLIC_SIZE) {
        octets[*length] = '\0';
        (void)fclose(file);
        return octets;
    }
    (void)snprintf(fault, SECRET_FILE_FAULT_SIZE, "%s",
                   *length == PUBLIC_SIZE ? "longer than a MiB" : strerror(errno));
    OPENSSL_free(octets);
    if (file != NULL)
        (void)fclose(file);
    return NULL;
}

static bool read_one(struct tls_file *file, const struct tls_file_names *names, int which,
                     char fault[TLS_FILES_FAULT_SIZE])
{
    char what[SECRET_FILE_FAULT_SIZE];

    if (which == KEY)
        file->octets = secret_file_read(names->key, KEY_SIZE, false, &file->length, what);
    else
        file->octets =
            read_public(which == CA ? names->ca : names->certificate, &file->length, what);
    return file->octets != NULL || complain(names, which, what, fault);
}

struct tls_files *tls_files_read(const struct tls_file_names *names,
                                 char fault[TLS_FILES_FAULT_SIZE])
{
    struct tls_files *files = OPENSSL_zalloc(sizeof(*files));

    if (files == NULL) {
        (void)snprintf(fault, TLS_FILES_FAULT_SIZE, "out of memory");
        return NULL;
    }
    if (read_one(&files->certificate, names, CERTIFICATE, fault) &&
        read_one(&files->key, names, KEY, fault) && read_one(&files->ca, names, CA, fault))
        return files;
    tls_files_free(files);
    return NULL;
}

static BIO *open_file(const struct tls_file *file)
{
    return BIO_new_mem_buf(file->octets, (int)file->length);
}

/* Was it the end of a file that was read, and nothing else? */
static bool is_end(void)
{
    const unsigned long error = ERR_peek_last_error();

    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* OpenSSL 3.3 has the one, 4.0 deprecates the other. NULL: out of memory. */
static STACK_OF(X509_OBJECT) * get_objects(X509_STORE *store)
{
#if OPENSSL_VERSION_PREREQ(3, 3)
    return X509_STORE_get1_objects(store);
#else
    return X509_STORE_get0_objects(store);
#endif
}

static void release_objects(STACK_OF(X509_OBJECT) * all)
{
#if OPENSSL_VERSION_PREREQ(3, 3)
    sk_X509_OBJECT_pop_free(all, X509_OBJECT_free);
#else
    (void)all; /* the store's */
#endif
}

/* libssl takes a key whose size could not be found out, for want of memory, for one that is weak.
 */
static bool is_whole(const EVP_PKEY *key)
{
    return key != NULL && EVP_PKEY_get_security_bits(key) > 0;
}

/* What OpenSSL keeps of a certificate when it is first looked at: not without memory. */
static bool is_known(X509 *certificate)
{
    return is_whole(X509_get0_pubkey(certificate)) && X509_check_purpose(certificate, -1, 0) > 0 &&
           (X509_check_issued(certificate, certificate) != X509_V_OK ||
            (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0);
}

bool tls_files_trust_is_whole(SSL_CTX *ctx)
{
    STACK_OF(X509_OBJECT) *all = get_objects(SSL_CTX_get_cert_store(ctx));
    bool done = all != NULL;

    for (int i = 0; done && i < sk_X509_OBJECT_num(all); i++) {
        X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i));

        done = certificate == NULL || is_known(certificate);
    }
    release_objects(all);
    return done;
}

/* The first certificate is ours, those behind it lead to a CA. */
static bool use_chain(BIO *bio, SSL_CTX *ctx)
{
    X509 *own = bio == NULL ? NULL : PEM_read_bio_X509_AUX(bio, NULL, tls_no_passphrase, NULL);
    bool done = own != NULL && SSL_CTX_use_certificate(ctx, own) > 0;
    X509 *next;

    X509_free(own);
    while (done && (next = PEM_read_bio_X509(bio, NULL, tls_no_passphrase, NULL)) != NULL)
        if (SSL_CTX_add0_chain_cert(ctx, next) <= 0) {
            X509_free(next);
            done = false;
        }
    done = done && is_end();
    if (done)
        ERR_clear_error();
    return done;
}

static bool use_key(BIO *bio, const struct tls_file_names *names, SSL_CTX *ctx,
                    char fault[TLS_FILES_FAULT_SIZE])
{
    bool is_encrypted = false;
    EVP_PKEY *key =
        bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, tls_no_passphrase, &is_encrypted);
    const bool done = is_whole(key) && SSL_CTX_use_PrivateKey(ctx, key) > 0;
    char what[80];

    if (is_encrypted)
        (void)complain(names, KEY,
                       "it is encrypted, and there is no way to enter the passphrase: give a key "
                       "without one",
                       fault);
    else if (key == NULL)
        (void)complain(names, KEY, "it is no private key in PEM", fault);
    else if (!is_whole(key))
        (void)complain(names, KEY, "out of memory", fault);
    else if (!done) {
        (void)snprintf(what, sizeof(what), "it is not the key of --%s",
                       names->options[CERTIFICATE]);
        (void)complain(names, KEY, what, fault);
    }
    EVP_PKEY_free(key);
    return done;
}

static bool use_ca(BIO *bio, SSL_CTX *ctx)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    size_t count = 0;
    bool done = bio != NULL;
    X509 *ca;

    while (done && (ca = PEM_read_bio_X509_AUX(bio, NULL, tls_no_passphrase, NULL)) != NULL) {
        done = X509_STORE_add_cert(store, ca) > 0;
        X509_free(ca);
        count++;
    }
    done = done && is_end();
    if (done)
        ERR_clear_error();
    if (done && count == 0)
        ERR_raise(ERR_LIB_X509, X509_R_NO_CERTIFICATE_OR_CRL_FOUND);
    return done && count > 0 && tls_files_trust_is_whole(ctx);
}

bool tls_files_use(const struct tls_files *files, const struct tls_file_names *names, SSL_CTX *ctx,
                   char fault[TLS_FILES_FAULT_SIZE])
{
    BIO *certificate = open_file(&files->certificate), *key = open_file(&files->key);
    BIO *ca = open_file(&files->ca);
    bool done = false;

    ERR_clear_error();
    if (!use_chain(certificate, ctx))
        (void)complain(names, CERTIFICATE, tls_file_error(), fault);
    else if (use_key(key, names, ctx, fault))
        done = use_ca(ca, ctx) || complain(names, CA, tls_file_error(), fault);
    ERR_clear_error();
    BIO_free(certificate);
    BIO_free(key);
    BIO_free(ca);
    return done;
}

SSL_CTX *tls_files_ctx(const struct tls_files *files, const struct tls_file_names *names,
                       const SSL_METHOD *method, char fault[TLS_FILES_FAULT_SIZE])
{
    SSL_CTX *ctx = tls_ctx_new(method);

    (void)snprintf(fault, TLS_FILES_FAULT_SIZE, "out of memory");
    if (ctx != NULL && tls_files_use(files, names, ctx, fault))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

void tls_files_free(struct tls_files *files)
{
    if (files == NULL)
        return;
    OPENSSL_free(files->certificate.octets);
    OPENSSL_free(files->ca.octets);
    secret_file_free(files->key.octets, files->key.length);
    OPENSSL_free(files);
}
