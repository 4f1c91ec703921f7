/*
 * The derivations of akma_device.h
 *
 *     S = FC || P0 || L0 || P1 || L1 || ... || Pn || Ln        TS 33.220 B.2.0
 *
 * S is never in memory as a whole: its parts go to HMAC one by one, once for each block of output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "akma_device.h"

#define KEY_SIZE         32U
#define RAND_SIZE        16U
#define UA_SIZE          5U
#define KA_MIN           16U
#define TEXT_MAX         65535U /* what a two-octet L counts */
#define SHORT_MAX        255U
#define FQDN_MAX         253U /* RFC 1035, in text form */
#define LABEL_MAX        63U
#define NOT_AFTER_MAX    UINT64_C(253402300799) /* the end of the year 9999 */
#define MALFORMED        UINT32_C(0xFFFFFFFF)
#define FC_AND_P0(begin) (begin), sizeof(begin) - 1

/* FC || P0 || L0 of the derivations; AKMA-K-AF has no constant P0. */
static const uint8_t begin_e2e[] = "\xFF\xE2"
                                   "akma-e2e\0\x08";
static const uint8_t begin_ks_naf[] = "\x01"
                                      "gba-me\0\x06";
static const uint8_t begin_k_af[] = "\x82";

static void wipe(volatile uint8_t *octets, size_t length)
{
    while (length > 0)
        octets[--length] = 0;
}

/* What an input may be: how long, and whether it may be left out. */
struct bounds {
    enum akma_input input;
    int is_required;
    size_t min, max;
};

static int length_fault(const struct akma_octets *value, const struct bounds *bounds)
{
    if (value->octets == NULL)
        return bounds->is_required ? AKMA_FAULT_MISSING : AKMA_FAULT_NONE;
    return value->length < bounds->min || value->length > bounds->max ? AKMA_FAULT_LENGTH
                                                                      : AKMA_FAULT_NONE;
}

static int reason(enum akma_input input, int fault)
{
    return fault == AKMA_FAULT_NONE ? 0 : AKMA_REASON(input, fault);
}

/* Secrets are compared in constant time; only the resulting bit is public, and tests declare it so.
 */
#ifndef AKMA_DECLASSIFY
#    define AKMA_DECLASSIFY(bit) (bit)
#endif

static unsigned int is_zero(const uint8_t *octets, size_t length)
{
    unsigned int any = 0;

    while (length > 0)
        any |= octets[--length];
    return any == 0;
}

static unsigned int is_equal(const uint8_t *one, const uint8_t *other, size_t length)
{
    unsigned int any = 0;

    while (length > 0) {
        length--;
        any |= (unsigned int)(one[length] ^ other[length]);
    }
    return any == 0;
}

static int secret_fault(const struct akma_octets *secret, const struct bounds *bounds)
{
    const int fault = length_fault(secret, bounds);

    if (fault == AKMA_FAULT_NONE && AKMA_DECLASSIFY(is_zero(secret->octets, secret->length)))
        return AKMA_FAULT_ZERO;
    return fault;
}

/* Ks_NAF, Ks or K_AKMA. */
static int key_reason(const struct akma_octets *key, enum akma_input input)
{
    const struct bounds bounds = {input, 1, KEY_SIZE, KEY_SIZE};

    return reason(input, secret_fault(key, &bounds));
}

/* Host-name text (RFC 1123 2.1). */

static int is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int is_host_name_octet(uint8_t c)
{
    const uint8_t lower = c | 0x20;

    return is_digit(c) || c == '-' || c == '.' || (lower >= 'a' && lower <= 'z');
}

static int octet_fault(uint8_t c)
{
    if (c == ':' || c == '/')
        return AKMA_FAULT_URL;
    return is_host_name_octet(c) ? AKMA_FAULT_NONE : AKMA_FAULT_HOST_NAME;
}

static int label_fault(const uint8_t *label, size_t length)
{
    if (length == 0 || length > LABEL_MAX || label[0] == '-' || label[length - 1] == '-')
        return AKMA_FAULT_LABEL;
    return AKMA_FAULT_NONE;
}

static int fqdn_fault(const uint8_t *fqdn, size_t length)
{
    size_t label = 0, i; /* label: where the current one starts */
    int is_number = 1, fault;

    if (length == 0 || length > FQDN_MAX)
        return AKMA_FAULT_LENGTH;
    for (i = 0; i < length; i++) {
        fault = octet_fault(fqdn[i]);
        if (fault != AKMA_FAULT_NONE)
            return fault;
    }
    for (i = 0; i < length; i++) {
        is_number = is_number && is_digit(fqdn[i]);
        if (fqdn[i] != '.')
            continue;
        if (label_fault(fqdn + label, i - label) != AKMA_FAULT_NONE)
            return AKMA_FAULT_LABEL;
        label = i + 1;
        is_number = 1;
    }
    fault = label_fault(fqdn + label, length - label);
    if (fault == AKMA_FAULT_NONE && is_number)
        return AKMA_FAULT_ADDRESS;
    return fault;
}

static int ua_protocol_fault(const uint8_t *identifier)
{
    if (is_host_name_octet(identifier[0]))
        return AKMA_FAULT_PROTOCOL;
    if (identifier[0] == 0 && !is_zero(identifier, UA_SIZE))
        return AKMA_FAULT_PROTOCOL; /* TS 33.220 H.2 */
    return AKMA_FAULT_NONE;
}

/* The whole NAF_Id. */
static int naf_id_reason(const struct akma_octets *naf_id)
{
    const size_t fqdn = naf_id->length - UA_SIZE;
    int fault;

    if (naf_id->length < UA_SIZE + 1 || naf_id->length > UA_SIZE + FQDN_MAX)
        return AKMA_REASON(AKMA_INPUT_NAF_ID, AKMA_FAULT_LENGTH);
    if (is_host_name_octet(naf_id->octets[fqdn]))
        return AKMA_REASON(AKMA_INPUT_NAF_ID, AKMA_FAULT_IDENTIFIER);
    fault = fqdn_fault(naf_id->octets, fqdn);
    if (fault == AKMA_FAULT_NONE)
        fault = ua_protocol_fault(naf_id->octets + fqdn);
    return reason(AKMA_INPUT_NAF_ID, fault);
}

/* NAF_Id by its halves. */
static int naf_halves_reason(const struct akma_naf *naf)
{
    const struct bounds fqdn = {AKMA_INPUT_NAF_FQDN, 1, 1, FQDN_MAX};
    const struct bounds ua = {AKMA_INPUT_UA_PROTOCOL_ID, 1, UA_SIZE, UA_SIZE};
    int fault = length_fault(&naf->naf_fqdn, &fqdn);

    if (fault == AKMA_FAULT_NONE)
        fault = fqdn_fault(naf->naf_fqdn.octets, naf->naf_fqdn.length);
    if (fault != AKMA_FAULT_NONE)
        return AKMA_REASON(AKMA_INPUT_NAF_FQDN, fault);
    fault = length_fault(&naf->ua_protocol_id, &ua);
    if (fault == AKMA_FAULT_NONE)
        fault = ua_protocol_fault(naf->ua_protocol_id.octets);
    return reason(AKMA_INPUT_UA_PROTOCOL_ID, fault);
}

static int naf_reason(const struct akma_naf *naf)
{
    const int has_half = naf->naf_fqdn.octets != NULL || naf->ua_protocol_id.octets != NULL;

    if (naf->naf_id.octets != NULL)
        return has_half ? AKMA_REASON(AKMA_INPUT_NAF_ID, AKMA_FAULT_CONFLICT)
                        : naf_id_reason(&naf->naf_id);
    return has_half ? naf_halves_reason(naf) : AKMA_REASON(AKMA_INPUT_NAF_ID, AKMA_FAULT_MISSING);
}

/* Texts: well-formed UTF-8 (RFC 3629) without invisible characters. */

/* First and last code point of each range refused; the noncharacters at the end of a plane aside.
 */
static const uint16_t refused[][2] = {
    {0x0000, 0x001F}, {0x007F, 0x009F}, {0x00AD, 0x00AD}, {0x200B, 0x200F}, {0x2028, 0x202E},
    {0x2060, 0x2064}, {0x2066, 0x206F}, {0xFDD0, 0xFDEF}, {0xFEFF, 0xFEFF},
};

static int is_refused(uint32_t code)
{
    size_t i;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (code >= refused[i][0] && code <= refused[i][1])
            return 1;
    return (code & 0xFFFE) == 0xFFFE;
}

/* The code point at *at, which moves behind it. */
static uint32_t next_code_point(const uint8_t **at, const uint8_t *end)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const uint8_t first = *(*at)++;
    const unsigned int more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    uint32_t code = first & (more == 0 ? 0x7FU : 0x3FU >> more);
    unsigned int i;

    if (first >= 0x80 && (first < 0xC2 || first > 0xF4))
        return MALFORMED;
    for (i = 0; i < more; i++) {
        if (*at == end || (**at & 0xC0) != 0x80)
            return MALFORMED;
        code = code << 6 | (uint32_t)(*(*at)++ & 0x3F);
    }
    if (code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return MALFORMED;
    return code;
}

static int text_fault(const struct akma_octets *text)
{
    const uint8_t *at = text->octets, *end = at + text->length;

    while (at != end) {
        const uint32_t code = next_code_point(&at, end);

        if (code == MALFORMED)
            return AKMA_FAULT_UTF8;
        if (is_refused(code))
            return AKMA_FAULT_CHARACTER;
    }
    return AKMA_FAULT_NONE;
}

static int is_blank(uint32_t code)
{
    return code == 0x20 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
           code == 0x202F || code == 0x205F || code == 0x3000;
}

/* A URI's scheme in front (sip:, sips:, tel:), in any case. */
static int has_scheme(const struct akma_octets *text)
{
    static const char schemes[][6] = {"sip:", "sips:", "tel:"};
    size_t i, j;

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        for (j = 0; schemes[i][j] != '\0'; j++)
            if (j == text->length || (text->octets[j] | 0x20) != (schemes[i][j] | 0x20))
                break;
        if (schemes[i][j] == '\0')
            return 1;
    }
    return 0;
}

/* user@realm (TS 23.003 13.3) */
static int impi_form_fault(const struct akma_octets *impi)
{
    const uint8_t *at = impi->octets, *end = at + impi->length;
    unsigned int ats = 0;

    while (at != end) {
        if (*at == '@' && (++ats > 1 || at == impi->octets || at + 1 == end))
            return AKMA_FAULT_FORM;
        if (is_blank(next_code_point(&at, end)))
            return AKMA_FAULT_FORM;
    }
    return ats == 1 && !has_scheme(impi) ? AKMA_FAULT_NONE : AKMA_FAULT_FORM;
}

static int impi_reason(const struct akma_octets *impi)
{
    const struct bounds bounds = {AKMA_INPUT_IMPI, 1, 1, TEXT_MAX};
    int fault = length_fault(impi, &bounds);

    if (fault == AKMA_FAULT_NONE)
        fault = text_fault(impi);
    if (fault == AKMA_FAULT_NONE)
        fault = impi_form_fault(impi);
    return reason(AKMA_INPUT_IMPI, fault);
}

/* Inputs that only AKMA-E2E has. */

static int ka_reason(const struct akma_e2e_input *input)
{
    const struct bounds bounds = {AKMA_INPUT_KA, 1, KA_MIN, TEXT_MAX};
    const struct akma_octets *ka = &input->ka;
    const int fault = secret_fault(ka, &bounds);

    if (fault == AKMA_FAULT_NONE && ka->length == KEY_SIZE &&
        AKMA_DECLASSIFY(is_equal(ka->octets, input->ks_naf.octets, KEY_SIZE)))
        return AKMA_REASON(AKMA_INPUT_KA, AKMA_FAULT_EQUAL);
    return reason(AKMA_INPUT_KA, fault);
}

static int usage_reason(const struct akma_octets *usage)
{
    const struct bounds bounds = {AKMA_INPUT_USAGE, 0, 0, SHORT_MAX};
    int fault = length_fault(usage, &bounds);

    if (fault == AKMA_FAULT_NONE && usage->octets != NULL)
        fault = text_fault(usage);
    return reason(AKMA_INPUT_USAGE, fault);
}

static int refresh_reason(const struct akma_octets *refresh)
{
    const struct bounds bounds = {AKMA_INPUT_REFRESH, 0, 0, SHORT_MAX};

    return reason(AKMA_INPUT_REFRESH, length_fault(refresh, &bounds));
}

static int mode_reason(enum akma_e2e_mode mode)
{
    const int is_known = mode == AKMA_E2E_3GPP || mode == AKMA_E2E_HKDF;

    return reason(AKMA_INPUT_MODE, is_known ? AKMA_FAULT_NONE : AKMA_FAULT_VALUE);
}

static int not_after_reason(const struct akma_e2e_input *input)
{
    int fault = AKMA_FAULT_NONE;

    if (input->not_after != NULL && *input->not_after > NOT_AFTER_MAX)
        fault = AKMA_FAULT_VALUE;
    else if (input->not_after != NULL && input->now > *input->not_after)
        fault = AKMA_FAULT_EXPIRED;
    return reason(AKMA_INPUT_NOT_AFTER, fault);
}

static int output_reason(size_t length, size_t max)
{
    return reason(AKMA_INPUT_OUTPUT,
                  length < 1 || length > max ? AKMA_FAULT_LENGTH : AKMA_FAULT_NONE);
}

static int e2e_reason(const struct akma_e2e_input *input, size_t length)
{
    int why = key_reason(&input->ks_naf, AKMA_INPUT_KS_NAF);

    why = why != 0 ? why : ka_reason(input);
    why = why != 0 ? why : naf_reason(&input->naf);
    why = why != 0 ? why : refresh_reason(&input->refresh);
    why = why != 0 ? why : usage_reason(&input->usage);
    why = why != 0 ? why : mode_reason(input->mode);
    why = why != 0 ? why : output_reason(length, AKMA_E2E_KEY_MAX);
    return why != 0 ? why : not_after_reason(input);
}

/* S, a part at a time */

static void add(const struct akma_hmac *hmac, const uint8_t *octets, size_t length)
{
    if (length > 0)
        hmac->add(hmac->ctx, octets, length);
}

/* L: two octets, big endian */
static void add_l(const struct akma_hmac *hmac, size_t length)
{
    const uint8_t l[2] = {(uint8_t)(length >> 8), (uint8_t)length};

    add(hmac, l, sizeof(l));
}

static void add_part(const struct akma_hmac *hmac, const struct akma_octets *part)
{
    const size_t length = part->octets == NULL ? 0 : part->length;

    add(hmac, part->octets, length);
    add_l(hmac, length);
}

/* FQDN, Ua security protocol identifier, and one L for both */
static void add_naf(const struct akma_hmac *hmac, const struct akma_naf *naf)
{
    if (naf->naf_id.octets != NULL) {
        add_part(hmac, &naf->naf_id);
        return;
    }
    add(hmac, naf->naf_fqdn.octets, naf->naf_fqdn.length);
    add(hmac, naf->ua_protocol_id.octets, UA_SIZE);
    add_l(hmac, naf->naf_fqdn.length + UA_SIZE);
}

/* NAF_Id || L || refresh || L || usage || L || P5 || L5, with P5 = the output's length */
static void add_public_parts(const struct akma_hmac *hmac, const struct akma_e2e_input *input,
                             size_t length)
{
    add_naf(hmac, &input->naf);
    add_part(hmac, &input->refresh);
    add_part(hmac, &input->usage);
    add_l(hmac, length);
    add_l(hmac, 2);
}

/* The first octets of the HMAC. 0 if it failed: then all of them are 0. */
static int finish(const struct akma_hmac *hmac, uint8_t *out, size_t length)
{
    uint8_t block[AKMA_HMAC_SIZE];
    unsigned int failed;
    size_t i;

    hmac->end(hmac->ctx, block);
    failed = AKMA_DECLASSIFY(is_zero(block, sizeof(block)));
    for (i = 0; i < length; i++)
        out[i] = block[i];
    wipe(block, sizeof(block));
    return !failed;
}

/* A block of the output, T(i) or what is wanted of it */
struct block {
    uint8_t i;
    uint8_t *out;
    size_t length;
};

/* T(i) = HMAC( Ks_NAF, S(i) ), S(i) = FC || P0 || L0 || Ka || L1 || ... || L5 || i || 0001 */
static int derive_3gpp(const struct akma_hmac *hmac, const struct akma_e2e_input *input,
                       size_t length, const struct block *block)
{
    hmac->begin(hmac->ctx, input->ks_naf.octets, KEY_SIZE);
    add(hmac, FC_AND_P0(begin_e2e));
    add_part(hmac, &input->ka);
    add_public_parts(hmac, input, length);
    add(hmac, &block->i, 1);
    add_l(hmac, 1);
    return finish(hmac, block->out, block->length);
}

/* PRK = HKDF-Extract( salt = Ks_NAF, IKM = FC || P0 || L0 || Ka || La ) */
static int extract(const struct akma_hmac *hmac, const struct akma_e2e_input *input,
                   uint8_t prk[AKMA_HMAC_SIZE])
{
    hmac->begin(hmac->ctx, input->ks_naf.octets, KEY_SIZE);
    add(hmac, FC_AND_P0(begin_e2e));
    add_part(hmac, &input->ka);
    return finish(hmac, prk, AKMA_HMAC_SIZE);
}

/* T(i) = HMAC( PRK, T(i-1) || info || i ), RFC 5869; T(i-1) is in front of T(i) */
static int derive_hkdf(const struct akma_hmac *hmac, const struct akma_e2e_input *input,
                       const uint8_t prk[AKMA_HMAC_SIZE], size_t length, const struct block *block)
{
    hmac->begin(hmac->ctx, prk, AKMA_HMAC_SIZE);
    if (block->i > 1)
        add(hmac, block->out - AKMA_HMAC_SIZE, AKMA_HMAC_SIZE);
    add(hmac, FC_AND_P0(begin_e2e));
    add_public_parts(hmac, input, length);
    add(hmac, &block->i, 1);
    return finish(hmac, block->out, block->length);
}

/* e2e_key = first octets of T(1) || T(2) || ... */
static int derive_e2e(const struct akma_hmac *hmac, const struct akma_e2e_input *input,
                      uint8_t *key, size_t length)
{
    const int is_hkdf = input->mode == AKMA_E2E_HKDF;
    uint8_t prk[AKMA_HMAC_SIZE];
    struct block block = {0, key, 0};
    size_t done = 0;
    int good = !is_hkdf || extract(hmac, input, prk);

    while (good && done < length) {
        block.i++;
        block.out = key + done;
        block.length = length - done < AKMA_HMAC_SIZE ? length - done : AKMA_HMAC_SIZE;
        good = is_hkdf ? derive_hkdf(hmac, input, prk, length, &block)
                       : derive_3gpp(hmac, input, length, &block);
        done += block.length;
    }
    if (is_hkdf)
        wipe(prk, sizeof(prk));
    if (!good)
        wipe(key, done);
    return good ? 0 : AKMA_HMAC_FAILED;
}

int akma_e2e(const struct akma_hmac *hmac, const struct akma_e2e_input *input, uint8_t *key,
             size_t length)
{
    const int why = e2e_reason(input, length);

    return why != 0 ? why : derive_e2e(hmac, input, key, length);
}

/* The only block of a 3GPP derivation; S is complete. */
static int finish_single(const struct akma_hmac *hmac, uint8_t *key, size_t length)
{
    return finish(hmac, key, length) ? 0 : AKMA_HMAC_FAILED;
}

static int rand_reason(const struct akma_octets *rand)
{
    const struct bounds bounds = {AKMA_INPUT_RAND, 1, RAND_SIZE, RAND_SIZE};

    return reason(AKMA_INPUT_RAND, length_fault(rand, &bounds));
}

int akma_ks_naf(const struct akma_hmac *hmac, const struct akma_ks_naf_input *input, uint8_t *key,
                size_t length)
{
    int why = key_reason(&input->ks, AKMA_INPUT_KEY);

    why = why != 0 ? why : rand_reason(&input->rand);
    why = why != 0 ? why : impi_reason(&input->impi);
    why = why != 0 ? why : naf_reason(&input->naf);
    why = why != 0 ? why : output_reason(length, AKMA_NETWORK_KEY_MAX);
    if (why != 0)
        return why;
    /* S = 01 || "gba-me" || L0 || RAND || L1 || IMPI || L2 || NAF_Id || L3 */
    hmac->begin(hmac->ctx, input->ks.octets, KEY_SIZE);
    add(hmac, FC_AND_P0(begin_ks_naf));
    add_part(hmac, &input->rand);
    add_part(hmac, &input->impi);
    add_naf(hmac, &input->naf);
    return finish_single(hmac, key, length);
}

int akma_k_af(const struct akma_hmac *hmac, const struct akma_k_af_input *input, uint8_t *key,
              size_t length)
{
    int why = key_reason(&input->k_akma, AKMA_INPUT_KEY);

    why = why != 0 ? why : naf_reason(&input->naf);
    why = why != 0 ? why : output_reason(length, AKMA_NETWORK_KEY_MAX);
    if (why != 0)
        return why;
    /* S = 82 || AF_ID || L0 */
    hmac->begin(hmac->ctx, input->k_akma.octets, KEY_SIZE);
    add(hmac, FC_AND_P0(begin_k_af));
    add_naf(hmac, &input->naf);
    return finish_single(hmac, key, length);
}
