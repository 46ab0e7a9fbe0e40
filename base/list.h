/* A doubly linked list whose nodes are members of what it lists. It allocates nothing, and each operation takes the
 * same time however long the list is.
 *
 *   struct list waiting;                 list_init(&waiting);
 *   struct job { struct list node; };    list_push(&waiting, &job->node);
 *   LIST_EACH (node, &waiting)           container_of(node, struct job, node)
 *
 * A struct list is either a head or a node. A head must be initialized. A node starts as all zero, and is all zero
 * again after list_remove(), so that list_has() can say whether it is in a list. */
#ifndef CODECELL_BASE_LIST_H
#define CODECELL_BASE_LIST_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/container_of.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

/* Whether the node is in a list. */
static inline bool list_has(const struct list *node)
{
    return node->next != NULL;
}

/* Puts `node`, which is in no list, before `place`: a node, or the head to make it the last. */
static inline void list_insert(struct list *place, struct list *node)
{
    assert(!list_has(node));
    node->next = place;
    node->prev = place->prev;
    place->prev->next = node;
    place->prev = node;
}

/* Makes `node` the last of the list. */
static inline void list_push(struct list *head, struct list *node)
{
    list_insert(head, node);
}

/* Makes `node` the first of the list. */
static inline void list_unshift(struct list *head, struct list *node)
{
    list_insert(head->next, node);
}

/* Takes the node out of its list. */
static inline void list_remove(struct list *node)
{
    assert(list_has(node));
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

/* Takes the node out of its list if it is in one. */
static inline void list_forget(struct list *node)
{
    if (list_has(node))
        list_remove(node);
}

/* The first or last node; NULL: the list is empty. */
static inline struct list *list_first(const struct list *head)
{
    return list_is_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(const struct list *head)
{
    return list_is_empty(head) ? NULL : head->prev;
}

/* Takes the first node out; NULL: the list is empty. */
static inline struct list *list_shift(struct list *head)
{
    struct list *node = list_first(head);

    if (node != NULL)
        list_remove(node);
    return node;
}

/* Moves all nodes of `more`, which is empty then, to the end of the list. */
static inline void list_join(struct list *head, struct list *more)
{
    if (list_is_empty(more))
        return;
    more->next->prev = head->prev;
    head->prev->next = more->next;
    more->prev->next = head;
    head->prev = more->prev;
    list_init(more);
}

/* Each node from first to last. The body may remove the current node, and no other. */
#define LIST_EACH(node, head)                                                         \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head); \
         node = node##_next, node##_next = node->next)

#endif
