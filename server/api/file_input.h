/* Files on their way from a request's body that flows into a cell: the stream of entries that the step `write` takes
 * (docker/wire/entry.h). What the cell has not taken yet is kept, and the body is held meanwhile.
 *
 *   file_input_file ─ file_input_data, as often as wanted ─ file_input_file_end ─ … ─ file_input_end
 *
 * after each of which file_input_feed() should be called. */
#ifndef CODECELL_API_FILE_INPUT_H
#define CODECELL_API_FILE_INPUT_H

#include "api/file_call.h"

struct file_input {
    struct buf out; /* bytes of the stream that the cell has not taken yet */
    uint64_t entries, bytes;
    bool over;    /* nothing comes any more */
    bool reading; /* the exchange was admitted, so its body may go on */
};

void file_input_init(struct file_input *input);
void file_input_free(struct file_input *input);

/* 0, or -1: out of memory. */
int file_input_file(struct file_input *input, const char *path); /* a new file begins */
int file_input_data(struct file_input *input, const char *data, size_t len);
int file_input_file_end(struct file_input *input);

/* Nothing comes any more. `whole`: the stream gets its end; else the agent puts no further file in its place. */
void file_input_end(struct file_input *input, bool whole);

/* Gives the cell what waits, and lets the body go on when nothing waits. */
void file_input_feed(struct file_input *input, struct file_call *call);

/* Lets the body come to `on_piece`, and not more than `bytes` of it. The step must run. */
void file_input_admit(struct file_input *input, struct file_call *call, http_body_piece *on_piece, uint64_t bytes);

#endif
