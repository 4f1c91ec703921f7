/*
 * akma setup: a private CA, and the certificates of the link and of the Redis
 *
 * Every key is EC on P-256. A certificate that is renewed keeps its key, so that one file alone
 * changes, by renaming, and a server that reads both meanwhile finds a pair.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "printable.h"
#include "secret_file.h"
#include "setup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY       86400L
#define CA_DAYS   3650
#define LEAF_DAYS 397
#define BACKDATED 3600 /* seconds: clocks differ */

/* The holders of certificates. */
struct leaf {
    bool is_wanted;
    const char *folder, *file; /* file.pem and file.key in the folder */
    const char *names[2];      /* names or addresses; the second may be NULL */
};

#define LEAVES 3

static void leaves_of(const struct setup_choice *choice, struct leaf leaves[LEAVES])
{
    const bool is_link = choice->third_party != NULL;
    const char *redis = setup_redis_host(choice);

    leaves[0] = (struct leaf){is_link, "naf", "naf", {choice->naf_fqdn, NULL}};
    leaves[1] = (struct leaf){is_link, "third-party", "third-party", {choice->third_party, NULL}};
    leaves[2] = (struct leaf){choice->redis != NULL,
                              "redis",
                              "server",
                              {redis, strcmp(redis, "127.0.0.1") == 0 ? NULL : "127.0.0.1"}};
}

/* Folders that get a copy of the CA's certificate. */
static bool wants_ca(const struct setup_choice *choice, const char *folder)
{
    const bool is_separate = choice->third_party != NULL;

    if (strcmp(folder, "naf") == 0)
        return is_separate;
    if (strcmp(folder, "third-party") == 0)
        return is_separate;
    if (strcmp(folder, "all") == 0)
        return !is_separate && choice->redis != NULL;
    return strcmp(folder, "endpoint") == 0 && choice->endpoint != NULL;
}

static const char *const folders[] = {"naf", "third-party", "all", "endpoint"};

/* Certificates */

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;
    bool done;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    done = extension != NULL && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static bool set_serial(X509 *certificate)
{
    unsigned char octets[16];
    BIGNUM *number;
    bool done;

    if (RAND_bytes(octets, sizeof(octets)) <= 0)
        return false;
    octets[0] = (unsigned char)((octets[0] & 0x7f) | 0x40); /* positive, and 16 octets long */
    number = BN_bin2bn(octets, sizeof(octets), NULL);
    done = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

static bool set_subject(X509 *certificate, const char *cn)
{
    X509_NAME *name = X509_NAME_new();
    const bool done = name != NULL &&
                      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                 (const unsigned char *)cn, -1, -1, 0) &&
                      X509_set_subject_name(certificate, name);

    X509_NAME_free(name);
    return done;
}

/* A certificate without extensions and signature. The subject's CN has at most 64 octets. */
static X509 *begin_certificate(EVP_PKEY *key, const char *subject, long days)
{
    X509 *certificate = X509_new();

    if (certificate != NULL && X509_set_version(certificate, X509_VERSION_3) &&
        set_serial(certificate) &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -(long)BACKDATED) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), days * DAY) != NULL &&
        X509_set_pubkey(certificate, key) &&
        set_subject(certificate, strlen(subject) <= 64 ? subject : "akma"))
        return certificate;
    X509_free(certificate);
    return NULL;
}

static X509 *make_ca(EVP_PKEY *key)
{
    X509 *ca = begin_certificate(key, "akma setup: private CA", CA_DAYS);

    if (ca != NULL && X509_set_issuer_name(ca, X509_get_subject_name(ca)) &&
        add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(ca, ca, NID_subject_key_identifier, "hash") &&
        X509_sign(ca, key, EVP_sha256()))
        return ca;
    X509_free(ca);
    return NULL;
}

/* subjectAltName, each name as what it is. */
static void alternatives_of(const struct leaf *leaf, char text[600])
{
    struct in6_addr address;
    size_t length = 0;

    for (size_t i = 0; i < 2 && leaf->names[i] != NULL; i++) {
        const bool is_address = inet_pton(AF_INET, leaf->names[i], &address) == 1 ||
                                inet_pton(AF_INET6, leaf->names[i], &address) == 1;

        length += (size_t)snprintf(text + length, 600 - length, "%s%s:%s", i == 0 ? "" : ",",
                                   is_address ? "IP" : "DNS", leaf->names[i]);
    }
}

static X509 *make_leaf(const struct leaf *leaf, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
    X509 *certificate = begin_certificate(key, leaf->names[0], LEAF_DAYS);
    char alternatives[600] = "";

    alternatives_of(leaf, alternatives);
    if (certificate != NULL && X509_set_issuer_name(certificate, X509_get_subject_name(ca)) &&
        add_extension(certificate, ca, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(certificate, ca, NID_key_usage, "critical,digitalSignature") &&
        add_extension(certificate, ca, NID_ext_key_usage, "serverAuth,clientAuth") &&
        add_extension(certificate, ca, NID_subject_key_identifier, "hash") &&
        add_extension(certificate, ca, NID_authority_key_identifier, "keyid") &&
        add_extension(certificate, ca, NID_subject_alt_name, alternatives) &&
        X509_sign(certificate, ca_key, EVP_sha256()))
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* Files */

static bool write_certificate(const struct setup *setup, const char *name, X509 *certificate)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *octets = NULL;
    const bool encoded = text != NULL && PEM_write_bio_X509(text, certificate);
    const long length = encoded ? BIO_get_mem_data(text, &octets) : 0;
    const bool done = encoded ? setup_write(setup, name, octets, (size_t)length, false)
                              : setup_fail(name, "out of memory");

    BIO_free(text);
    return done;
}

static bool write_key(const struct setup *setup, const char *name, EVP_PKEY *key)
{
    BIO *text = BIO_new(BIO_s_secmem());
    char *octets = NULL;
    const bool encoded =
        text != NULL && PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL);
    const long length = encoded ? BIO_get_mem_data(text, &octets) : 0;
    const bool done = encoded ? setup_write(setup, name, octets, (size_t)length, true)
                              : setup_fail(name, "out of memory");

    BIO_free(text);
    return done;
}

static void name_of(const struct leaf *leaf, const char *end, char name[64])
{
    (void)snprintf(name, 64, "%s/%s.%s", leaf->folder, leaf->file, end);
}

/* A new key with its certificate. */
static bool make_pair(const struct setup *setup, const struct leaf *leaf, X509 *ca,
                      EVP_PKEY *ca_key)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key == NULL ? NULL : make_leaf(leaf, key, ca, ca_key);
    char file[64], key_file[64];
    bool done;

    name_of(leaf, "pem", file);
    name_of(leaf, "key", key_file);
    done = certificate != NULL
               ? write_key(setup, key_file, key) && write_certificate(setup, file, certificate)
               : setup_fail(file, "a certificate for this name cannot be made");
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return done;
}

bool setup_make_certificates(const struct setup *setup)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *ca = key == NULL ? NULL : make_ca(key);
    struct leaf leaves[LEAVES];
    char name[64];
    bool done = ca != NULL
                    ? write_key(setup, "ca.key", key) && write_certificate(setup, "ca.pem", ca)
                    : setup_fail("ca.pem", "the CA cannot be made");

    leaves_of(&setup->choice, leaves);
    for (size_t i = 0; done && i < LEAVES; i++)
        done = !leaves[i].is_wanted || make_pair(setup, &leaves[i], ca, key);
    for (size_t i = 0; done && i < sizeof(folders) / sizeof(folders[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s/ca.pem", folders[i]);
        done = !wants_ca(&setup->choice, folders[i]) || write_certificate(setup, name, ca);
    }
    X509_free(ca);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return done;
}

/* Renewal */

static BIO *open_file(const struct setup *setup, const char *name, char path[2 * PATH_MAX])
{
    (void)snprintf(path, (size_t)2 * PATH_MAX, "%s/%s", setup->work, name);
    return BIO_new_file(path, "r");
}

static X509 *read_certificate(const struct setup *setup, const char *name)
{
    char path[2 * PATH_MAX];
    BIO *file = open_file(setup, name, path);
    X509 *certificate = file == NULL ? NULL : PEM_read_bio_X509(file, NULL, NULL, NULL);

    BIO_free(file);
    ERR_clear_error();
    if (certificate == NULL)
        (void)setup_fail(path, "cannot be read as a certificate");
    return certificate;
}

/* others_may_read: the group of a program, which the README gives its folder to. */
static EVP_PKEY *read_key(const struct setup *setup, const char *name, bool others_may_read)
{
    char path[2 * PATH_MAX], fault[SECRET_FILE_FAULT_SIZE];
    size_t length = 0;
    char *text;
    BIO *file;
    EVP_PKEY *key;

    (void)snprintf(path, sizeof(path), "%s/%s", setup->work, name);
    text = secret_file_read(path, 65536, others_may_read, &length, fault);
    if (text == NULL) {
        (void)setup_fail(path, fault);
        return NULL;
    }
    file = BIO_new_mem_buf(text, (int)length);
    key = file == NULL ? NULL : PEM_read_bio_PrivateKey(file, NULL, NULL, NULL);
    BIO_free(file);
    secret_file_free(text, length);
    ERR_clear_error();
    if (key == NULL)
        (void)setup_fail(path, "cannot be read as a private key");
    return key;
}

/* Less than a third of its life is left. */
static bool is_near_its_end(const X509 *certificate)
{
    int life_days = 0, left_days = 0, seconds = 0;

    if (!ASN1_TIME_diff(&life_days, &seconds, X509_get0_notBefore(certificate),
                        X509_get0_notAfter(certificate)) ||
        !ASN1_TIME_diff(&left_days, &seconds, NULL, X509_get0_notAfter(certificate)))
        return true;
    return left_days < life_days / 3 || (left_days == 0 && seconds <= 0);
}

static void print_certificate(const char *what, const char *name, const X509 *certificate)
{
    struct tm end;
    char shown[16] = "";

    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end))
        (void)strftime(shown, sizeof(shown), "%Y-%m-%d", &end);
    printf("%s: %s, valid until %s\n", name, what, shown);
}

static bool replace(const struct setup *setup, const char *name, X509 *certificate)
{
    char path[2 * PATH_MAX], temporary[2 * PATH_MAX + 8], fresh[80];

    (void)snprintf(path, sizeof(path), "%s/%s", setup->work, name);
    (void)snprintf(temporary, sizeof(temporary), "%s.new", path);
    (void)snprintf(fresh, sizeof(fresh), "%s.new", name);
    (void)remove(temporary); /* of a run that was broken off */
    if (!write_certificate(setup, fresh, certificate))
        return false;
    if (rename(temporary, path) == 0)
        return true;
    (void)setup_fail(path, strerror(errno));
    (void)remove(temporary);
    return false;
}

static bool renew_leaf(const struct setup *setup, const struct leaf *leaf, X509 *ca,
                       EVP_PKEY *ca_key)
{
    char file[64], key_file[64];
    X509 *old, *fresh = NULL;
    EVP_PKEY *key = NULL;
    bool done;

    name_of(leaf, "pem", file);
    name_of(leaf, "key", key_file);
    old = read_certificate(setup, file);
    done = old != NULL;
    if (done && !is_near_its_end(old)) {
        print_certificate("kept", file, old);
    } else if (done) {
        key = read_key(setup, key_file, true);
        fresh = key == NULL ? NULL : make_leaf(leaf, key, ca, ca_key);
        done = fresh != NULL && replace(setup, file, fresh);
        if (done)
            print_certificate("renewed", file, fresh);
    }
    X509_free(old);
    X509_free(fresh);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return done;
}

/* With its key, so that what it has signed stays good; each folder gets the new one, and ca.pem is
 * the last: where a run is broken off, the next one begins again. */
static X509 *renew_ca(const struct setup *setup, EVP_PKEY *key)
{
    X509 *ca = read_certificate(setup, "ca.pem"), *fresh;
    char name[64];
    bool done;

    if (ca == NULL || !is_near_its_end(ca)) {
        if (ca != NULL)
            print_certificate("kept", "ca.pem", ca);
        return ca;
    }
    X509_free(ca);
    fresh = make_ca(key);
    done = fresh != NULL;
    for (size_t i = 0; done && i < sizeof(folders) / sizeof(folders[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s/ca.pem", folders[i]);
        done = !wants_ca(&setup->choice, folders[i]) || replace(setup, name, fresh);
    }
    if (done && replace(setup, "ca.pem", fresh)) {
        print_certificate("renewed", "ca.pem", fresh);
        return fresh;
    }
    X509_free(fresh);
    return NULL;
}

bool setup_renew_certificates(const struct setup *setup)
{
    EVP_PKEY *key = read_key(setup, "ca.key", false);
    X509 *ca = key == NULL ? NULL : renew_ca(setup, key);
    struct leaf leaves[LEAVES];
    bool done = ca != NULL;

    leaves_of(&setup->choice, leaves);
    for (size_t i = 0; done && i < LEAVES; i++)
        done = !leaves[i].is_wanted || renew_leaf(setup, &leaves[i], ca, key);
    X509_free(ca);
    EVP_PKEY_free(key);
    return done;
}
