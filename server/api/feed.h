/* What an execution has written, kept so that any number of followers can read it, from its beginning and at their own
 * pace. A follower neither holds the program back nor ends it. All followers see the same events with the same numbers,
 * which count from 1: start, output, result.
 *
 *   feed_new ─ feed_start ─ feed_output ─ feed_step_end ─┬─ feed_over: the result is the last event
 *                  │                                     └─ feed_drop: it is run again later, or never was
 *                  └ followers that wait for this execution get it
 *
 * Each feed has a cap, and drops the oldest output beyond it. The feeds of executions that have ended are kept as long
 * as there is room, so that a follower that lost its connection can go on. On the loop's thread. */
#ifndef CODECELL_API_FEED_H
#define CODECELL_API_FEED_H

#include "api/run_events.h"
#include "base/list.h"
#include "base/text.h"

struct feed;
struct feeds;

#define FEED_MAX ((size_t)4 << 20)          /* bytes of an execution whose answer holds the output */
#define FEED_STREAM_MAX ((size_t)256 << 10) /* bytes of one whose client gets it as it comes */
#define FEEDS_KEPT_MAX 256u                 /* executions that have ended */
#define FEEDS_KEPT_BYTES ((size_t)4 << 20)

struct feeds *feeds_open(void); /* NULL: out of memory */
void feeds_free(struct feeds *feeds);

/* For the run. A feed that is NULL takes nothing. */

/* `max`: bytes of output that it keeps. NULL: out of memory, or there are no feeds. */
struct feed *feed_new(struct feeds *feeds, int64_t key_row, size_t max);
void feed_start(struct feed *feed, const struct execution *execution);
void feed_output(struct feed *feed, enum frame_step step, enum frame_channel channel, const uint8_t *data, size_t len);
void feed_step_end(struct feed *feed, struct execution *execution, enum frame_step step);
/* The result is final, and still has its texts. The feed is the feeds' from now on. */
void feed_over(struct feed *feed, struct execution *execution);
void feed_drop(struct feed *feed);

/* For followers. */

/* Reads one execution's feed. `key_row` and `id` are its owner's to set. */
struct follower {
    struct list node;
    int64_t key_row;
    char id[UUID_LEN + 1];
    struct feed *feed; /* NULL: none yet, or it was dropped */
    /* There is more to read, or `feed` has changed. It may end the follower. */
    void (*more)(struct follower *follower);
};

/* Sets `feed` if there is one. Otherwise the follower waits for it. */
void feeds_follow(struct feeds *feeds, struct follower *follower);
void feeds_unfollow(struct follower *follower); /* allowed for one that does not follow */

enum feed_reading {
    FEED_EVENT, /* there is one */
    FEED_WAIT,  /* not yet: more() follows */
    FEED_LOST,  /* it is not kept any more */
    FEED_ENDED, /* there was the result already */
    FEED_BROKEN /* there is no memory for it */
};

struct feed_event {
    uint64_t id;
    const char *name; /* static */
    char *json;       /* free() */
    size_t len;
};

/* What there is after the event `last` (0: from the beginning). */
enum feed_reading feed_look(const struct feed *feed, uint64_t last);

/* Reads the event after `last`. Only FEED_EVENT fills in `out`. */
enum feed_reading feed_read(struct feed *feed, uint64_t last, struct feed_event *out);

uint64_t feed_newest(const struct feed *feed); /* the number of its newest event; 0: none */

#endif
