/*
 * The string S: the one place that knows its layout
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "s.h"

#include <string.h>

/* Write a length; returns the place behind it. */
static unsigned char *write_l(unsigned char *place, size_t length)
{
    place[0] = (unsigned char)(length >> 8);
    place[1] = (unsigned char)length;
    return place + L_SIZE;
}

static void copy_lengths(size_t to[PARTS_MAX], const size_t from[PARTS_MAX])
{
    for (size_t i = 0; i < PARTS_MAX; i++)
        to[i] = from[i];
}

void layout_init(struct layout *layout, const struct derivation *row)
{
    unsigned char *s = layout->empty;

    layout->parts = row->parts;
    layout->public_parts = 0;
    layout->tail = row->tail == TAIL_L_AND_I ? S_TAIL : 0;
    memcpy(s, row->fc, row->fc_length);
    s += row->fc_length;
    if (row->p0_length > 0) {
        memcpy(s, row->p0, row->p0_length);
        s = write_l(s + row->p0_length, row->p0_length);
    }
    layout->begin = (size_t)(s - layout->empty);
    for (size_t i = 0; row->parts[i] != INPUT_NONE; i++) {
        const unsigned int traits = param_table[row->parts[i]].traits;

        layout->l_size[i] = (traits & UNCOUNTED) != 0 ? 0 : L_SIZE;
        if (layout->l_size[i] > 0)
            s = write_l(s, 0);
        if ((traits & SECRET) != 0)
            layout->public_parts = i + 1;
    }
    layout->empty_length = (size_t)(s - layout->empty);
}

void s_init(struct s *s, const struct layout *layout)
{
    s->layout = layout;
    octets_init(&s->octets, s->embedded, sizeof(s->embedded));
    octets_splice(&s->octets, 0, 0, layout->empty, layout->empty_length);
    memset(s->length, 0, sizeof(s->length));
}

void s_free(struct s *s)
{
    octets_free(&s->octets);
}

bool s_copy(struct s *copy, const struct s *s)
{
    s_init(copy, s->layout);
    if (!octets_reserve(&copy->octets, s->octets.length + S_TAIL))
        return false;
    octets_splice(&copy->octets, 0, copy->octets.length, s->octets.data, s->octets.length);
    copy_lengths(copy->length, s->length);
    return true;
}

struct place s_find(const struct s *s, unsigned int wanted)
{
    struct place place = {0, s->layout->begin};

    while (s_at(s, &place) != INPUT_NONE && (wanted & INPUT_BIT(s_at(s, &place))) == 0)
        s_next(s, &place);
    return place;
}

enum input s_at(const struct s *s, const struct place *place)
{
    return s->layout->parts[place->index];
}

void s_next(const struct s *s, struct place *place)
{
    place->offset += s->length[place->index] + s->layout->l_size[place->index];
    place->index++;
}

struct value s_part(const struct s *s, enum input part)
{
    const struct place place = s_find(s, INPUT_BIT(part));

    return (struct value){s->octets.data + place.offset, s->length[place.index]};
}

bool s_reserve(struct s *s, size_t growth)
{
    return octets_reserve(&s->octets, s->octets.length + growth + S_TAIL);
}

void s_put(struct s *s, const struct place *place, const struct value *value)
{
    octets_splice(&s->octets, place->offset, s->length[place->index], value->octets, value->length);
    if (s->length[place->index] == value->length)
        return; /* its L is there already */
    s->length[place->index] = value->length;
    if (s->layout->l_size[place->index] > 0)
        (void)write_l(s->octets.data + place->offset + value->length, value->length);
}

void s_empty(struct s *s, const struct place *place)
{
    octets_splice(&s->octets, place->offset, s->length[place->index], NULL, 0);
    s->length[place->index] = 0;
}

void s_add(struct s *s, const struct place *place, const struct value *element)
{
    const size_t end = place->offset + s->length[place->index];
    unsigned char l[L_SIZE];

    (void)write_l(l, element->length);
    octets_splice(&s->octets, end, 0, element->octets, element->length);
    octets_splice(&s->octets, end + element->length, 0, l, sizeof(l));
    s->length[place->index] += element->length + sizeof(l);
}

bool s_save(const struct s *s, const struct place *from, struct s_undo *saved)
{
    const size_t length = s->octets.length - from->offset;

    octets_init(&saved->octets, saved->embedded, sizeof(saved->embedded));
    if (!octets_reserve(&saved->octets, length))
        return false;
    memcpy(saved->octets.data, s->octets.data + from->offset, length);
    saved->octets.length = length;
    copy_lengths(saved->length, s->length);
    saved->offset = from->offset;
    saved->is_public = from->index >= s->layout->public_parts;
    return true;
}

void s_rollback(struct s *s, const struct s_undo *saved)
{
    octets_splice(&s->octets, saved->offset, s->octets.length - saved->offset, saved->octets.data,
                  saved->octets.length);
    copy_lengths(s->length, saved->length);
}

void s_undo_free(struct s_undo *saved)
{
    if (!saved->is_public || saved->octets.data != saved->embedded)
        octets_free(&saved->octets);
}

unsigned char *s_end(struct s *s, size_t length)
{
    unsigned char *tail = s->octets.data + s->octets.length;
    unsigned char *i = write_l(write_l(tail, length), L_SIZE);

    *i = 0;
    (void)write_l(i + 1, 1);
    return i;
}

struct value s_whole(const struct s *s)
{
    return (struct value){s->octets.data, s->octets.length + s->layout->tail};
}

struct value s_begin(const struct s *s)
{
    return (struct value){s->octets.data, s->layout->begin};
}

struct value s_extracted(const struct s *s)
{
    return (struct value){s->octets.data, s->layout->begin + s->length[0] + s->layout->l_size[0]};
}

struct value s_expanded(const struct s *s)
{
    const size_t from = s_extracted(s).length;
    const size_t i = s->octets.length + L_SIZE + L_SIZE; /* behind P5 || L5, as RFC 5869 wants it */

    return (struct value){s->octets.data + from, i + 1 - from};
}
