#include "store/turns.h"

void turns_init(struct turns *turns)
{
    *turns = (struct turns){.last = TURN_NONE};
    list_init(&turns->first);
    list_init(&turns->readers);
    list_init(&turns->upkeep);
}

static struct store_job *job_of(struct list *node)
{
    return node != NULL ? container_of(node, struct store_job, node) : NULL;
}

/* A key that waits has a connection that waits, so there are few enough keys for a search. */
static struct store_job *first_of_reader(const struct turns *turns, int64_t reader)
{
    LIST_EACH (node, &turns->readers)
        if (job_of(node)->reader == reader)
            return job_of(node);
    return NULL;
}

static void add_reader(struct turns *turns, struct store_job *job)
{
    struct store_job *first = first_of_reader(turns, job->reader);

    list_init(&job->later);
    list_push(first != NULL ? &first->later : &turns->readers, &job->node);
}

void turns_add(struct turns *turns, struct store_job *job)
{
    if (job->reader != 0)
        add_reader(turns, job);
    else
        list_push(job->upkeep ? &turns->upkeep : &turns->first, &job->node);
}

static bool has_turn(const struct turns *turns, enum turn turn, uint64_t now_ns, bool closing)
{
    if (turn == TURN_FIRST)
        return !list_is_empty(&turns->first);
    if (turn == TURN_READING)
        return !list_is_empty(&turns->readers) && (closing || now_ns >= turns->reading_ns);
    return !list_is_empty(&turns->upkeep) && (closing || now_ns >= turns->upkeep_ns);
}

enum turn turns_next(const struct turns *turns, uint64_t now_ns, bool closing)
{
    for (unsigned i = 0; i < TURN_UPKEEP; i++) {
        enum turn turn = (enum turn)(((unsigned)turns->last + i) % TURN_UPKEEP + 1);
        if (has_turn(turns, turn, now_ns, closing))
            return turn;
    }
    return TURN_NONE;
}

/* The key's next job, if there is one, waits behind the other keys. */
static struct store_job *take_reader(struct turns *turns)
{
    struct store_job *job = job_of(list_shift(&turns->readers));
    struct store_job *next = job != NULL ? job_of(list_shift(&job->later)) : NULL;

    if (next != NULL) {
        list_join(&next->later, &job->later);
        list_push(&turns->readers, &next->node);
    }
    return job;
}

struct store_job *turns_take(struct turns *turns, enum turn turn)
{
    turns->last = turn;
    if (turn == TURN_READING)
        return take_reader(turns);
    return job_of(list_shift(turn == TURN_FIRST ? &turns->first : &turns->upkeep));
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t turns_due(const struct turns *turns)
{
    uint64_t upkeep_ns = list_is_empty(&turns->upkeep) ? UINT64_MAX : turns->upkeep_ns;
    uint64_t reading_ns = list_is_empty(&turns->readers) ? UINT64_MAX : turns->reading_ns;

    return min_u64(upkeep_ns, reading_ns);
}

void turns_rest(struct turns *turns, enum turn turn, uint64_t from_ns, uint64_t to_ns, bool shared)
{
    uint64_t took = to_ns - from_ns;

    if (turn == TURN_UPKEEP)
        turns->upkeep_ns = to_ns + min_u64((shared ? UPKEEP_REST_SHARED : UPKEEP_REST) * took, UPKEEP_REST_MAX_NS);
    else if (turn == TURN_READING && shared)
        turns->reading_ns = to_ns + min_u64(READING_REST_SHARED * took, READING_REST_MAX_NS);
}
