/* GET /api/v1/usage: what a key has used. */
#ifndef CODECELL_API_USAGE_H
#define CODECELL_API_USAGE_H

#include "base/fields.h"
#include "http/http.h"
#include "store/usage.h"

#define USAGE_DAYS_MAX 366
#define USAGE_DAYS_DEFAULT 30 /* up to today */

struct usage_query {
    const char *from_text, *to_text; /* NULL: not said */
    int64_t from, to;                /* days since 1970-01-01, both included */
    int by;                          /* enum usage_by */
    const char *key_id;              /* NULL: the caller's */
};

extern const struct fields usage_fields;        /* of its query */
extern const struct fields usage_answer_fields; /* what the answer holds, for documents */

/* "2026-11-29"; -1: the text is no day. */
int usage_parse_day(const char *text, int64_t *day);

#define USAGE_DAY_LEN 10
void usage_day_text(int64_t day, char out[USAGE_DAY_LEN + 1]);

/* Finds the days of a query whose texts are set. 0, or -1 with ERROR_INVALID. */
int usage_settle(struct usage_query *query, int64_t today, struct error *error);

http_handler api_usage;

#endif
