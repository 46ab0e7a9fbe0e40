#include "run/scheduler.h"

#include <assert.h>
#include <stdlib.h>

/* What a key has in hand. Exists only while it has something, so their number is bounded by what waits and runs. */
struct turns_key {
    int64_t key;
    unsigned waiting, running;
    uint64_t served; /* when it last had its turn */
    struct turn *first, *last;
    struct turns_key *next;
};

void scheduler_init(struct scheduler *scheduler, unsigned concurrency, unsigned queue_max)
{
    *scheduler = (struct scheduler){.concurrency = concurrency, .queue_max = queue_max};
}

void scheduler_free(struct scheduler *scheduler)
{
    assert(scheduler->keys == NULL);
}

static struct turns_key *key_find(struct scheduler *scheduler, int64_t key)
{
    struct turns_key *k = scheduler->keys;

    while (k != NULL && k->key != key)
        k = k->next;
    return k;
}

/* A new key goes to the end: of two that never had a turn, the one that came first is served first. */
static struct turns_key *key_get(struct scheduler *scheduler, int64_t key)
{
    struct turns_key *k = key_find(scheduler, key), **at = &scheduler->keys;

    if (k == NULL && (k = calloc(1, sizeof *k)) != NULL) {
        k->key = key;
        while (*at != NULL)
            at = &(*at)->next;
        *at = k;
    }
    return k;
}

static void key_drop_if_idle(struct scheduler *scheduler, struct turns_key *k)
{
    struct turns_key **at = &scheduler->keys;

    if (k->waiting > 0 || k->running > 0)
        return;
    while (*at != NULL && *at != k)
        at = &(*at)->next;
    if (*at != NULL)
        *at = k->next;
    free(k);
}

static void line_append(struct turns_key *k, struct turn *turn)
{
    turn->next = NULL;
    turn->prev = k->last;
    if (k->last != NULL)
        k->last->next = turn;
    else
        k->first = turn;
    k->last = turn;
    k->waiting++;
}

static void line_remove(struct turns_key *k, struct turn *turn)
{
    if (turn->prev != NULL)
        turn->prev->next = turn->next;
    else
        k->first = turn->next;
    if (turn->next != NULL)
        turn->next->prev = turn->prev;
    else
        k->last = turn->prev;
    k->waiting--;
}

/* The key with the most waiting. */
static struct turns_key *greediest(const struct scheduler *scheduler)
{
    struct turns_key *most = NULL;

    for (struct turns_key *k = scheduler->keys; k != NULL; k = k->next)
        if (most == NULL || k->waiting > most->waiting)
            most = k;
    return most;
}

/* Makes a place in a full queue, or not. */
static struct turn *evict_for(struct scheduler *scheduler, int64_t key)
{
    const struct turns_key *own = key_find(scheduler, key);
    struct turns_key *most = greediest(scheduler);

    if (most == NULL || most->waiting < (own != NULL ? own->waiting : 0) + 2)
        return NULL;
    struct turn *turn = most->last;
    scheduler_leave(scheduler, turn);
    return turn;
}

enum scheduler_verdict scheduler_push(struct scheduler *scheduler, struct turn *turn, int64_t key,
                                      struct turn **evicted)
{
    struct turns_key *k = key_get(scheduler, key);

    *evicted = NULL;
    if (k == NULL)
        return SCHEDULER_NO_MEMORY;
    /* One that can run at once needs no place in the queue. */
    if (scheduler->waiting >= scheduler->queue_max &&
        !(scheduler->waiting == 0 && scheduler->running < scheduler->concurrency)) {
        *evicted = evict_for(scheduler, key);
        if (*evicted == NULL) {
            key_drop_if_idle(scheduler, k);
            return SCHEDULER_FULL;
        }
    }
    *turn = (struct turn){.key = key, .of = k};
    line_append(k, turn);
    scheduler->waiting++;
    return SCHEDULER_ACCEPTED;
}

static bool goes_before(const struct turns_key *a, const struct turns_key *b)
{
    return a->running != b->running ? a->running < b->running : a->served < b->served;
}

struct turn *scheduler_next(struct scheduler *scheduler)
{
    struct turns_key *best = NULL;

    if (scheduler->running >= scheduler->concurrency)
        return NULL;
    for (struct turns_key *k = scheduler->keys; k != NULL; k = k->next)
        if (k->waiting > 0 && (best == NULL || goes_before(k, best)))
            best = k;
    if (best == NULL)
        return NULL;
    struct turn *turn = best->first;
    line_remove(best, turn);
    scheduler->waiting--;
    turn->is_running = true;
    best->running++;
    best->served = ++scheduler->served;
    scheduler->running++;
    return turn;
}

void scheduler_leave(struct scheduler *scheduler, struct turn *turn)
{
    struct turns_key *k = turn->of;

    if (turn->is_running) {
        k->running--;
        scheduler->running--;
    } else {
        line_remove(k, turn);
        scheduler->waiting--;
    }
    turn->of = NULL;
    key_drop_if_idle(scheduler, k);
}
