/* A page of a list: its query, its answer, and the cursor that leads to the next one. A cursor is one block of AES with
 * a key of the database's own: it holds a row's place, the key and the list. So it does not show how many rows
 * there are, and a cursor of another key, of another list or of another database is refused. */
#ifndef CODECELL_API_PAGE_H
#define CODECELL_API_PAGE_H

#include "base/fields.h"
#include "http/http.h"
#include "store/db.h"

#include <jansson.h>

enum page_list { PAGE_EXECUTIONS = 1, PAGE_SESSIONS, PAGE_KEYS, PAGE_ALL_EXECUTIONS };

#define PAGE_CURSOR_LEN 32

/* Whose cursor it is, and of which list. */
struct page_owner {
    const unsigned char *secret; /* DB_CURSOR_KEY bytes */
    int64_t key_row;             /* below 2^56 */
    enum page_list list;
};

/* 0, or -1: libcrypto failed; or what the text holds was not made for this owner. */
int page_cursor_write(const struct page_owner *owner, int64_t sequence, char out[PAGE_CURSOR_LEN + 1]);
int page_cursor_read(const struct page_owner *owner, const char *text, int64_t *sequence);

extern const struct fields page_fields; /* the parameters of every list */

/* A parameter of an exchange's URL, for fields_read_query(). */
const char *page_parameter(const void *ex, const char *name);

/* A list's query: ?limit=1..200 (default 50) and ?cursor=…; *before is 0 without a cursor. 0, or -1 with a 400's
 * sentence. */
int page_read(const struct http_exchange *ex, const struct page_owner *owner, unsigned *limit, int64_t *before,
              struct error *error);

/* {"items": items, "next_cursor": string or null}; takes items. NULL: out of memory. */
json_t *page_json(json_t *items, const struct page_owner *owner, bool more, int64_t last_sequence);

#endif
