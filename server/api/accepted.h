/* What clients see of an execution that was accepted to run in the background (store/journal.h): API.md's object. */
#ifndef CODECELL_API_ACCEPTED_H
#define CODECELL_API_ACCEPTED_H

#include "base/buf.h"
#include "base/fields.h"
#include "store/journal.h"
#include "store/webhooks.h"

/* What the object holds, for documents. Its result is what the schema `AnyAnswer` describes, or null. */
extern const struct fields accepted_fields;

/* The result of one that was started too often. */
#define ACCEPTED_LOST "{\"detail\":\"Execution failed: the server ended each time that it ran\"}"

/* Appends the object. `status`: of one that is not done, pending or running. `webhook`: NULL: it is left out. 0, or -1
 * out of memory. Any thread. */
int accepted_text(struct buf *out, const struct journal_view *view, enum record_status status,
                  const struct webhook_row *webhook);

/* The result {"detail": …}; free(). NULL: out of memory. */
char *accepted_refusal(const char *sentence, size_t *len);

/* Cancels one that waits, in a transaction of the database's thread. 1: it is cancelled; 0: it does not wait, or was
 * not accepted to run in the background; or -1. */
int accepted_cancel(struct db *db, int64_t key_row, const char *id, const struct journal_room *room,
                    struct error *error);

#endif
