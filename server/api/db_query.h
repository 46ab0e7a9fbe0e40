/* A question to the database on behalf of an exchange: what the handlers of records and sessions share.
 *
 *   query_new ─ query_start ─ work() on the database's thread ─ answer() on the loop ─ query_answer_…
 *                    │                    └ it failed: the error is answered
 *                    └ the client goes away: neither; the query ends unseen */
#ifndef CODECELL_API_DB_QUERY_H
#define CODECELL_API_DB_QUERY_H

#include "api/api.h"
#include "api/page.h"
#include "api/pending.h"
#include "base/worker.h"
#include "store/records.h"

#define QUERY_TEXT_MAX ((size_t)8 * 1024 * 1024) /* bytes of kept code and output in one page */
#define QUERY_INLINE_MAX ((size_t)256 * 1024)    /* up to this many an answer is encoded on the loop */

struct query {
    struct store_job job; /* it reads for the key */
    struct pending pending;
    struct api *api;
    int64_t key_row;
    char *id;       /* the path's {id}, copied; NULL: it has none */
    bool cancelled; /* work() or its caller has cancelled the execution */
    bool ended;     /* work() has ended it */
    unsigned tries; /* to cancel it */
    bool purges;    /* work() removes a session, whose rows must be deleted later */
    int (*work)(struct db *db, struct query *query, struct error *error); /* 0, -1 or STORE_MORE */
    void (*answer)(struct query *query); /* ends with query_answer_… or query_refuse; the client is there */
    void *input;                         /* what the handler has for work(); freed with input_free(); NULL: nothing */
    void (*input_free)(void *input);
    int code;               /* the answer's status; 200 unless answer() says another */
    json_t *value;          /* what work() found, if it is one thing */
    struct record *records; /* or as records, which become JSON only when the answer is encoded; may be NULL */
    size_t count;           /* of records */
    size_t text_len;        /* bytes of kept code and output in records */

    /* Of a list. */
    enum page_list list;
    struct record_filter filter; /* limit and before, also for sessions; a list moves it */
    int status;                  /* the client's; the row of an execution that runs says pending. -1: any */
    char *session_id, *language; /* what filter points to */
    json_t *items;
    bool more;    /* others follow */
    int64_t last; /* the last item's sequence */

    /* The answer. */
    struct page_owner owner;                    /* a list's */
    json_t *(*make)(const struct query *query); /* makes the answer from the records; any thread */
    struct worker_job encoding;
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

/* Drops what work() has found, so that the query may be started again. */
void query_forget_records(struct query *query);

/* The ends; each frees the query. */
void query_refuse(struct query *query, const struct error *error);
void query_answer_value(struct query *query); /* `code` and `value` */
void query_answer_page(struct query *query);  /* 200 and a page of `items` */
void query_answer_records(struct query *query, json_t *(*make)(const struct query *query)); /* 200 and what it makes */

/* A page; takes `items`. NULL: out of memory. */
json_t *query_page(const struct query *query, json_t *items);

/* Adds an item to the page. Takes it. */
void query_add(struct query *query, json_t *item, int64_t sequence);

/* Adds a record and takes its texts. false: out of memory, or the next page must have it, because the texts would be
 * more than QUERY_TEXT_MAX (the first record always fits). */
bool query_add_record(struct query *query, struct record *record);

#endif
