/* The events of an execution that has ended, from what is kept of it: start, each step's output, files, and the result.
 * Output comes in pieces of PAST_PIECE_MAX bytes, because its own pieces are not kept.
 *
 * What is kept is the answer of one that ran in the background, or the record alone. */
#ifndef CODECELL_API_PAST_H
#define CODECELL_API_PAST_H

#include "api/feed.h"
#include "store/records.h"

#include <jansson.h>

#define PAST_PIECE_MAX ((size_t)64 << 10)
#define PAST_TEXTS_MAX 4 /* stdout and stderr of two steps */

struct past {
    json_t *answer; /* holds the texts; NULL: the record does */
    struct run_piece texts[PAST_TEXTS_MAX];
    size_t texts_len;
    char *start, *result; /* JSON; NULL: it was read, or the program was not started */
    size_t start_len, result_len;
    uint64_t next;   /* the number of the event to come */
    size_t text, at; /* where the next piece begins */
    size_t file;     /* of the answer's, which comes next */
};

/* `record` must outlive it. `answer`: its JSON of `len` bytes; NULL: none is kept. 0, or -1 out of memory. Any thread.
 */
int past_open(struct past *past, const struct record *record, const char *answer, size_t len);
void past_close(struct past *past); /* allowed for one that is all zero */

/* Whether the output that the program wrote is kept in the record. */
bool past_is_kept(const struct record *record);

/* The number of its last event. */
uint64_t past_newest(const struct past *past);

/* Reads the next event: FEED_EVENT, FEED_ENDED or FEED_BROKEN. */
enum feed_reading past_read(struct past *past, struct feed_event *out);

#endif
