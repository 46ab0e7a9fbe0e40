#include "run/history.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS (HISTORY_MINUTES + 1) /* the current minute, too */
#define MINUTE_MS 60000
#define FINEST_NS UINT64_C(100000) /* the first bucket's upper bound */
#define BUCKETS 68u                /* the last one has what is above ten minutes */
#define PER_OCTAVE 3u

/* What one language did in one minute. */
struct tally {
    uint32_t ends[HISTORY_ENDS];
    uint32_t buckets[BUCKETS];
};

struct slot {
    int64_t minute; /* of Unix time */
    uint32_t answers[HISTORY_ANSWERS];
    struct tally all;
    struct tally *languages[HISTORY_LANGUAGES_MAX]; /* by number; NULL: it has had no execution in this slot */
};

struct history {
    size_t count;
    char *languages[HISTORY_LANGUAGES_MAX];
    struct slot slots[SLOTS];
};

struct history *history_new(void)
{
    struct history *history = calloc(1, sizeof *history);

    for (size_t i = 0; history != NULL && i < SLOTS; i++)
        history->slots[i].minute = -1;
    return history;
}

void history_free(struct history *history)
{
    if (history == NULL)
        return;
    for (size_t i = 0; i < history->count; i++)
        free(history->languages[i]);
    for (size_t i = 0; i < SLOTS; i++)
        for (size_t j = 0; j < HISTORY_LANGUAGES_MAX; j++)
            free(history->slots[i].languages[j]);
    free(history);
}

/* Counting. */

/* The slot of this time. What it had of an older minute is dropped. */
static struct slot *slot_at(struct history *history, int64_t now_ms)
{
    int64_t minute = now_ms > 0 ? now_ms / MINUTE_MS : 0;
    struct slot *slot = &history->slots[(size_t)minute % SLOTS];

    if (slot->minute == minute)
        return slot;
    slot->minute = minute;
    memset(slot->answers, 0, sizeof slot->answers);
    memset(&slot->all, 0, sizeof slot->all);
    for (size_t i = 0; i < history->count; i++)
        if (slot->languages[i] != NULL)
            memset(slot->languages[i], 0, sizeof *slot->languages[i]);
    return slot;
}

/* Its number, new if it has none; HISTORY_ALL: there is no room. */
static size_t number_of(struct history *history, const char *language)
{
    for (size_t i = 0; i < history->count; i++)
        if (strcmp(history->languages[i], language) == 0)
            return i;
    if (history->count == HISTORY_LANGUAGES_MAX || (history->languages[history->count] = strdup(language)) == NULL)
        return HISTORY_ALL;
    return history->count++;
}

static uint64_t upper_bound(unsigned bucket)
{
    static const uint64_t thirds[PER_OCTAVE] = {1000000, 1259921, 1587401}; /* millionths */

    return (FINEST_NS << bucket / PER_OCTAVE) / 1000000 * thirds[bucket % PER_OCTAVE] +
           (FINEST_NS << bucket / PER_OCTAVE) % 1000000 * thirds[bucket % PER_OCTAVE] / 1000000;
}

static unsigned bucket_of(uint64_t ns)
{
    unsigned least = 0, most = BUCKETS - 1;

    while (least < most) {
        unsigned middle = (least + most) / 2;
        if (ns <= upper_bound(middle))
            most = middle;
        else
            least = middle + 1;
    }
    return least;
}

/* Whether the time of an execution that ended so says something about its language. */
static bool is_timed(enum history_end end)
{
    return end != HISTORY_CANCELLED && end != HISTORY_ERROR;
}

static void count_end(struct tally *tally, enum history_end end, uint64_t ns)
{
    tally->ends[end]++;
    if (is_timed(end))
        tally->buckets[bucket_of(ns)]++;
}

void history_add(struct history *history, int64_t now_ms, const char *language, enum history_end end, uint64_t ns)
{
    struct slot *slot = slot_at(history, now_ms);
    size_t number = number_of(history, language);

    count_end(&slot->all, end, ns);
    if (number == HISTORY_ALL)
        return;
    if (slot->languages[number] == NULL)
        slot->languages[number] = calloc(1, sizeof *slot->languages[number]);
    if (slot->languages[number] != NULL)
        count_end(slot->languages[number], end, ns);
}

void history_answer(struct history *history, int64_t now_ms, int status)
{
    if (status == 0)
        return;
    slot_at(history, now_ms)
        ->answers[status >= 500   ? HISTORY_SERVER_ERROR
                  : status >= 400 ? HISTORY_TURNED_AWAY
                                  : HISTORY_ANSWERED]++;
}

/* Reading. */

size_t history_languages(const struct history *history)
{
    return history->count;
}

const char *history_language(const struct history *history, size_t language)
{
    return history->languages[language];
}

/* The time that `percent` of the executions did not exceed. Within a bucket they count as spread evenly. */
static int64_t percentile(const uint64_t buckets[BUCKETS], unsigned percent)
{
    uint64_t sum = 0, before = 0;

    for (unsigned i = 0; i < BUCKETS; i++)
        sum += buckets[i];
    if (sum == 0)
        return -1;
    uint64_t rank = (sum * percent + 99) / 100; /* 1 to sum */
    unsigned at = 0;
    while (before + buckets[at] < rank)
        before += buckets[at++];
    uint64_t lower = at > 0 ? upper_bound(at - 1) : 0, upper = upper_bound(at);
    return (int64_t)(lower + (upper - lower) * (rank - before) / buckets[at]);
}

static void add_tally(const struct tally *tally, struct history_figures *out, uint64_t buckets[BUCKETS])
{
    for (size_t i = 0; i < HISTORY_ENDS; i++) {
        out->ends[i] += tally->ends[i];
        out->executions += tally->ends[i];
    }
    for (size_t i = 0; i < BUCKETS; i++)
        buckets[i] += tally->buckets[i];
}

void history_sum(const struct history *history, int64_t now_ms, unsigned back, unsigned minutes, size_t language,
                 struct history_figures *out)
{
    int64_t last = now_ms / MINUTE_MS - back, first = last - minutes + 1;
    uint64_t buckets[BUCKETS] = {0};

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < SLOTS; i++) {
        const struct slot *slot = &history->slots[i];
        const struct tally *tally = language == HISTORY_ALL ? &slot->all : slot->languages[language];
        if (slot->minute < first || slot->minute > last || tally == NULL)
            continue;
        add_tally(tally, out, buckets);
        for (size_t j = 0; language == HISTORY_ALL && j < HISTORY_ANSWERS; j++)
            out->answers[j] += slot->answers[j];
    }
    out->p50_ns = percentile(buckets, 50);
    out->p95_ns = percentile(buckets, 95);
}
