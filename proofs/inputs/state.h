/*
 * Any state that inputs can be in, and what they hold as their reader would have it
 *
 * Which inputs are set, and how long they are, is gone through by each harness, so that every place
 * in S is known to cbmc; the octets and the settings are any.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATE_H
#define STATE_H

#include "../s/shapes.h"
#include "inputs.h"

#include <openssl/crypto.h>
#include <string.h>

#ifndef KEY_LENGTH
#    define KEY_LENGTH                                                            \
        2 /* of the key that is held; it is 32, but that matters to the key alone \
           */
#endif
#define UA_LENGTH  5
#define VALUE_MAX  32
#define VALUES_MAX 16

#define WHOLE INPUT_BIT(INPUT_NAF_ID)
#define FQDN  INPUT_BIT(INPUT_NAF_FQDN)
#define UA    INPUT_BIT(INPUT_UA_PROTOCOL_ID)

/* How NAF_Id can have been given: not yet, whole, or by one or both of its halves. */
static const unsigned int nafs[] = {0, WHOLE, FQDN, UA, FQDN | UA};
#define NAFS (sizeof(nafs) / sizeof(nafs[0]))

/* Room that owners embed: for all, or for no more than an S of AKMA-E2E that is empty. */
#define ROOMY 512
#define TIGHT (20 + S_TAIL)
extern size_t embedded_max;

struct held {
    const struct shape *shape;
    unsigned int present;           /* INPUT_BIT of each */
    struct value key, parts[PARTS]; /* an input that was not set is empty */
    enum digest_id digest;
    enum kdf_mode mode;
    int64_t not_after;
    const unsigned char *properties; /* one octet, or NULL */
};

static struct algorithm algorithm;
static const struct errors errors;

/* Octets that can be any: what a harness has left without a value. */
static const unsigned char (*any)[VALUE_MAX];

/* The values that are held are the first of them. */
static struct value any_held(size_t part, size_t length)
{
    return (struct value){any[part], length};
}

static size_t part_of(const struct shape *shape, enum input input)
{
    size_t part = 0;

    while (shape->parts[part] != input)
        part++;
    return part;
}

static size_t naf_length(unsigned int naf)
{
    return ((naf & (WHOLE | FQDN)) != 0 ? 1 : 0) + ((naf & (WHOLE | UA)) != 0 ? UA_LENGTH : 0);
}

/* Nothing was set but NAF_Id, or of all there is an octet or two. */
static struct held held_any(enum derivation_id id, bool is_set, unsigned int naf)
{
    const struct shape *shape = &shapes[id];
    struct held held = {.shape = shape, .digest = DIGEST_SHA2_256, .mode = MODE_3GPP};

    held.key = any_held(PARTS, is_set ? KEY_LENGTH : 0);
    for (size_t i = 0; shape->parts[i] != INPUT_NONE; i++)
        held.parts[i] = any_held(i, shape->parts[i] == INPUT_NAF_ID ? naf_length(naf)
                                    : is_set                        ? 1 + i % 2
                                                                    : 0);
    if (is_set) {
        held.present = algorithm.taken & ~(WHOLE | FQDN | UA);
        held.digest = DIGEST_SHA3_512;
        held.mode = MODE_HKDF;
        held.not_after = nondet_int64();
        held.properties = any[PARTS + 1];
    }
    held.present |= naf;
    return held;
}

/* Inputs that hold this, in as little memory as there may be. */
static void inputs_make(struct inputs *inputs, const struct held *held, size_t room)
{
    struct s *s = &inputs->s;
    size_t length = held->shape->begin;

    embedded_max = room;
    failing = blocks = texts = 0;
    inputs_init(inputs, &algorithm);
    (void)octets_reserve(&inputs->key, held->key.length);
    memcpy(inputs->key.data, held->key.octets, inputs->key.length = held->key.length);
    for (size_t i = 0; held->shape->parts[i] != INPUT_NONE; i++) {
        s->length[i] = held->parts[i].length;
        length += s->length[i] + (held->shape->is_free ? 0 : 2);
    }
    (void)octets_reserve(&s->octets, length + S_TAIL);
    s->octets.length = write_s(held->shape, held->parts, s->octets.data);
    inputs->settings =
        (struct settings){held->present, held->digest, held->mode, held->not_after, NULL};
    if (held->properties != NULL)
        inputs->settings.properties = OPENSSL_strndup((const char *)held->properties, 1);
    has_failed = false;
    raised = 0;
}

/* They hold this, and nothing else. */
static void claim_held(const struct inputs *inputs, const struct held *held)
{
    const struct settings *settings = &inputs->settings;

    CLAIM(inputs->algorithm == &algorithm && inputs->s.layout == &algorithm.layout);
    CLAIM(settings->present == held->present);
    CLAIM(settings->digest == held->digest && settings->mode == held->mode);
    CLAIM(settings->not_after == held->not_after);
    CLAIM((settings->properties == NULL) == (held->properties == NULL));
    CLAIM(held->properties == NULL || settings->properties[0] == (char)held->properties[0]);
    CLAIM(inputs->key.length == held->key.length);
    (void)claim_octets(inputs->key.data, held->key.octets, held->key.length);
    claim_s(&inputs->s, held->shape, held->parts);
    CLAIM(inputs->s.octets.capacity >= inputs->s.octets.length + S_TAIL);
}

#endif
