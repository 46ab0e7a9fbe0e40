/* An execution's events as clients see them: a name and a JSON object each. Server-sent events (stream.h), followers
 * (feed.h) and WebSockets send the same ones.
 *
 *   run_events_start ─ run_events_output, as often as it comes ─ run_events_step_end ─ … ─ run_events_end
 *        start              stdout, stderr                       what was kept back, and the files
 *
 * The last event is `result`. It comes after the record is committed, so that its text is made apart from this
 * (run_events_result).
 *
 * Output is split at whole UTF-8 characters. The beginning of a character is kept back until its rest comes or the step
 * ends. A byte that is not UTF-8 becomes U+FFFD. So all pieces of a stream together are what the plain answer shows.
 * The same calls make the same events, whoever makes them. */
#ifndef CODECELL_API_RUN_EVENTS_H
#define CODECELL_API_RUN_EVENTS_H

#include "run/execution.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct execute_answer;

#define RUN_EVENTS_TAIL_MAX 3 /* bytes of a character that is not whole */

/* A piece of output, as bytes in whole characters, some of which may not be UTF-8. Good for the call alone. */
struct run_piece {
    enum frame_step step;
    enum frame_channel channel; /* FRAME_STDOUT or FRAME_STDERR */
    const char *data;
    size_t len;
};

/* Splits output into pieces. All zero at first, except the function. */
struct run_pieces {
    void (*piece)(void *arg, const struct run_piece *piece);
    void *arg;
    struct run_pieces_tail {
        enum frame_step step;
        size_t len;
        char data[RUN_EVENTS_TAIL_MAX];
    } tails[2]; /* of stdout, and of stderr */
};

void run_pieces_add(struct run_pieces *pieces, enum frame_step step, enum frame_channel channel, const uint8_t *data,
                    size_t len);
/* The step is over: what was kept back comes. What the output limit has cut within a character does not, as in the
 * plain answer. */
void run_pieces_end(struct run_pieces *pieces, enum frame_step step, const struct execution_result *result);

/* Makes events out of an execution. */
struct run_events {
    /* An event. `json` is an object with at least one member, so that a listener may put another before its first. It
     * is good for the call alone. */
    void (*event)(void *arg, const char *name, const char *json, size_t len);
    void *arg;
    const char *file_type; /* the member of a `file` that has its MIME type: FILES_TYPE unless the caller changes it */
    struct run_pieces pieces;
    bool failed; /* there was no memory for an event, and none comes after that */
};

void run_events_init(struct run_events *events,
                     void (*event)(void *arg, const char *name, const char *json, size_t len), void *arg);

/* To be called from the listener's functions of the same names; run_events_end() from on_result. */
void run_events_start(struct run_events *events, const struct execution *execution);
void run_events_output(struct run_events *events, enum frame_step step, enum frame_channel channel, const uint8_t *data,
                       size_t len);
void run_events_step_end(struct run_events *events, struct execution *execution, enum frame_step step);
void run_events_end(struct run_events *events, struct execution *execution);

/* One event's JSON: free() it. NULL: out of memory. `*name` is static. Any thread. */
char *run_events_start_text(const struct execution *execution, size_t *len);
char *run_events_piece_text(const struct run_piece *piece, const char **name, size_t *len);
char *run_events_file_text(const struct outputs *outputs, size_t i, const char *type_name, size_t *len);
/* The whole answer without stdout, stderr and files, also of the compile step, and with `detail` if the plain answer's
 * status would not be 200. Once for an answer. */
char *run_events_result(struct execute_answer *answer, size_t *len);

#endif
