#include "run/scheduler.h"

#include <assert.h>
#include <stdlib.h>

/* A key that has something queued or running, or that is remembered. So there are at most as many as executions, and
 * SCHEDULER_REMEMBERED more. */
struct turns_key {
    int64_t key;
    unsigned queued, running;
    unsigned owes;   /* short programs until it counts as short again */
    uint64_t served; /* the number of its last slot; 0: it had none */
    struct turn *first, *last;
    struct turns_key *next;
};

void scheduler_init(struct scheduler *scheduler, const struct scheduler_options *options)
{
    *scheduler = (struct scheduler){.options = *options};
}

static bool is_idle(const struct turns_key *k)
{
    return k->queued == 0 && k->running == 0;
}

void scheduler_free(struct scheduler *scheduler)
{
    for (struct turns_key *k = scheduler->keys, *next; k != NULL; k = next) {
        next = k->next;
        assert(is_idle(k));
        free(k);
    }
    scheduler->keys = NULL;
}

static struct turns_key *key_find(struct scheduler *scheduler, int64_t key)
{
    struct turns_key *k = scheduler->keys;

    while (k != NULL && k->key != key)
        k = k->next;
    return k;
}

static void key_append(struct scheduler *scheduler, struct turns_key *k)
{
    struct turns_key **at = &scheduler->keys;

    while (*at != NULL)
        at = &(*at)->next;
    *at = k;
    k->next = NULL;
}

static void key_remove(struct scheduler *scheduler, struct turns_key *k)
{
    struct turns_key **at = &scheduler->keys;

    while (*at != NULL && *at != k)
        at = &(*at)->next;
    assert(*at == k);
    *at = k->next;
}

/* A new key goes to the end: of two keys that never had a slot, the one that came first is served first. */
static struct turns_key *key_get(struct scheduler *scheduler, int64_t key)
{
    struct turns_key *k = key_find(scheduler, key);

    if (k != NULL) {
        scheduler->idle -= is_idle(k);
    } else if ((k = calloc(1, sizeof *k)) != NULL) {
        k->key = key;
        key_append(scheduler, k);
    }
    return k;
}

static void forget_one(struct scheduler *scheduler)
{
    struct turns_key *k = scheduler->keys;

    while (!is_idle(k))
        k = k->next;
    key_remove(scheduler, k);
    free(k);
    scheduler->idle--;
}

/* Called after something of the key has left. A key that has nothing queued or running is forgotten, unless it still
 * owes short programs. Then it goes to the end, so that the remembered keys stand in the order in which they became
 * idle. */
static void key_rest(struct scheduler *scheduler, struct turns_key *k)
{
    if (!is_idle(k))
        return;
    key_remove(scheduler, k);
    if (k->owes == 0) {
        free(k);
        return;
    }
    key_append(scheduler, k);
    if (++scheduler->idle > SCHEDULER_REMEMBERED)
        forget_one(scheduler);
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
    k->queued++;
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
    k->queued--;
}

static void running_append(struct scheduler *scheduler, struct turn *turn)
{
    turn->next = NULL;
    turn->prev = scheduler->newest;
    if (scheduler->newest != NULL)
        scheduler->newest->next = turn;
    else
        scheduler->oldest = turn;
    scheduler->newest = turn;
    scheduler->running++;
}

static void running_remove(struct scheduler *scheduler, struct turn *turn)
{
    if (turn->prev != NULL)
        turn->prev->next = turn->next;
    else
        scheduler->oldest = turn->next;
    if (turn->next != NULL)
        turn->next->prev = turn->prev;
    else
        scheduler->newest = turn->prev;
    scheduler->running--;
}

/* How many may run. */

static bool is_long(const struct turn *turn, uint64_t now_ns)
{
    return now_ns - turn->since_ns >= SCHEDULER_SHORT_NS;
}

static unsigned scheduler_least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* All slots, with the reserve. If there is one slot, the reserve is the first extra slot. */
static unsigned slots(const struct scheduler *scheduler)
{
    const struct scheduler_options *options = &scheduler->options;

    return options->concurrency > 1 ? options->concurrency : 1 + scheduler_least(options->extra, 1);
}

/* How many extra slots a key that has nothing running may use. Half of them if its last programs ran long. */
static unsigned extra_most(const struct scheduler *scheduler, const struct turns_key *k)
{
    const struct scheduler_options *options = &scheduler->options;
    unsigned left = options->concurrency + options->extra - slots(scheduler);

    return k->owes > 0 ? left / 2 : left;
}

/* If fewer than this many run, of which `grown` are long, `k` gets a slot. */
static unsigned room(const struct scheduler *scheduler, const struct turns_key *k, unsigned grown)
{
    unsigned all = slots(scheduler);

    if (k->running > 0)
        return all > 1 ? all - 1 : 1;
    return all + scheduler_least(grown, extra_most(scheduler, k));
}

static unsigned count_long(const struct scheduler *scheduler, uint64_t now_ns)
{
    unsigned count = 0;

    for (const struct turn *turn = scheduler->oldest; turn != NULL && is_long(turn, now_ns); turn = turn->next)
        count++;
    return count;
}

/* The queue. */

/* The key with the most queued executions; NULL: there is no key. */
static struct turns_key *greediest(const struct scheduler *scheduler)
{
    struct turns_key *most = NULL;

    for (struct turns_key *k = scheduler->keys; k != NULL; k = k->next)
        if (most == NULL || k->queued > most->queued)
            most = k;
    return most;
}

/* Takes the newest execution of the greediest key out of a full queue. NULL: that key does not hold two places more
 * than `own`. */
static struct turn *evict_for(struct scheduler *scheduler, const struct turns_key *own, uint64_t now_ns)
{
    struct turns_key *most = greediest(scheduler);

    if (most == NULL || most->queued < own->queued + 2)
        return NULL;
    struct turn *turn = most->last;
    scheduler_leave(scheduler, turn, now_ns);
    return turn;
}

/* One that can run at once needs no place in the queue. */
static bool can_run(const struct scheduler *scheduler, const struct turns_key *k, uint64_t now_ns)
{
    return k->queued == 0 && scheduler->running < room(scheduler, k, count_long(scheduler, now_ns));
}

enum scheduler_verdict scheduler_push(struct scheduler *scheduler, struct turn *turn, int64_t key, uint64_t now_ns,
                                      struct turn **evicted)
{
    struct turns_key *k = key_get(scheduler, key);

    *evicted = NULL;
    if (k == NULL)
        return SCHEDULER_NO_MEMORY;
    if (scheduler->queued >= scheduler->options.queue_max && !can_run(scheduler, k, now_ns)) {
        *evicted = evict_for(scheduler, k, now_ns);
        if (*evicted == NULL) {
            key_rest(scheduler, k);
            return SCHEDULER_FULL;
        }
    }
    *turn = (struct turn){.key = key, .of = k};
    line_append(k, turn);
    scheduler->queued++;
    return SCHEDULER_ACCEPTED;
}

static bool goes_before(const struct turns_key *a, const struct turns_key *b)
{
    return a->running != b->running ? a->running < b->running : a->served < b->served;
}

static void scheduler_begin(struct scheduler *scheduler, struct turn *turn, uint64_t now_ns)
{
    struct turns_key *k = turn->of;

    line_remove(k, turn);
    scheduler->queued--;
    turn->is_running = true;
    turn->is_known = false;
    turn->since_ns = now_ns;
    if (scheduler->served > 0 && scheduler->latest != k->key)
        scheduler->shared_until_ns = now_ns + SCHEDULER_SHARED_NS;
    scheduler->latest = k->key;
    k->running++;
    k->served = ++scheduler->served;
    running_append(scheduler, turn);
}

struct turn *scheduler_next(struct scheduler *scheduler, uint64_t now_ns)
{
    struct turns_key *best = NULL;
    unsigned grown = count_long(scheduler, now_ns);

    for (struct turns_key *k = scheduler->keys; k != NULL; k = k->next)
        if (k->queued > 0 && scheduler->running < room(scheduler, k, grown) && (best == NULL || goes_before(k, best)))
            best = k;
    if (best == NULL)
        return NULL;
    struct turn *turn = best->first;
    scheduler_begin(scheduler, turn, now_ns);
    return turn;
}

/* Whether an execution waits that would get a slot if more programs were long. */
static bool time_helps(const struct scheduler *scheduler)
{
    for (const struct turns_key *k = scheduler->keys; k != NULL; k = k->next)
        if (k->queued > 0 && k->running == 0 && scheduler->running < room(scheduler, k, scheduler->running))
            return true;
    return false;
}

uint64_t scheduler_when(const struct scheduler *scheduler, uint64_t now_ns)
{
    const struct turn *turn = scheduler->oldest;

    if (scheduler->queued == 0 || !time_helps(scheduler))
        return 0;
    while (turn != NULL && is_long(turn, now_ns))
        turn = turn->next;
    return turn != NULL ? turn->since_ns + SCHEDULER_SHORT_NS : 0;
}

static struct turn *first_unknown(const struct scheduler *scheduler)
{
    struct turn *turn = scheduler->oldest;

    while (turn != NULL && turn->is_known)
        turn = turn->next;
    return turn;
}

struct turn *scheduler_grown(struct scheduler *scheduler, uint64_t now_ns)
{
    struct turn *turn = first_unknown(scheduler);

    if (turn == NULL || !is_long(turn, now_ns))
        return NULL;
    turn->is_known = true;
    return turn;
}

uint64_t scheduler_grows(const struct scheduler *scheduler)
{
    const struct turn *turn = first_unknown(scheduler);

    return turn != NULL ? turn->since_ns + SCHEDULER_SHORT_NS : 0;
}

/* Notes for the key whether the program was short. */
static void note_end(const struct turn *turn, uint64_t now_ns)
{
    struct turns_key *k = turn->of;

    if (is_long(turn, now_ns))
        k->owes = SCHEDULER_TRUST;
    else if (k->owes > 0)
        k->owes--;
}

void scheduler_leave(struct scheduler *scheduler, struct turn *turn, uint64_t now_ns)
{
    struct turns_key *k = turn->of;

    if (turn->is_running) {
        note_end(turn, now_ns);
        running_remove(scheduler, turn);
        k->running--;
    } else {
        line_remove(k, turn);
        scheduler->queued--;
    }
    turn->of = NULL;
    key_rest(scheduler, k);
}

unsigned scheduler_rank(const struct scheduler *scheduler, const struct turn *turn)
{
    return turn->since_ns < scheduler->shared_until_ns ? turn->of->running : 1;
}
