/* What each key has used: counters by day (UTC) and language. An execution is counted in the transaction of its record,
 * and its credits in the transaction that takes them, so both are counted once. Nothing deletes them. All functions are
 * for the database's thread. */
#ifndef CODECELL_STORE_USAGE_H
#define CODECELL_STORE_USAGE_H

#include "store/db.h"

#define USAGE_LANGUAGE_MAX 32
#define USAGE_DAY_MS INT64_C(86400000)

struct usage {
    int64_t executions; /* that have ended, also those that could not be run */
    int64_t completed;  /* of them, those that ended by themselves with exit code 0 */
    int64_t credits;    /* that were taken */
    int64_t execution_ns, cpu_ns;
    int64_t output_bytes; /* of stdout and stderr */
};

struct usage_item {
    int64_t day;                           /* since 1970-01-01; 0 if the items are languages */
    char language[USAGE_LANGUAGE_MAX + 1]; /* "" if the items are days */
    struct usage usage;
};

enum usage_by { USAGE_BY_DAY, USAGE_BY_LANGUAGE };

int64_t usage_day(int64_t ms); /* the day of a time of Unix, in milliseconds */

/* Adds to the counters of the key's day and language. */
int usage_add(struct db *db, int64_t key_row, int64_t day, const char *language, const struct usage *more,
              struct error *error);

/* Sums the counters of the days `from` to `to`, both included. Calls each() for every day with a counter, the newest
 * first, or for every language, those with the most executions first. */
int usage_sum(struct db *db, int64_t key_row, int64_t from, int64_t to, enum usage_by by,
              void (*each)(const struct usage_item *item, void *arg), void *arg, struct error *error);

#endif
