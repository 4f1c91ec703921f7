/*
 * akma setup: configurations, keys and passwords of each host, the Redis' files, and the README
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "setup.h"
#include "setup_redis.h" /* of examples/redis, by CMake */

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORE_KEY_LENGTH 32
#define PASSWORD_LENGTH  16
#define COLUMNS          "identity,ks-naf,ka,ka-id,device,not-after\n"

/* The Redis' users, and where examples/redis/users.acl has the hash of each one's password. */
static const struct user {
    const char *name, *place;
} users[] = {{"third-party", "THIRD-PARTY-SHA256"},
             {"endpoint", "ENDPOINT-SHA256"},
             {"admin", "ADMIN-SHA256"}};

#define USERS (sizeof(users) / sizeof(users[0]))

struct password {
    char text[2 * PASSWORD_LENGTH + 2]; /* hex digits, LF, NUL */
};

static void to_hex(const unsigned char *octets, size_t length, char *hex)
{
    for (size_t i = 0; i < length; i++)
        (void)sprintf(hex + 2 * i, "%02x", octets[i]);
}

static bool make_password(struct password *password)
{
    unsigned char octets[PASSWORD_LENGTH];

    if (RAND_priv_bytes(octets, sizeof(octets)) <= 0)
        return setup_fail("password", "no randomness");
    to_hex(octets, sizeof(octets), password->text);
    (void)OPENSSL_strlcat(password->text, "\n", sizeof(password->text));
    OPENSSL_cleanse(octets, sizeof(octets));
    return true;
}

typedef void put_text(FILE *out, const struct setup *setup);

static bool write_text(const struct setup *setup, const char *name, put_text *put)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    bool done;

    if (out != NULL)
        put(out, setup);
    done = out != NULL && fclose(out) == 0 ? setup_write(setup, name, text, length, false)
                                           : setup_fail(name, "out of memory");
    free(text);
    return done;
}

/* Configurations */

static void put_link(FILE *out, const struct setup *setup, const char *folder)
{
    fprintf(out,
            "\n# the link between NAF and third party\n"
            "cert %s/%s/%s.pem\nkey %s/%s/%s.key\nca %s/%s/ca.pem\n",
            setup->dir, folder, folder, setup->dir, folder, folder, setup->dir, folder);
}

static void put_store(FILE *out, const struct setup *setup, const char *folder, const char *user)
{
    const char *host = setup_redis_host(&setup->choice);

    if (setup->choice.redis == NULL)
        return;
    fprintf(out,
            "\n# outstanding keys\n"
            "store rediss://%s%s%s:6380\nstore-ca %s/%s/ca.pem\nstore-key %s/%s/store.key\n"
            "store-user akma-%s\nstore-password-file %s/%s/%s.password\n",
            strchr(host, ':') == NULL ? "" : "[", host, strchr(host, ':') == NULL ? "" : "]",
            setup->dir, folder, setup->dir, folder, user, setup->dir, folder, user);
}

static void put_application(FILE *out, const struct setup_choice *choice)
{
    fputs("\n# the application behind the endpoint\n", out);
    if (choice->forward != NULL)
        fprintf(out, "forward %s\n", choice->forward);
    else
        fputs("# forward HOST:PORT   (until then lines come back: an echo)\n", out);
}

static void put_first_connections(FILE *out, const struct setup *setup, const char *folder)
{
    fprintf(out,
            "# first connections of UEs\naccept :4433\nnaf-fqdn %s\ndevices %s/%s/devices.csv\n",
            setup->choice.naf_fqdn, setup->dir, folder);
}

/* NULL if the host is another one's; a literal IPv6 address is in brackets. */
static void put_host_port(FILE *out, const char *option, const char *host, int port)
{
    const bool is_ip6 = strchr(host, ':') != NULL;

    fprintf(out, "%s %s%s%s:%d\n", option, is_ip6 ? "[" : "", host, is_ip6 ? "]" : "", port);
}

static void put_all(FILE *out, const struct setup *setup)
{
    fputs("# NAF and third party in one process\n", out);
    put_first_connections(out, setup, "all");
    if (setup->choice.endpoint == NULL) {
        fputs("\n# e2e connections of UEs: the endpoint\ne2e-accept :4434\n", out);
        put_application(out, &setup->choice);
    }
    put_store(out, setup, "all", "third-party");
    fputs("\n# /healthz, /readyz, /metrics and a page, on the loopback\nmetrics 9433\n", out);
}

static void put_naf(FILE *out, const struct setup *setup)
{
    fputs("# NAF: it holds Ks_NAF, never Ka\n", out);
    put_first_connections(out, setup, "naf");
    put_host_port(out, "third-party", setup->choice.third_party, 4435);
    put_link(out, setup, "naf");
    fputs("\nmetrics 9433\n", out);
}

static void put_third_party(FILE *out, const struct setup *setup)
{
    fprintf(out,
            "# third party: it holds Ka\nnaf-accept :4435\ndevices %s/third-party/devices.csv\n",
            setup->dir);
    put_link(out, setup, "third-party");
    if (setup->choice.endpoint == NULL) {
        fputs("\n# e2e connections of UEs: the endpoint\ne2e-accept :4434\n", out);
        put_application(out, &setup->choice);
    }
    put_store(out, setup, "third-party", "third-party");
    fputs("\nmetrics 9435\n", out);
}

static void put_endpoint(FILE *out, const struct setup *setup)
{
    fputs("# endpoint: it holds outstanding e2e_keys, never Ka\ne2e-accept :4434\n", out);
    put_application(out, &setup->choice);
    put_store(out, setup, "endpoint", "endpoint");
    fputs("\nmetrics 9434\n", out);
}

/* Where e2e connections go to. */
static const char *endpoint_host(const struct setup_choice *choice)
{
    if (choice->endpoint != NULL)
        return choice->endpoint;
    return choice->third_party != NULL ? choice->third_party : choice->naf_fqdn;
}

static void put_ue(FILE *out, const struct setup *setup)
{
    fputs("# the device: local programs connect to the loopback\n", out);
    put_host_port(out, "connect", setup->choice.naf_fqdn, 4433);
    put_host_port(out, "e2e-connect", endpoint_host(&setup->choice), 4434);
    fprintf(out,
            "naf-fqdn %s\ndevices %s/ue/devices.csv\nlisten 127.0.0.1:4480\n\n"
            "# which of the file's rows this device is\n# identity ue1@bsf.example.com\n",
            setup->choice.naf_fqdn, setup->dir);
}

/* Secrets, and the Redis */

/* A text with one word replaced, to be released with free(); NULL: out of memory. */
static char *with(const char *text, const char *word, const char *instead)
{
    const char *place = strstr(text, word);
    char *made = NULL;

    if (place == NULL)
        return strdup(text);
    if (asprintf(&made, "%.*s%s%s", (int)(place - text), text, instead, place + strlen(word)) < 0)
        return NULL;
    return made;
}

/* The next text takes the place of the one before. False: out of memory. */
static bool change(char **text, const char *word, const char *instead)
{
    char *changed = *text == NULL ? NULL : with(*text, word, instead);

    free(*text);
    *text = changed;
    return changed != NULL;
}

static bool write_acl(const struct setup *setup, const struct password passwords[USERS])
{
    char *acl = strdup(redis_users), hex[65];
    unsigned char hash[32];
    bool done = acl != NULL;

    for (size_t i = 0; done && i < USERS; i++) {
        done = EVP_Digest(passwords[i].text, (size_t)2 * PASSWORD_LENGTH, hash, NULL, EVP_sha256(),
                          NULL) > 0;
        to_hex(hash, sizeof(hash), hex);
        done = done && change(&acl, users[i].place, hex);
    }
    done = done ? setup_write(setup, "redis/users.acl", acl, strlen(acl), true)
                : setup_fail("redis/users.acl", "out of memory");
    free(acl);
    return done;
}

/* examples/redis has names in its own folder, and listens on the loopback. */
static bool write_redis_conf(const struct setup *setup)
{
    const bool is_local = strcmp(setup_redis_host(&setup->choice), "127.0.0.1") == 0 ||
                          setup->choice.endpoint == NULL;
    char *conf = strdup(redis_conf), path[PATH_MAX + 64];
    bool done = is_local || change(&conf, "bind 127.0.0.1", "bind * -::*");
    static const char *const names[] = {"server.pem", "server.key", "aclfile users.acl"};

    for (size_t i = 0; done && i < sizeof(names) / sizeof(names[0]); i++) {
        const bool is_acl = strchr(names[i], ' ') != NULL;

        (void)snprintf(path, sizeof(path), "%s%s/redis/%s", is_acl ? "aclfile " : "", setup->dir,
                       is_acl ? "users.acl" : names[i]);
        done = change(&conf, names[i], path);
    }
    done = done ? setup_write(setup, "redis/redis.conf", conf, strlen(conf), false)
                : setup_fail("redis/redis.conf", "out of memory");
    free(conf);
    return done;
}

static bool write_password(const struct setup *setup, const char *folder, const char *user,
                           const struct password *password)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%s/%s.password", folder, user);
    return setup_write(setup, name, password->text, strlen(password->text), true);
}

/* One key for all that share the store. */
static bool write_store_keys(const struct setup *setup, const char *first, const char *second)
{
    unsigned char octets[STORE_KEY_LENGTH];
    char line[2 * STORE_KEY_LENGTH + 4] = "1:", name[64];
    bool done =
        RAND_priv_bytes(octets, sizeof(octets)) > 0 || setup_fail("store.key", "no randomness");

    to_hex(octets, sizeof(octets), line + 2);
    (void)OPENSSL_strlcat(line, "\n", sizeof(line));
    (void)snprintf(name, sizeof(name), "%s/store.key", first);
    done = done && setup_write(setup, name, line, strlen(line), true);
    if (second != NULL) {
        (void)snprintf(name, sizeof(name), "%s/store.key", second);
        done = done && setup_write(setup, name, line, strlen(line), true);
    }
    OPENSSL_cleanse(octets, sizeof(octets));
    OPENSSL_cleanse(line, sizeof(line));
    return done;
}

static bool write_redis(const struct setup *setup)
{
    const char *holder = setup->choice.third_party != NULL ? "third-party" : "all";
    const char *endpoint = setup->choice.endpoint != NULL ? "endpoint" : NULL;
    struct password passwords[USERS];
    bool done = true;

    if (setup->choice.redis == NULL)
        return true;
    for (size_t i = 0; done && i < USERS; i++)
        done = make_password(&passwords[i]);
    done = done && setup_make_folder(setup, "redis") && write_redis_conf(setup) &&
           write_acl(setup, passwords) &&
           write_password(setup, holder, users[0].name, &passwords[0]) &&
           (endpoint == NULL || write_password(setup, endpoint, users[1].name, &passwords[1])) &&
           write_password(setup, "redis", users[2].name, &passwords[2]) &&
           write_store_keys(setup, holder, endpoint);
    OPENSSL_cleanse(passwords, sizeof(passwords));
    return done;
}

static bool write_devices(const struct setup *setup, const char *folder)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%s/devices.csv", folder);
    return setup_write(setup, name, COLUMNS, strlen(COLUMNS), true);
}

/* The README */

struct host {
    bool is_wanted;
    const char *folder, *where, *unit;
};

static void put_hosts(FILE *out, const struct setup *setup, const struct host *hosts, size_t count)
{
    fputs("| folder | goes to | as the unit |\n|---|---|---|\n", out);
    for (size_t i = 0; i < count; i++)
        if (hosts[i].is_wanted)
            fprintf(out, "| `%s` | %s | `%s` |\n", hosts[i].folder, hosts[i].where, hosts[i].unit);
    fprintf(out,
            "| `ca.key` | nowhere: its holder can pose as NAF, third party or Redis | |\n\n"
            "Every file names its paths below `%s`: put each folder at this path on its host, "
            "in this order: a unit does not start before its Redis answers.\n\n",
            setup->dir);
}

/* Root owns the files, and their program's group reads them (docs/deployment.md). */
static void put_host_commands(FILE *out, const struct setup *setup, const struct host *host)
{
    const bool is_redis = strcmp(host->folder, "redis") == 0;
    const char *dir = setup->dir, *folder = host->folder;

    fprintf(out, "## %s: %s\n\n", folder, host->where);
    fprintf(out, "    tar -C / -c .%s/%s | ssh root@%s tar -C / -x    # unless it exists\n", dir,
            folder, host->where);
    fprintf(out, "    chgrp -R %s%s %s/%s && chmod -R g+rX %s/%s && chmod 755 %s\n",
            is_redis ? "" : "akma-e2e-", folder, dir, folder, dir, folder, dir);
    if (is_redis)
        fprintf(out,
                "    echo 'include %s/redis/redis.conf' >> /etc/redis/redis.conf\n"
                "    systemctl restart %s\n\n",
                dir, host->unit);
    else
        fprintf(out,
                "    echo 'include %s/%s/*.conf' > /etc/akma/%s.conf\n"
                "    systemctl enable --now %s\n\n",
                dir, folder, folder, host->unit);
}

static void put_devices(FILE *out, const struct setup *setup)
{
    const char *holder = setup->choice.third_party != NULL ? "third-party" : "all";

    fprintf(
        out,
        "## A device\n\n"
        "Its Ka goes to the third party, and by a channel that the operator does not see to the "
        "device:\n\n"
        "    akma ka new --identity ue1@bsf.example.com --ka-id 2026 --out ue1.csv\n"
        "    akma ka add --new --devices %s/%s/devices.csv --in ue1.csv\n"
        "    systemctl reload e2e-as-%s\n\n"
        "`ue/ue.conf` is the device's configuration: add `identity`, and its keys to "
        "`ue/devices.csv`. Ks_NAF comes "
        "from the operator: at the NAF by `key-source` (e2e-as(1)), or in a trial by the "
        "column `ks-naf`.\n\n",
        setup->dir, holder, holder);
}

static void put_renewal(FILE *out, const struct setup *setup)
{
    fprintf(
        out,
        "## Certificates\n\n"
        "The CA is valid for ten years, certificates for 397 days. `akma setup %s` renews those "
        "that have less than a third "
        "of their life left, and says so; keys stay. Copy the files that it names to their "
        "hosts, then "
        "`systemctl reload` there. `/metrics` shows the current certificates, and when they end.\n",
        setup->dir);
}

static void put_readme(FILE *out, const struct setup *setup)
{
    const struct setup_choice *c = &setup->choice;
    const bool apart = c->third_party != NULL;
    /* in the order in which they can be started: a unit whose Redis does not answer fails */
    const struct host hosts[] = {
        {c->redis != NULL, "redis", apart ? c->third_party : c->naf_fqdn, "redis-server"},
        {!apart, "all", c->naf_fqdn, "e2e-as-all"},
        {apart, "third-party", apart ? c->third_party : "", "e2e-as-third-party"},
        {c->endpoint != NULL, "endpoint", c->endpoint != NULL ? c->endpoint : "",
         "e2e-as-endpoint"},
        {apart, "naf", c->naf_fqdn, "e2e-as-naf"},
    };
    const size_t count = sizeof(hosts) / sizeof(hosts[0]);

    fprintf(out,
            "# The deployment of %s\n\nMade by `akma setup`. Everything here is secret but this "
            "page.\n\n",
            c->naf_fqdn);
    put_hosts(out, setup, hosts, count);
    for (size_t i = 0; i < count; i++)
        if (hosts[i].is_wanted)
            put_host_commands(out, setup, &hosts[i]);
    put_devices(out, setup);
    put_renewal(out, setup);
}

static bool write_role(const struct setup *setup, const char *folder, put_text *put,
                       bool has_devices)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%s/%s.conf", folder, folder);
    return setup_make_folder(setup, folder) && write_text(setup, name, put) &&
           (!has_devices || write_devices(setup, folder));
}

bool setup_write_texts(const struct setup *setup)
{
    const struct setup_choice *c = &setup->choice;
    const bool roles = c->third_party != NULL
                           ? write_role(setup, "naf", put_naf, true) &&
                                 write_role(setup, "third-party", put_third_party, true)
                           : write_role(setup, "all", put_all, true);

    return roles && (c->endpoint == NULL || write_role(setup, "endpoint", put_endpoint, false)) &&
           write_role(setup, "ue", put_ue, true) && write_redis(setup) &&
           write_text(setup, "README.md", put_readme);
}
