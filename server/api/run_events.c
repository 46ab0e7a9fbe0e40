#include "api/run_events.h"

#include "api/answers.h"
#include "api/execute_answer.h"
#include "api/files_answer.h"
#include "base/json.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Pieces. */

static struct run_pieces_tail *tail_of(struct run_pieces *pieces, enum frame_channel channel)
{
    return &pieces->tails[channel == FRAME_STDOUT ? 0 : 1];
}

static void pieces_pass(struct run_pieces *pieces, enum frame_step step, enum frame_channel channel, const char *data,
                        size_t len)
{
    const struct run_piece piece = {.step = step, .channel = channel, .data = data, .len = len};

    if (len > 0)
        pieces->piece(pieces->arg, &piece);
}

/* Adds bytes to what was kept back, until no character is open any more. Returns how many it took. */
static size_t complete_tail(struct run_pieces *pieces, enum frame_step step, enum frame_channel channel,
                            const char *data, size_t len)
{
    struct run_pieces_tail *tail = tail_of(pieces, channel);
    char joined[RUN_EVENTS_TAIL_MAX + 1];
    size_t taken = 0;

    while (tail->len > 0 && taken < len) {
        size_t joined_len = tail->len + 1;
        memcpy(joined, tail->data, tail->len);
        joined[tail->len] = data[taken++];
        tail->len = text_utf8_tail(joined, joined_len);
        memcpy(tail->data, joined + joined_len - tail->len, tail->len);
        pieces_pass(pieces, step, channel, joined, joined_len - tail->len);
    }
    return taken;
}

void run_pieces_add(struct run_pieces *pieces, enum frame_step step, enum frame_channel channel, const uint8_t *data,
                    size_t len)
{
    struct run_pieces_tail *tail = tail_of(pieces, channel);
    const char *text = (const char *)data;
    size_t taken = complete_tail(pieces, step, channel, text, len);

    text += taken;
    len -= taken;
    if (len == 0)
        return;
    tail->step = step;
    tail->len = text_utf8_tail(text, len);
    memcpy(tail->data, text + len - tail->len, tail->len);
    pieces_pass(pieces, step, channel, text, len - tail->len);
}

static void end_tail(struct run_pieces *pieces, enum frame_step step, enum frame_channel channel, bool cut)
{
    struct run_pieces_tail *tail = tail_of(pieces, channel);
    size_t len = tail->len;

    if (len == 0 || tail->step != step)
        return;
    tail->len = 0;
    if (!cut)
        pieces_pass(pieces, step, channel, tail->data, len);
}

void run_pieces_end(struct run_pieces *pieces, enum frame_step step, const struct execution_result *result)
{
    const struct execution_output *output = step == FRAME_STEP_COMPILE ? &result->compile : &result->run;

    end_tail(pieces, step, FRAME_STDOUT, output->out_cut);
    end_tail(pieces, step, FRAME_STDERR, output->err_cut);
}

/* Texts. */

static char *text_of(json_t *value, size_t *len)
{
    char *text = value != NULL ? json_text(value, len) : NULL;

    json_decref(value);
    return text;
}

char *run_events_start_text(const struct execution *execution, size_t *len)
{
    const struct execution_request *request = execution_request(execution);

    return text_of(json_pack("{s:s, s:s, s:s, s:s?}", "execution_id", execution_id(execution), "language",
                             request->language->id, "version", execution_version(execution), "session_id",
                             request->session_id),
                   len);
}

char *run_events_piece_text(const struct run_piece *piece, const char **name, size_t *len)
{
    struct buf clean;
    char *text = NULL;

    *name = piece->channel == FRAME_STDOUT ? "stdout" : "stderr";
    buf_init(&clean, 3 * piece->len); /* U+FFFD is three bytes for one */
    if (text_utf8_clean(&clean, piece->data, piece->len, false) == 0)
        text = text_of(json_pack("{s:o, s:s}", "data", json_stringn_nocheck(clean.data, clean.len), "step",
                                 piece->step == FRAME_STEP_COMPILE ? "compile" : "run"),
                       len);
    buf_free(&clean);
    return text;
}

char *run_events_result(struct execute_answer *answer, size_t *len)
{
    return text_of(execute_answer_streamed(answer), len);
}

/* Events. */

static void events_tell(struct run_events *events, const char *name, char *text, size_t len)
{
    if (text == NULL)
        events->failed = true;
    if (!events->failed)
        events->event(events->arg, name, text, len);
    free(text);
}

static void events_on_piece(void *arg, const struct run_piece *piece)
{
    struct run_events *events = arg;
    const char *name;
    size_t len = 0;
    char *text = run_events_piece_text(piece, &name, &len);

    events_tell(events, name, text, len);
}

void run_events_init(struct run_events *events,
                     void (*event)(void *arg, const char *name, const char *json, size_t len), void *arg)
{
    *events = (struct run_events){
        .event = event, .arg = arg, .file_type = FILES_TYPE, .pieces = {.piece = events_on_piece, .arg = events}};
}

void run_events_start(struct run_events *events, const struct execution *execution)
{
    size_t len = 0;
    char *text = run_events_start_text(execution, &len);

    events_tell(events, "start", text, len);
}

void run_events_output(struct run_events *events, enum frame_step step, enum frame_channel channel, const uint8_t *data,
                       size_t len)
{
    run_pieces_add(&events->pieces, step, channel, data, len);
}

void run_events_step_end(struct run_events *events, struct execution *execution, enum frame_step step)
{
    run_pieces_end(&events->pieces, step, execution_result(execution));
}

char *run_events_file_text(const struct outputs *outputs, size_t i, const char *type_name, size_t *len)
{
    return text_of(files_answer_one(outputs, i, type_name), len);
}

static void events_tell_files(struct run_events *events, const struct outputs *outputs)
{
    for (size_t i = 0; outputs != NULL && i < outputs->files_len && !events->failed; i++) {
        size_t len = 0;
        char *text = run_events_file_text(outputs, i, events->file_type, &len);

        events_tell(events, "file", text, len);
    }
}

void run_events_end(struct run_events *events, struct execution *execution)
{
    run_events_step_end(events, execution, FRAME_STEP_COMPILE);
    run_events_step_end(events, execution, FRAME_STEP_RUN);
    events_tell_files(events, execution_result(execution)->outputs);
}
