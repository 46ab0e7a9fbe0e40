#include "store/turns.h"

void job_list_add(struct job_list *list, struct store_job *job)
{
    job->next = NULL;
    if (list->tail)
        list->tail->next = job;
    else
        list->head = job;
    list->tail = job;
}

struct store_job *job_list_take(struct job_list *list)
{
    struct store_job *job = list->head;
    if (!job)
        return NULL;
    list->head = job->next;
    if (!list->head)
        list->tail = NULL;
    return job;
}

void job_list_join(struct job_list *list, struct job_list *more)
{
    if (!more->head)
        return;
    if (list->tail)
        list->tail->next = more->head;
    else
        list->head = more->head;
    list->tail = more->tail;
    *more = (struct job_list){NULL, NULL};
}

/* At most one key a connection, so a list will do. */
static struct store_job *first_of(const struct turns *turns, int64_t reader)
{
    struct store_job *job = turns->readers.head;
    while (job && job->reader != reader)
        job = job->next;
    return job;
}

static void add_reader(struct turns *turns, struct store_job *job)
{
    struct store_job *first = first_of(turns, job->reader);
    job->behind = NULL;
    job->last = job;
    if (!first) {
        job_list_add(&turns->readers, job);
        return;
    }
    first->last->behind = job;
    first->last = job;
}

void turns_add(struct turns *turns, struct store_job *job)
{
    if (job->reader)
        add_reader(turns, job);
    else
        job_list_add(job->upkeep ? &turns->upkeep : &turns->first, job);
}

static bool has(const struct turns *turns, enum turn turn, uint64_t now_ns, bool closing)
{
    if (turn == TURN_FIRST)
        return turns->first.head != NULL;
    if (turn == TURN_READING)
        return turns->readers.head != NULL;
    return turns->upkeep.head != NULL && (closing || now_ns >= turns->upkeep_ns);
}

enum turn turns_next(const struct turns *turns, uint64_t now_ns, bool closing)
{
    for (unsigned i = 0; i < TURN_UPKEEP; i++) {
        enum turn turn = (enum turn)(((unsigned)turns->last + i) % TURN_UPKEEP + 1);
        if (has(turns, turn, now_ns, closing))
            return turn;
    }
    return TURN_NONE;
}

/* The key's next job takes its place, at the end. */
static struct store_job *take_reader(struct turns *turns)
{
    struct store_job *job = job_list_take(&turns->readers), *next = job->behind;
    if (next) {
        next->last = job->last;
        job_list_add(&turns->readers, next);
    }
    return job;
}

struct store_job *turns_take(struct turns *turns, enum turn turn)
{
    turns->last = turn;
    if (turn == TURN_READING)
        return take_reader(turns);
    return job_list_take(turn == TURN_FIRST ? &turns->first : &turns->upkeep);
}

void turns_rest(struct turns *turns, uint64_t from_ns, uint64_t to_ns)
{
    turns->upkeep_ns = to_ns + UPKEEP_REST * (to_ns - from_ns);
}

bool turns_empty(const struct turns *turns)
{
    return !turns->first.head && !turns->readers.head && !turns->upkeep.head;
}
