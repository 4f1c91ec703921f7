/*
 * The options of e2e-as that say how keys come from the operator's network
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "as/source_options.h"

#include "as/notify.h"
#include "net/tls.h"
#include "printable.h"
#include "secret_file.h"
#include "source/key_service.h"
#include "source/source_http.h"
#include "source/token.h"
#include "source/url.h"

#include <openssl/crypto.h>
#include <openssl/http.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Defaults. */
#define KEY_KEPT   "3600"
#define TIMEOUT    "3"
#define PER_SECOND "100"
#define PER_SOURCE "20"

static struct {
    const char *key_source[2];
    const char *certificate, *key, *ca;
    const char *token_url, *client_id, *client_secret_file, *scope, *nf_instance_id;
    const char *af_id, *device_name, *key_lifetime, *timeout, *redirect, *per_second, *per_source;
    const char *notify_accept, *notify_name, *notify_uri, *anonymous;
} option = {
    .key_lifetime = KEY_KEPT,
    .timeout = TIMEOUT,
    .per_second = PER_SECOND,
    .per_source = PER_SOURCE,
};

static const struct option_row rows[] = {
    {"key-source", "KIND:URL", option.key_source, OPTION_TWICE,
     "nef:, aanf: (AKMA) or bsf: (GBA) and the apiRoot; once for AKMA, once for GBA"},
    {"source-cert", "FILE", &option.certificate, false, "our certificate for it, PEM"},
    {"source-key", "FILE", &option.key, false, "its private key, PEM"},
    {"source-ca", "FILE", &option.ca, false, "the CA of the operator's certificate, PEM"},
    {"token-url", "URL", &option.token_url, false, "OAuth 2.0: the token endpoint"},
    {"client-id", "NAME", &option.client_id, false, "OAuth 2.0: the client id"},
    {"client-secret-file", "FILE", &option.client_secret_file, false,
     "OAuth 2.0: the secret, a file of mode 0600"},
    {"scope", "TEXT", &option.scope, false,
     "OAuth 2.0: the scope; \"\": no scope (default that of the interface)"},
    {"nf-instance-id", "UUID", &option.nf_instance_id, false,
     "the NF instance ID for an NRF's token service, and in User-Agent; replaces --client-id and "
     "--client-secret-file"},
    {"af-id", "TEXT", &option.af_id, false,
     "afId in requests (default the FQDN); {ua} in it: the Ua security protocol identifier, in "
     "hex"},
    {"device-name", "NAME", &option.device_name, false,
     "the member that names the device in the operator's answer: gpsi, supi or impi (default the "
     "first that is there)"},
    {"source-anonymous", NULL, &option.anonymous, false,
     "AKMA: request the key without the device's name; each UE says which device it is"},
    {"key-lifetime", "SECONDS", &option.key_lifetime, false, "how long a key is kept at most"},
    {"source-timeout", "SECONDS", &option.timeout, false, "time limit for a key"},
    {"source-redirect", "URL", &option.redirect, false,
     "a further origin that the operator may redirect to"},
    {"lookups-per-second", "N", &option.per_second, false,
     "at most this many look-ups per second at the operator"},
    {"lookups-per-source", "N", &option.per_source, false,
     "of these, at most this many from one connecting address (IPv6: one /64)"},
    {"notify-accept", "HOST:PORT", &option.notify_accept, false,
     "address for notifications of a NEF or AAnF that keys are revoked; HTTPS"},
    {"notify-name", "NAME", &option.notify_name, false, "the notifier: a name in its certificate"},
    {"notify-uri", "URL", &option.notify_uri, false, "the URL that the operator is told to notify"},
};

const struct option_group source_options =
    OPTION_GROUP("Keys from the operator's network (instead of the file's ks-naf)", rows);

/* What the options' files hold, until it is put into use: on the source's loop, after a reload. */
struct source_files {
    struct loop_message message;
    struct source *source;
    struct tls_files *identity;
    struct current_version *notify; /* SSL_CTX; NULL: nobody notifies */
    char *secret;                   /* NULL: none */
    size_t secret_length;
};

/* What the options come to; the source keeps pointers into it. */
static struct {
    struct key_service_setup services[KEY_SYSTEMS];
    struct token_setup tokens[KEY_SYSTEMS];
    struct source_http_setup source;
    struct notify *notify; /* NULL: none */
    struct tls_file_names names;
    struct source_files *files; /* of which those that were handed over are NULL */
    char roots[KEY_SYSTEMS][1024];
    char scopes[KEY_SYSTEMS][128], user_agent[48];
} setup;

static _Noreturn void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void refuse(const char *format, ...)
{
    char sentence[1024];
    va_list arguments;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    (void)vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s%s\n", options_where(sentence), sentence);
    exit(options_refusal());
}

/* What somebody gave may be the default. */
static bool is_default(const char *const *value)
{
    const char *otherwise = value == &option.key_lifetime ? KEY_KEPT
                            : value == &option.timeout    ? TIMEOUT
                            : value == &option.per_second ? PER_SECOND
                            : value == &option.per_source ? PER_SOURCE
                                                          : "";

    return strcmp(*value, otherwise) == 0;
}

const struct tls_file_names *source_options_names(void)
{
    return &setup.names;
}

bool source_options_given(void)
{
    return option.key_source[0] != NULL;
}

/* Without a key source the others say nothing. */
static void refuse_the_rest(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (*rows[i].value != NULL && !is_default(rows[i].value))
            refuse("--%s has no effect without --key-source", rows[i].name);
}

static void want_url(const char *name, const char *url)
{
    if (url != NULL && !url_is_plain(url))
        refuse("--%s %s: must be an https URL without user, query and fragment", name,
               PRINTABLE(url));
}

/* Either all of some options, or none; which: what they are for. */
static void want_together(const char *which, const char *one, const char *other, const char *third)
{
    const int given = (one != NULL) + (other != NULL) + (third != NULL);

    if (given != 0 && given != 3)
        refuse("%s belong together: give all of them, or none", which);
}

static bool is_uuid(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    for (size_t i = 0; i < sizeof(form); i++)
        if (form[i] == 'x' ? OPENSSL_hexchar2int((unsigned char)text[i]) < 0 : text[i] != form[i])
            return false;
    return true;
}

static void check_token(void)
{
    const bool nrf = option.nf_instance_id != NULL;

    want_url("token-url", option.token_url);
    if (nrf && (option.client_id != NULL || option.client_secret_file != NULL))
        refuse("--nf-instance-id takes the place of --client-id and --client-secret-file: give one "
               "or the other");
    if (nrf && !is_uuid(option.nf_instance_id))
        refuse("--nf-instance-id %s: must be a UUID", PRINTABLE(option.nf_instance_id));
    if (nrf && option.token_url == NULL)
        refuse("--nf-instance-id has no effect without --token-url");
    if (!nrf)
        want_together("--token-url, --client-id and --client-secret-file", option.token_url,
                      option.client_id, option.client_secret_file);
    if (option.scope != NULL && option.token_url == NULL)
        refuse("--scope has no effect without --token-url");
}

/* The URL is the apiRoot: a slash at its end does not count. */
static void add_service(const char *text, const char *naf_fqdn)
{
    const char *url = "";
    const struct key_interface *interface = key_interface(text, &url);
    const size_t length = strlen(url);
    struct key_service_setup *service;

    if (interface == NULL || !url_is_plain(url) || length >= sizeof(setup.roots[0]))
        refuse("--key-source %s: must be nef:, aanf: or bsf: and an https URL", PRINTABLE(text));
    service = &setup.services[interface->system];
    if (service->interface != NULL)
        refuse("--key-source %s: a source for %s is given already", PRINTABLE(text),
               interface->system == KEY_AKMA ? "AKMA" : "GBA");
    memcpy(setup.roots[interface->system], url, length + 1);
    if (url[length - 1] == '/')
        setup.roots[interface->system][length - 1] = '\0';
    *service = (struct key_service_setup){
        .interface = interface,
        .root = setup.roots[interface->system],
        .af_id = option.af_id != NULL ? option.af_id : naf_fqdn,
        .notify_uri = option.notify_uri,
        .anonymous = option.anonymous != NULL && interface->system == KEY_AKMA,
        .naf_fqdn = naf_fqdn,
        .redirect = option.redirect,
        .milliseconds = setup.source.milliseconds,
    };
    setup.source.services[interface->system] = service;
}

/* What the token is for: the operation, and the device's name, if one is wanted. */
static const char *scope_of(enum key_system system)
{
    const struct key_service_setup *service = &setup.services[system];
    const char *name = service->anonymous ? "" : service->interface->name_scope;
    const char *scope = service->interface->scope;
    const char *space = scope[0] != '\0' && name[0] != '\0' ? " " : "";

    if (option.scope != NULL)
        return option.scope;
    (void)snprintf(setup.scopes[system], sizeof(setup.scopes[system]), "%s%s%s", scope, space,
                   name);
    return setup.scopes[system];
}

static void check_scopes(void)
{
    for (enum key_system system = 0; system < KEY_SYSTEMS; system++)
        if (option.nf_instance_id != NULL && setup.services[system].interface != NULL &&
            scope_of(system)[0] == '\0')
            refuse("--scope TEXT is missing: an NRF wants one (TS 29.510 6.3.5.2.2)");
}

static void add_token(enum key_system system)
{
    struct key_service_setup *service = &setup.services[system];
    const char *scope;

    if (option.token_url == NULL || service->interface == NULL)
        return;
    scope = scope_of(system);
    setup.tokens[system] = (struct token_setup){
        .url = option.token_url,
        .scope = scope[0] == '\0' ? NULL : scope,
        .client_id = option.client_id,
        .client_secret = setup.files->secret,
        .nf_instance_id = option.nf_instance_id,
        .target_nf_type = service->interface->nf_type,
        .milliseconds = setup.source.milliseconds,
    };
    service->token = &setup.tokens[system];
}

/* GPSI and SUPI are in answers about AKMA, the IMPI in those about GBA. */
static void read_device_name(void)
{
    static const struct {
        const char *name;
        enum key_system system;
    } names[KEY_NAMES] = {
        [KEY_NAME_GPSI] = {"gpsi", KEY_AKMA},
        [KEY_NAME_SUPI] = {"supi", KEY_AKMA},
        [KEY_NAME_IMPI] = {"impi", KEY_GBA},
    };
    enum key_name name;

    for (enum key_system system = 0; system < KEY_SYSTEMS; system++)
        setup.services[system].device_name = KEY_NAMES;
    if (option.device_name == NULL)
        return;
    for (name = KEY_NAME_GPSI; name < KEY_NAMES; name++) {
        if (strcmp(names[name].name, option.device_name) != 0)
            continue;
        if (setup.services[names[name].system].interface == NULL)
            refuse("--device-name %s has no effect without %s", names[name].name,
                   names[name].system == KEY_AKMA ? "an AKMA source (nef: or aanf:)"
                                                  : "a GBA source (bsf:)");
        if (setup.services[names[name].system].anonymous)
            refuse("--device-name %s: with --source-anonymous no device is named",
                   names[name].name);
        setup.services[names[name].system].device_name = name;
        return;
    }
    refuse("--device-name %s: must be gpsi, supi or impi", PRINTABLE(option.device_name));
}

static void check_notifications(void)
{
    const struct key_interface *akma = setup.services[KEY_AKMA].interface;

    want_together("--notify-accept, --notify-name and --notify-uri", option.notify_accept,
                  option.notify_name, option.notify_uri);
    want_url("notify-uri", option.notify_uri);
    if (option.notify_uri != NULL && akma == NULL)
        refuse("--notify-uri: only a NEF or an AAnF notifies: --key-source nef:URL or aanf:URL is "
               "missing");
}

/* TS 29.500 5.2.2.2: the type of NF that asks, and the instance if it is configured. */
static void make_user_agent(void)
{
    (void)snprintf(setup.user_agent, sizeof(setup.user_agent), "AF%s%s",
                   option.nf_instance_id == NULL ? "" : "-",
                   option.nf_instance_id == NULL ? "" : option.nf_instance_id);
    setup.source.user_agent = setup.user_agent;
}

static void read_numbers(void)
{
    setup.source.key_lifetime = options_number("key-lifetime", option.key_lifetime, 1, 604800);
    setup.source.milliseconds = 1000 * options_number("source-timeout", option.timeout, 1, 60);
    setup.source.per_second = options_number("lookups-per-second", option.per_second, 1, 100000);
    setup.source.per_network = options_number("lookups-per-source", option.per_source, 1, 10000);
}

void source_options_drop(struct source_files *files)
{
    if (files == NULL)
        return;
    tls_files_free(files->identity);
    current_drop(files->notify);
    if (files->secret != NULL)
        secret_file_free(files->secret, files->secret_length);
    OPENSSL_free(files);
}

static bool read_identity(struct source_files *files, char fault[TLS_FILES_FAULT_SIZE])
{
    SSL_CTX *client;

    files->identity = tls_files_read(&setup.names, fault);
    if (files->identity == NULL)
        return false;
    client = tls_files_ctx(files->identity, &setup.names, TLS_client_method(), fault);
    SSL_CTX_free(client); /* tried, so that what cannot be used is said now */
    return client != NULL;
}

static bool read_notify(struct source_files *files, char fault[TLS_FILES_FAULT_SIZE])
{
    SSL_CTX *ctx;

    if (option.notify_accept == NULL)
        return true;
    ctx = tls_files_ctx(files->identity, &setup.names, TLS_server_method(), fault);
    if (ctx == NULL)
        return false;
    (void)snprintf(fault, TLS_FILES_FAULT_SIZE, "--notify-name %s: TLS cannot be set up",
                   PRINTABLE(option.notify_name));
    if (notify_set_up_tls(ctx, option.notify_name))
        files->notify = tls_ctx_prepare(ctx);
    else
        SSL_CTX_free(ctx);
    return files->notify != NULL;
}

static bool read_secret(struct source_files *files, char fault[TLS_FILES_FAULT_SIZE])
{
    const char *path = option.client_secret_file;

    if (path != NULL)
        files->secret = token_read_secret(path, &files->secret_length, fault);
    return path == NULL || files->secret != NULL;
}

struct source_files *source_options_read(char fault[TLS_FILES_FAULT_SIZE])
{
    struct source_files *files = OPENSSL_zalloc(sizeof(*files));

    (void)snprintf(fault, TLS_FILES_FAULT_SIZE, "out of memory");
    if (files != NULL && read_secret(files, fault) && read_identity(files, fault) &&
        read_notify(files, fault))
        return files;
    source_options_drop(files);
    return NULL;
}

static bool read_files(void)
{
    char fault[TLS_FILES_FAULT_SIZE];

    setup.files = source_options_read(fault);
    if (setup.files == NULL)
        fprintf(stderr, "%s%s\n", options_where(fault), fault);
    return setup.files != NULL;
}

/* On the source's loop, where all of it is used. */
static void put_into_use(struct loop *loop, struct loop_message *message)
{
    struct source_files *files = (struct source_files *)message;

    (void)loop;
    source_http_use_identity(files->source, files->identity);
    files->identity = NULL;
    if (files->notify != NULL)
        notify_use(setup.notify, files->notify);
    files->notify = NULL;
    for (enum key_system system = 0; system < KEY_SYSTEMS; system++)
        setup.tokens[system].client_secret = files->secret;
    source_options_drop(setup.files);
    setup.files = files;
}

void source_options_use(struct source *source, struct source_files *files)
{
    files->message.run = put_into_use;
    files->source = source;
    loop_post(source_http_loop(source), &files->message);
}

/* K_AF is of an AF_ID, which has the identifier in it: without, the operator gives one for all. */
static void check_af_id(bool has_several_ids, bool has_several_versions)
{
    const struct key_service_setup *akma = &setup.services[KEY_AKMA];

    if (akma->interface == NULL || !has_several_ids || strstr(akma->af_id, KEY_AF_ID_UA) != NULL)
        return;
    if (has_several_versions)
        refuse("--af-id %s: one K_AF would serve TLS 1.2 and TLS 1.3 (RFC 8446 E.7), since the "
               "operator is not told which is meant: put " KEY_AF_ID_UA
               " where the Ua security protocol identifier belongs",
               PRINTABLE(akma->af_id));
    fprintf(stderr,
            "warning: --af-id %s: the operator is not told which cipher suite a K_AF is for: "
            "put " KEY_AF_ID_UA
            " where the Ua security protocol identifier belongs, or name one suite in "
            "--dtls-ciphers\n",
            PRINTABLE(akma->af_id));
}

void source_options_check(const char *naf_fqdn, bool has_several_ids, bool has_several_versions)
{
    if (!source_options_given()) {
        refuse_the_rest();
        return;
    }
    if (option.certificate == NULL || option.key == NULL || option.ca == NULL)
        refuse("--key-source needs --source-cert, --source-key and --source-ca");
    want_url("source-redirect", option.redirect);
    check_token();
    read_numbers();
    make_user_agent();
    for (size_t i = 0; i < 2 && option.key_source[i] != NULL; i++)
        add_service(option.key_source[i], naf_fqdn);
    if (option.af_id != NULL && setup.services[KEY_AKMA].interface == NULL)
        refuse("--af-id has no effect without an AKMA source (nef: or aanf:)");
    if (option.anonymous != NULL && setup.services[KEY_AKMA].interface == NULL)
        refuse("--source-anonymous has no effect without an AKMA source (nef: or aanf:)");
    check_af_id(has_several_ids, has_several_versions);
    check_scopes();
    read_device_name();
    check_notifications();
    setup.names = (struct tls_file_names){
        option.certificate, option.key, option.ca, {"source-cert", "source-key", "source-ca"}};
}

bool source_options_open_files(void)
{
    if (!source_options_given())
        return true;
    if (!read_files())
        return false;
    for (enum key_system system = 0; system < KEY_SYSTEMS; system++)
        add_token(system);
    return http_start();
}

void source_options_check_dates(struct checks *checks)
{
    checks_dates(checks, "source-cert", option.certificate, CERT_DATES_OF_ALL);
    checks_dates(checks, "source-ca", option.ca, CERT_DATES_OF_ANY);
}

static void check_url(struct checks *checks, const char *name, const char *url)
{
    char *host = NULL, *port = NULL, address[300];

    if (url == NULL || !OSSL_HTTP_parse_url(url, NULL, NULL, &host, &port, NULL, NULL, NULL, NULL))
        return;
    (void)snprintf(address, sizeof(address), strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s", host,
                   port);
    checks_address(checks, name, address, false);
    OPENSSL_free(host);
    OPENSSL_free(port);
}

void source_options_check_addresses(struct checks *checks)
{
    for (enum key_system system = 0; system < KEY_SYSTEMS; system++)
        check_url(checks, "key-source", setup.services[system].root);
    check_url(checks, "token-url", option.token_url);
    checks_address(checks, "notify-accept", option.notify_accept, true);
    checks_bind(checks, "notify-accept", option.notify_accept);
}

struct source *source_options_open(struct devices_current *devices_current,
                                   unsigned char file_ids[KEY_SYSTEMS][AKMA_UA_PROTOCOL_ID_LENGTH])
{
    struct source *file =
        devices_current == NULL ? NULL : source_file_new(devices_current, file_ids);

    if (!source_options_given() || (devices_current != NULL && file == NULL))
        return file;
    setup.source.identity = setup.files->identity;
    setup.files->identity = NULL;
    return source_http_new(&setup.source, file);
}

bool source_options_listen(struct naf_service *naf, struct endpoints *endpoints)
{
    if (option.notify_accept == NULL)
        return true;
    setup.notify = notify_new(naf, option.notify_uri, setup.files->notify);
    setup.files->notify = NULL;
    return setup.notify != NULL && endpoints_listen(endpoints, notify_kind, setup.notify,
                                                    "notify-accept", option.notify_accept, true);
}

bool source_options_listens(void)
{
    return setup.notify != NULL;
}

bool source_options_start(struct source *source)
{
    return !source_options_given() || source_http_start(source);
}

void source_options_stop(struct source *source)
{
    if (source != NULL && source_options_given())
        source_http_stop(source);
}

void source_options_close(void)
{
    notify_free(setup.notify);
    setup.notify = NULL;
    source_options_drop(setup.files);
    setup.files = NULL;
}
