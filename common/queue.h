/*
 * Doubly linked lists whose links are part of their elements, with the names and arguments of BSD's
 * <sys/queue.h>, which not every C library has
 *
 *   TAILQ_HEAD(name, type)     struct name: first and last; TAILQ_REMOVE() takes the head as well
 *   LIST_HEAD(name, type)      struct name: the first alone; an element is removed without the head
 *   ..._ENTRY(type)            the links, a member of the element's struct: `field` of the others
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AKMA_QUEUE_H
#define AKMA_QUEUE_H

#include <stddef.h>

#define TAILQ_HEAD(name, type)                                                            \
    struct name {                                                                         \
        struct type *tqh_first, **tqh_last; /* *tqh_last: where the next one is linked */ \
    }
#define TAILQ_ENTRY(type)                                                       \
    struct {                                                                    \
        struct type *tqe_next, **tqe_prev; /* *tqe_prev: what points to this */ \
    }
#define TAILQ_INIT(head)                       \
    do {                                       \
        (head)->tqh_first = NULL;              \
        (head)->tqh_last = &(head)->tqh_first; \
    } while (0)
#define TAILQ_FIRST(head)          ((head)->tqh_first)
#define TAILQ_EMPTY(head)          ((head)->tqh_first == NULL)
#define TAILQ_NEXT(element, field) ((element)->field.tqe_next)
/* The last link is inside the last element, whose links begin as a head does. */
#define TAILQ_LAST(head, name) (*(((struct name *)(void *)(head)->tqh_last)->tqh_last))
#define TAILQ_FOREACH(element, head, field) \
    for ((element) = TAILQ_FIRST(head); (element) != NULL; (element) = TAILQ_NEXT(element, field))
#define TAILQ_INSERT_HEAD(head, element, field)                             \
    do {                                                                    \
        (element)->field.tqe_next = (head)->tqh_first;                      \
        if ((head)->tqh_first != NULL)                                      \
            (head)->tqh_first->field.tqe_prev = &(element)->field.tqe_next; \
        else                                                                \
            (head)->tqh_last = &(element)->field.tqe_next;                  \
        (head)->tqh_first = (element);                                      \
        (element)->field.tqe_prev = &(head)->tqh_first;                     \
    } while (0)
#define TAILQ_INSERT_TAIL(head, element, field)        \
    do {                                               \
        (element)->field.tqe_next = NULL;              \
        (element)->field.tqe_prev = (head)->tqh_last;  \
        *(head)->tqh_last = (element);                 \
        (head)->tqh_last = &(element)->field.tqe_next; \
    } while (0)
#define TAILQ_REMOVE(head, element, field)                                         \
    do {                                                                           \
        if ((element)->field.tqe_next != NULL)                                     \
            (element)->field.tqe_next->field.tqe_prev = (element)->field.tqe_prev; \
        else                                                                       \
            (head)->tqh_last = (element)->field.tqe_prev;                          \
        *(element)->field.tqe_prev = (element)->field.tqe_next;                    \
    } while (0)

#define LIST_HEAD(name, type)  \
    struct name {              \
        struct type *lh_first; \
    }
#define LIST_ENTRY(type)                                                     \
    struct {                                                                 \
        struct type *le_next, **le_prev; /* *le_prev: what points to this */ \
    }
#define LIST_HEAD_INITIALIZER(head) \
    {                               \
        NULL                        \
    }
#define LIST_INIT(head)           ((head)->lh_first = NULL)
#define LIST_FIRST(head)          ((head)->lh_first)
#define LIST_EMPTY(head)          ((head)->lh_first == NULL)
#define LIST_NEXT(element, field) ((element)->field.le_next)
#define LIST_FOREACH(element, head, field) \
    for ((element) = LIST_FIRST(head); (element) != NULL; (element) = LIST_NEXT(element, field))
#define LIST_INSERT_HEAD(head, element, field)                           \
    do {                                                                 \
        (element)->field.le_next = (head)->lh_first;                     \
        if ((head)->lh_first != NULL)                                    \
            (head)->lh_first->field.le_prev = &(element)->field.le_next; \
        (head)->lh_first = (element);                                    \
        (element)->field.le_prev = &(head)->lh_first;                    \
    } while (0)
#define LIST_REMOVE(element, field)                                             \
    do {                                                                        \
        if ((element)->field.le_next != NULL)                                   \
            (element)->field.le_next->field.le_prev = (element)->field.le_prev; \
        *(element)->field.le_prev = (element)->field.le_next;                   \
    } while (0)

#endif
