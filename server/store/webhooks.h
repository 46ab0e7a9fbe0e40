/* Webhooks: where the end of an accepted execution (journal.h) is told, and how often that was tried. A row is:
 *
 *   webhooks_insert ─ asleep ─ webhooks_wake ─ due ─ webhooks_take ─ leased ─┬─ webhooks_delivered ─ delivered
 *                                               ▲                            ├─ webhooks_failed ─ given up
 *                                               └──────── later ─────────────┘
 *
 * A lease is a time until which nobody else tries. If the server ends meanwhile, it is tried again after the lease, so
 * it is told at least once. All functions are for the database's thread, in a transaction. */
#ifndef CODECELL_STORE_WEBHOOKS_H
#define CODECELL_STORE_WEBHOOKS_H

#include "base/text.h"
#include "store/db.h"

enum webhook_state { WEBHOOK_ASLEEP, WEBHOOK_DUE, WEBHOOK_DELIVERED, WEBHOOK_GIVEN_UP };

#define WEBHOOK_ERROR_MAX 200 /* bytes of last_error */

struct webhook_row {
    char id[UUID_LEN + 1]; /* of its execution */
    int64_t key_row;
    enum webhook_state state;
    int64_t attempts;                       /* that have ended */
    int64_t next_ms;                        /* of the next one; 0: none */
    char last_error[WEBHOOK_ERROR_MAX + 1]; /* "": none */
    char *url, *secret;                     /* free() both: webhook_row_clear() */
};
void webhook_row_clear(struct webhook_row *row);

int webhooks_insert(struct db *db, const char *id, int64_t key_row, const char *url, const char *secret,
                    struct error *error);

/* The execution is done. Without a webhook nothing happens. */
int webhooks_wake(struct db *db, const char *id, int64_t now_ms, struct error *error);

/* The first key above `after` that has one to be tried, and the time of its first one: 1, 0 or -1. */
int webhooks_next_key(struct db *db, int64_t after, int64_t *key_row, int64_t *next_ms, struct error *error);

/* The key's first one, leased until `lease_ms`: 1, 0 or -1. */
int webhooks_take(struct db *db, int64_t key_row, int64_t lease_ms, struct webhook_row *out, struct error *error);

/* How the try ended. */
int webhooks_delivered(struct db *db, const char *id, struct error *error);
int webhooks_failed(struct db *db, const char *id, const char *why, int64_t next_ms,
                    struct error *error); /* 0: never */

/* 1, with *out; 0: the execution has none; or -1. */
int webhooks_get(struct db *db, const char *id, struct webhook_row *out, struct error *error);

#endif
