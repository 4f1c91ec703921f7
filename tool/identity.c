/*
 * akma identity: A-KID and B-TID from their parts, and the PSK identity of the first connection
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "command.h"
#include "hex.h"
#include "home_network.h"
#include "options.h"
#include "printable.h"

#include <akma/kdf.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LENGTH 253
#define IDENTITY_SIZE   256 /* libssl takes PSK identities of up to 256 octets */
#define RAND_HEX        ((size_t)2 * AKMA_RAND_LENGTH)
#define A_TID_HEX       ((size_t)2 * AKMA_KEY_LENGTH)

static const char example[] =
    "B-TID: base64(RAND)@BSF (TS 33.220 4.5.2). A-KID: rid<RID>.tid<A-TID>@realm.\n"
    "TS 33.535 6.1 names these parts but not how they are joined: this form is our\n"
    "own, after that of a SUCI (TS 23.003 28.7.3). Give an A-KID of another form\n"
    "whole, with --a-kid. akma derive --algorithm AKMA-A-TID gives A-TID.\n"
    "\n"
    "PSK identity (TS 24.109): 3GPP-AKMA and the A-KID; 3GPP-bootstrapping, or with\n"
    "--uicc 3GPP-bootstrapping-uicc, a separator and the B-TID.\n"
    "\n"
    "Example:\n"
    "  akma identity --rand 000102030405060708090a0b0c0d0e0f --bsf bsf.example.com";

static struct {
    const char *rand, *bsf, *rid, *a_tid, *realm, *b_tid, *a_kid, *uicc, *separator;
} option;

static const struct option_row gba[] = {
    {"rand", "HEX", &option.rand, OPTION_OPTIONAL, "RAND of the bootstrapping: 16 octets"},
    {"bsf", "NAME", &option.bsf, OPTION_OPTIONAL, "domain name of the BSF"},
    {"b-tid", "TEXT", &option.b_tid, OPTION_OPTIONAL, "instead of these two, the B-TID"},
    {"uicc", NULL, &option.uicc, OPTION_OPTIONAL, "the key is Ks_int_NAF"},
};

static const struct option_row akma[] = {
    {"rid", "DIGITS", &option.rid, OPTION_OPTIONAL, "routing indicator: 1 to 4 digits"},
    {"a-tid", "HEX", &option.a_tid, OPTION_OPTIONAL, "A-TID: 32 octets"},
    {"realm", "NAME", &option.realm, OPTION_OPTIONAL,
     "home network, such as 5gc.mnc012.mcc345.3gppnetwork.org"},
    {"a-kid", "TEXT", &option.a_kid, OPTION_OPTIONAL, "instead of these three, the A-KID"},
};

static const struct option_row both[] = {
    {"separator", "TEXT", &option.separator, OPTION_OPTIONAL,
     "between prefix and identity (default . for a B-TID, nothing for an A-KID)"},
};

static const struct option_group groups[] = {
    OPTION_GROUP("GBA:", gba),
    OPTION_GROUP("AKMA:", akma),
    OPTION_GROUP("Both:", both),
    {example, NULL, 0},
};

static bool complain(const char *name, const char *given, const char *wanted)
{
    if (given == NULL)
        fprintf(stderr, "akma identity: --%s is missing: give %s\n", name, wanted);
    else
        fprintf(stderr, "akma identity: --%s %s: must be %s\n", name, PRINTABLE(given), wanted);
    return false;
}

static bool is_name(const char *name, const char *domain)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-";

    if (domain == NULL || domain[0] == '\0' || strlen(domain) > NAME_MAX_LENGTH ||
        strspn(domain, letters) != strlen(domain))
        return complain(name, domain, "a domain name");
    return home_network_fault(domain) == NULL || complain(name, domain, home_network_fault(domain));
}

static bool is_hex(const char *name, const char *hex, unsigned char *octets, size_t digits)
{
    return (hex != NULL && strlen(hex) == digits && hex_decode(octets, hex, digits)) ||
           complain(name, hex, digits == RAND_HEX ? "32 hex digits" : "64 hex digits");
}

static bool make_b_tid(char identity[IDENTITY_SIZE])
{
    unsigned char octets[AKMA_RAND_LENGTH], text[32];

    if (!is_hex("rand", option.rand, octets, RAND_HEX) || !is_name("bsf", option.bsf))
        return false;
    (void)EVP_EncodeBlock(text, octets, sizeof(octets));
    return snprintf(identity, IDENTITY_SIZE, "%s@%s", (char *)text, option.bsf) < IDENTITY_SIZE ||
           complain("bsf", option.bsf, "a B-TID of at most 255 octets");
}

static bool make_a_kid(char identity[IDENTITY_SIZE])
{
    unsigned char octets[AKMA_KEY_LENGTH];
    char text[A_TID_HEX + 1] = "";
    const size_t rid = option.rid == NULL ? 0 : strspn(option.rid, "0123456789");

    if (rid < 1 || rid > 4 || option.rid[rid] != '\0')
        return complain("rid", option.rid, "1 to 4 digits");
    if (!is_hex("a-tid", option.a_tid, octets, A_TID_HEX) || !is_name("realm", option.realm))
        return false;
    (void)hex_encode(text, octets, sizeof(octets));
    return snprintf(identity, IDENTITY_SIZE, "rid%s.tid%s@%s", option.rid, text, option.realm) <
               IDENTITY_SIZE ||
           complain("realm", option.realm, "an A-KID of at most 255 octets");
}

/* Printable ASCII: what RFC 7542 asks of a NAI, and a log and a file of rows can bear. */
static bool is_plain(const char *text)
{
    while (*text > ' ' && *text <= '~' && *text != '"' && *text != ',')
        text++;
    return *text == '\0';
}

/* user@realm */
static bool take_nai(char identity[IDENTITY_SIZE], const char *name, const char *given)
{
    const char *at = is_plain(given) ? strchr(given, '@') : NULL;

    if (at == NULL || at == given || at[1] == '\0' || strlen(given) >= IDENTITY_SIZE)
        return complain(name, given, "user@realm of at most 255 octets");
    if (home_network_nai_fault(given) != NULL)
        return complain(name, given, home_network_nai_fault(given));
    memcpy(identity, given, strlen(given) + 1);
    return true;
}

static bool print(const char *name, const char *prefix, const char *separator, const char *identity)
{
    if (option.separator != NULL)
        separator = option.separator;
    if (!is_plain(separator))
        return complain("separator", separator, "printable ASCII without blank, quote and comma");
    if (strlen(prefix) + strlen(separator) + strlen(identity) > IDENTITY_SIZE)
        return complain("separator", separator, "a PSK identity of at most 256 octets");
    printf("%s: %s\npsk-identity: %s%s%s\n", name, identity, prefix, separator, identity);
    return true;
}

static bool print_b_tid(void)
{
    char identity[IDENTITY_SIZE];

    return (option.b_tid != NULL ? take_nai(identity, "b-tid", option.b_tid)
                                 : make_b_tid(identity)) &&
           print("b-tid", option.uicc == NULL ? "3GPP-bootstrapping" : "3GPP-bootstrapping-uicc",
                 ".", identity);
}

static bool print_a_kid(void)
{
    char identity[IDENTITY_SIZE];

    return (option.a_kid != NULL ? take_nai(identity, "a-kid", option.a_kid)
                                 : make_a_kid(identity)) &&
           print("a-kid", "3GPP-AKMA", "", identity);
}

int command_identity(int argc, char *argv[])
{
    bool is_gba, is_akma;

    options_parse(argc, argv, "make an A-KID or B-TID and its PSK identity", groups,
                  sizeof(groups) / sizeof(groups[0]));
    is_gba =
        option.rand != NULL || option.bsf != NULL || option.b_tid != NULL || option.uicc != NULL;
    is_akma =
        option.rid != NULL || option.a_tid != NULL || option.realm != NULL || option.a_kid != NULL;
    if (is_gba == is_akma) {
        fprintf(stderr, "akma identity: give the parts of a B-TID or those of an A-KID; try "
                        "--help\n");
        return EXIT_USAGE;
    }
    return (is_gba ? print_b_tid() : print_a_kid()) ? EXIT_SUCCESS : EXIT_USAGE;
}
