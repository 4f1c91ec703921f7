/*
 * HTTP Digest with AKA
 *
 *     A1 = username ":" realm ":" RES        response = H( H(A1) ":" nonce ":" nc ":" cnonce ":"
 * qop ":" H(A2) )
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "digest_aka.h"

#include "auth_params.h"
#include "hex.h"
#include "printable.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MD5_OCTETS    16
#define NC            "00000001"
#define CNONCE_OCTETS 16 /* 128 bits */

static bool fail_without_md5(char fault[GBA_FAULT_SIZE])
{
    return gba_fail(fault,
                    "libcrypto gives no MD5, which HTTP Digest AKAv1-MD5 (RFC 3310) needs: a FIPS "
                    "provider has none, so activate default as well for this program");
}

/* The challenge */

/* Strict base64 into at least `least` octets; more may follow. */
static bool decode_nonce(const char *nonce, unsigned char *octets, size_t least)
{
    unsigned char decoded[DIGEST_TEXT_SIZE];
    const size_t length = strlen(nonce);
    const size_t digits = strspn(nonce, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "0123456789+/");
    const size_t padding = strspn(nonce + digits, "=");
    int got;

    if (length % 4 != 0 || digits + padding != length || padding > 2)
        return false;
    got = EVP_DecodeBlock(decoded, (const unsigned char *)nonce, (int)length);
    if (got < 0 || (size_t)got < least + padding)
        return false;
    memcpy(octets, decoded, least);
    return true;
}

/* One of a list with commas, in any case. */
static bool lists(const char *list, const char *wanted)
{
    const size_t length = strlen(wanted);

    while (*list != '\0') {
        const size_t item = strcspn(list, ", \t");

        if (item == length && strncasecmp(list, wanted, length) == 0)
            return true;
        list += item;
        list += strspn(list, ", \t");
    }
    return false;
}

static bool check_challenge(struct digest_challenge *challenge, const char *algorithm,
                            const char *qop, char fault[GBA_FAULT_SIZE])
{
    unsigned char rand_and_autn[USIM_RAND + USIM_AUTN];

    if (strcasecmp(algorithm, "AKAv1-MD5") != 0)
        return gba_fail(fault, "algorithm %s: only AKAv1-MD5 is supported (RFC 3310, TS 24.109)",
                        PRINTABLE(algorithm));
    challenge->has_auth = lists(qop, "auth");
    challenge->has_auth_int = lists(qop, "auth-int");
    if (!challenge->has_auth && !challenge->has_auth_int)
        return gba_fail(fault, "qop \"%s\": must have auth-int, or auth", PRINTABLE(qop));
    if (!decode_nonce(challenge->nonce, rand_and_autn, sizeof(rand_and_autn)))
        return gba_fail(fault, "nonce: must be base64 of RAND and AUTN, 32 octets or more");
    memcpy(challenge->rand, rand_and_autn, USIM_RAND);
    memcpy(challenge->autn, rand_and_autn + USIM_RAND, USIM_AUTN);
    return true;
}

bool digest_read_challenge(struct digest_challenge *challenge, const char *value, size_t length,
                           char fault[GBA_FAULT_SIZE])
{
    static const char scheme[] = "Digest ";
    char algorithm[32] = "", qop[64] = "", stale[16] = "";
    struct auth_param params[] = {
        {"realm", challenge->realm, sizeof(challenge->realm), false},
        {"nonce", challenge->nonce, sizeof(challenge->nonce), false},
        {"opaque", challenge->opaque, sizeof(challenge->opaque), false},
        {"algorithm", algorithm, sizeof(algorithm), false},
        {"qop", qop, sizeof(qop), false},
        {"stale", stale, sizeof(stale), false},
    };
    const char *which;

    memset(challenge, 0, sizeof(*challenge));
    if (length < sizeof(scheme) - 1 || strncasecmp(value, scheme, sizeof(scheme) - 1) != 0)
        return gba_fail(fault, "the challenge is not Digest");
    if (!auth_params_read(value + sizeof(scheme) - 1, length - (sizeof(scheme) - 1), params,
                          sizeof(params) / sizeof(params[0]), &which))
        return gba_fail(fault, "the challenge is malformed: %s", which);
    for (size_t i = 0; i < 2; i++)
        if (!params[i].is_given || params[i].text[0] == '\0')
            return gba_fail(fault, "the challenge has no %s", params[i].name);
    challenge->has_opaque = params[2].is_given;
    challenge->is_stale = strcasecmp(stale, "true") == 0;
    return check_challenge(challenge, algorithm, qop, fault);
}

/* The response */

struct piece {
    const void *octets;
    size_t length;
};

#define TEXT(text) ((struct piece){text, strlen(text)})
#define PIECES(...)        \
    (const struct piece[]) \
    {                      \
        __VA_ARGS__,       \
        {                  \
            NULL, 0        \
        }                  \
    }

/* MD5 of pieces one after the other, in hex. False: libcrypto has none. */
static bool hash(char out[DIGEST_SIZE], const struct piece *pieces)
{
    unsigned char digest[MD5_OCTETS];
    EVP_MD *md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = md5 != NULL && ctx != NULL && EVP_DigestInit_ex2(ctx, md5, NULL) > 0;

    for (; done && pieces->octets != NULL; pieces++)
        done = EVP_DigestUpdate(ctx, pieces->octets, pieces->length) > 0;
    done = done && EVP_DigestFinal_ex(ctx, digest, NULL) > 0;
    if (done)
        out[hex_encode(out, digest, sizeof(digest))] = '\0';
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md5);
    OPENSSL_cleanse(digest, sizeof(digest));
    return done;
}

static const char *chosen_qop(const struct digest_challenge *challenge)
{
    return challenge->has_auth_int ? "auth-int" : "auth";
}

/* H(A2): A2 = method ":" uri, with auth-int ":" H(body) behind it (RFC 2617 3.2.2.3) */
static bool hash_a2(char out[DIGEST_SIZE], const struct digest_challenge *challenge,
                    const char *method, struct piece body)
{
    char of_body[DIGEST_SIZE];

    if (!challenge->has_auth_int)
        return hash(out, PIECES(TEXT(method), TEXT(":" DIGEST_URI)));
    return hash(of_body, PIECES(body)) &&
           hash(out, PIECES(TEXT(method), TEXT(":" DIGEST_URI ":"), TEXT(of_body)));
}

/* The response of the UE (method GET, no body), or the proof of the BSF (no method, its body). */
static bool make_response(char out[DIGEST_SIZE], const struct digest_client *client,
                          const struct digest_challenge *challenge, struct piece password,
                          const char *method, struct piece body)
{
    char a1[DIGEST_SIZE], a2[DIGEST_SIZE];
    const bool done = hash(a1, PIECES(TEXT(client->username), TEXT(":"), TEXT(challenge->realm),
                                      TEXT(":"), password)) &&
                      hash_a2(a2, challenge, method, body) &&
                      hash(out, PIECES(TEXT(a1), TEXT(":"), TEXT(challenge->nonce),
                                       TEXT(":" NC ":"), TEXT(client->cnonce), TEXT(":"),
                                       TEXT(chosen_qop(challenge)), TEXT(":"), TEXT(a2)));

    OPENSSL_cleanse(a1, sizeof(a1));
    return done;
}

static bool append(char header[DIGEST_HEADER_MAX], size_t *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool append(char header[DIGEST_HEADER_MAX], size_t *at, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, in the line before */
    length = vsnprintf(header + *at, DIGEST_HEADER_MAX - *at, format, arguments);
    va_end(arguments);
    *at += length < 0 ? DIGEST_HEADER_MAX : (size_t)length;
    return *at < DIGEST_HEADER_MAX;
}

/* name="text", with the escapes of a quoted-string */
static bool append_quoted(char header[DIGEST_HEADER_MAX], size_t *at, const char *name,
                          const char *text)
{
    bool done = append(header, at, "%s=\"", name);

    for (; done && *text != '\0'; text++)
        done = append(header, at, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    return done && append(header, at, "\"");
}

bool digest_first(char header[DIGEST_HEADER_MAX], const struct digest_client *client)
{
    size_t at = 0;

    return append(header, &at, "Authorization: Digest ") &&
           append_quoted(header, &at, "username", client->username) && append(header, &at, ",") &&
           append_quoted(header, &at, "realm", client->realm) &&
           append(header, &at, ",nonce=\"\",uri=\"" DIGEST_URI "\",response=\"\"");
}

static bool make_cnonce(struct digest_client *client)
{
    unsigned char octets[CNONCE_OCTETS];

    if (RAND_bytes(octets, sizeof(octets)) <= 0)
        return false;
    client->cnonce[hex_encode(client->cnonce, octets, sizeof(octets))] = '\0';
    return true;
}

static bool write_authorization(char header[DIGEST_HEADER_MAX], const struct digest_client *client,
                                const struct digest_challenge *challenge, const char *response,
                                const char *auts)
{
    size_t at = 0;

    return append(header, &at, "Authorization: Digest ") &&
           append_quoted(header, &at, "username", client->username) && append(header, &at, ",") &&
           append_quoted(header, &at, "realm", challenge->realm) && append(header, &at, ",") &&
           append_quoted(header, &at, "nonce", challenge->nonce) &&
           append(header, &at,
                  ",uri=\"" DIGEST_URI "\",qop=%s,nc=" NC ",cnonce=\"%s\",response=\"%s\"",
                  chosen_qop(challenge), client->cnonce, response) &&
           append(header, &at, ",algorithm=AKAv1-MD5") &&
           (!challenge->has_opaque || (append(header, &at, ",") &&
                                       append_quoted(header, &at, "opaque", challenge->opaque))) &&
           (auts == NULL || append(header, &at, ",auts=\"%s\"", auts));
}

/* Authorization under a password: RES, or nothing where AUTS goes with it. */
static bool authorize(char header[DIGEST_HEADER_MAX], struct digest_client *client,
                      const struct digest_challenge *challenge, struct piece password,
                      const char *auts, char fault[GBA_FAULT_SIZE])
{
    const struct piece no_body = {"", 0};
    char response[DIGEST_SIZE];

    if (!make_cnonce(client))
        return gba_fail(fault, "libcrypto gives no random octets");
    if (!make_response(response, client, challenge, password, "GET", no_body))
        return fail_without_md5(fault);
    return write_authorization(header, client, challenge, response, auts) ||
           gba_fail(fault, "the Authorization header is longer than %d octets", DIGEST_HEADER_MAX);
}

bool digest_resynchronise(char header[DIGEST_HEADER_MAX], struct digest_client *client,
                          const struct digest_challenge *challenge,
                          const unsigned char auts[USIM_AUTS], char fault[GBA_FAULT_SIZE])
{
    unsigned char text[(USIM_AUTS + 2) / 3 * 4 + 1];
    const struct piece no_password = {"", 0};

    (void)EVP_EncodeBlock(text, auts, USIM_AUTS);
    return authorize(header, client, challenge, no_password, (const char *)text, fault);
}

bool digest_respond(char header[DIGEST_HEADER_MAX], struct digest_client *client,
                    const struct digest_challenge *challenge, const struct usim_answer *answer,
                    char fault[GBA_FAULT_SIZE])
{
    const struct piece res = {answer->res, answer->res_length};

    return authorize(header, client, challenge, res, NULL, fault);
}

/* The proof */

/* Hex of either case, compared in constant time; it is lowercased in place. */
static bool is_digest(char *given, const char wanted[DIGEST_SIZE])
{
    for (char *c = given; *c != '\0'; c++)
        *c |= *c >= 'A' && *c <= 'F' ? 0x20 : 0;
    return strlen(given) == DIGEST_SIZE - 1 && CRYPTO_memcmp(given, wanted, DIGEST_SIZE - 1) == 0;
}

bool digest_verify(const struct digest_client *client, const struct digest_challenge *challenge,
                   const struct usim_answer *answer, const char *value, size_t length,
                   const char *body, size_t body_length, char fault[GBA_FAULT_SIZE])
{
    char rspauth[DIGEST_TEXT_SIZE], cnonce[DIGEST_TEXT_SIZE], nc[16], qop[16], wanted[DIGEST_SIZE];
    struct auth_param params[] = {
        {"rspauth", rspauth, sizeof(rspauth), false},
        {"cnonce", cnonce, sizeof(cnonce), false},
        {"nc", nc, sizeof(nc), false},
        {"qop", qop, sizeof(qop), false},
    };
    const char *which;

    if (!auth_params_read(value, length, params, sizeof(params) / sizeof(params[0]), &which))
        return gba_fail(fault, "Authentication-Info is malformed: %s", which);
    if (!params[0].is_given)
        return gba_fail(fault, "Authentication-Info has no rspauth");
    if ((params[1].is_given && strcmp(cnonce, client->cnonce) != 0) ||
        (params[2].is_given && strcmp(nc, NC) != 0) ||
        (params[3].is_given && strcasecmp(qop, chosen_qop(challenge)) != 0))
        return gba_fail(fault,
                        "Authentication-Info answers another request: cnonce, nc or qop differ");
    if (!make_response(wanted, client, challenge, (struct piece){answer->res, answer->res_length},
                       "", (struct piece){body, body_length}))
        return fail_without_md5(fault);
    return is_digest(rspauth, wanted) ||
           gba_fail(fault, "rspauth is wrong: the answer is not the BSF's, or was altered");
}
