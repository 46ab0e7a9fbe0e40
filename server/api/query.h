/* A question to the database on behalf of an exchange: what the handlers of records and sessions share.
 *
 *   query_new ─ query_start ─ work() on the database's thread ─ answer() on the loop ─ query_respond
 *                    │                    └ it failed: the error is answered
 *                    └ the client goes away: neither; the query ends unseen */
#ifndef CODECELL_API_QUERY_H
#define CODECELL_API_QUERY_H

#include "api/api.h"
#include "api/page.h"
#include "store/records.h"

#define QUERY_TEXT_MAX ((size_t)8 * 1024 * 1024) /* bytes of kept code and output in one page */
#define QUERY_INLINE_MAX ((size_t)256 * 1024)    /* up to this many an answer is encoded on the loop */

struct query {
    struct store_job job;     /* `reads` is set, and may be cleared */
    struct http_exchange *ex; /* NULL: the client is gone */
    struct api *api;
    int64_t key_row;
    char *id; /* the path's {id}, copied; NULL where it has none */
    int (*work)(struct db *db, struct query *query, struct error *error);
    void (*answer)(struct query *query); /* ends with query_respond or query_refuse; `ex` is there */
    json_t *value;                       /* what work() found, of one thing */
    size_t text_len;                     /* bytes of kept code and output in value or items */

    /* A list's. */
    enum page_list list;
    struct record_filter filter; /* limit and before, also for sessions */
    char *session_id, *language; /* what filter points to */
    json_t *items;
    bool full; /* QUERY_TEXT_MAX is reached: the page ends before its limit */
    bool more;
    int64_t last; /* the last item's sequence */

    /* The answer. */
    uv_work_t encoding;
    char *text;
    size_t len;
};

/* NULL: out of memory, which is answered. */
struct query *query_new(struct http_exchange *ex, int (*work)(struct db *db, struct query *query, struct error *error),
                        void (*answer)(struct query *query));
/* The same for a list: reads limit and cursor; a bad one is answered and gives NULL. */
struct query *query_new_list(struct http_exchange *ex, enum page_list list,
                             int (*work)(struct db *db, struct query *query, struct error *error),
                             void (*answer)(struct query *query));
void query_start(struct query *query);

/* The ends; each frees the query. */
void query_respond(struct query *query, json_t *value); /* 200; takes the value */
void query_refuse(struct query *query, const struct error *error);

void query_answer_value(struct query *query); /* 200 and `value` */
void query_answer_page(struct query *query);  /* 200 and a page of `items` */

/* Adds an item to the page; `text_len` bytes of it are kept texts. Past QUERY_TEXT_MAX it and all that follow are
 * left to the next page; the first always fits. Takes the item. */
void query_add(struct query *query, json_t *item, int64_t sequence, size_t text_len);

#endif
