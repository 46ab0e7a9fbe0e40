/* What the last hour was like, minute by minute: how executions ended and how long they took, by language, and how
 * requests were answered. It lives in memory, and a restart forgets it. The time is passed in, so it knows no clock.
 *
 * A time goes into a bucket whose bounds are a third of an octave apart. A percentile is taken from the buckets, so it
 * is right within 13 %. */
#ifndef CODECELL_RUN_HISTORY_H
#define CODECELL_RUN_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_MINUTES 60u
#define HISTORY_LANGUAGES_MAX 128u /* further ones are not counted by language, only in all */
#define HISTORY_ALL SIZE_MAX       /* instead of a language */

enum history_end {
    HISTORY_COMPLETED, /* exit code 0 */
    HISTORY_FAILED,    /* another exit code, out of memory, or it does not compile */
    HISTORY_TIMED_OUT,
    HISTORY_CANCELLED,
    HISTORY_ERROR, /* the server could not run it */
    HISTORY_ENDS
};

enum history_answer {
    HISTORY_ANSWERED,     /* below 400 */
    HISTORY_TURNED_AWAY,  /* 400 to 499 */
    HISTORY_SERVER_ERROR, /* 500 and above */
    HISTORY_ANSWERS
};

struct history;

struct history *history_new(void); /* NULL: out of memory */
void history_free(struct history *history);

/* An execution has ended; ns: from its acceptance to its end. Without memory it is not counted. */
void history_add(struct history *history, int64_t now_ms, const char *language, enum history_end end, uint64_t ns);

/* A request was answered with this status. 0, which means that the client was gone, is not counted. */
void history_answer(struct history *history, int64_t now_ms, int status);

/* The languages of the last hour and before, by a number below the count. */
size_t history_languages(const struct history *history);
const char *history_language(const struct history *history, size_t language);

struct history_figures {
    uint64_t ends[HISTORY_ENDS], answers[HISTORY_ANSWERS]; /* answers: only of HISTORY_ALL */
    uint64_t executions;                                   /* the sum of ends */
    int64_t p50_ns, p95_ns;                                /* of executions that a program's end ended; -1: none */
};

/* Adds up `minutes` minutes, of which the last is `back` minutes before that of `now_ms` (0: the current one).
 * `language`: its number, or HISTORY_ALL. */
void history_sum(const struct history *history, int64_t now_ms, unsigned back, unsigned minutes, size_t language,
                 struct history_figures *out);

#endif
