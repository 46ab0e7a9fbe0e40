#include "api/past.h"

#include "api/answers.h"
#include "api/executions.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* The texts. */

static void add_text(struct past *past, enum frame_step step, enum frame_channel channel, const char *data, size_t len)
{
    if (len > 0)
        past->texts[past->texts_len++] = (struct run_piece){.step = step, .channel = channel, .data = data, .len = len};
}

static void add_string(struct past *past, enum frame_step step, enum frame_channel channel, const json_t *string)
{
    add_text(past, step, channel, json_string_value(string), json_string_length(string));
}

static void add_step(struct past *past, enum frame_step step, const json_t *object)
{
    add_string(past, step, FRAME_STDOUT, json_object_get(object, "stdout"));
    add_string(past, step, FRAME_STDERR, json_object_get(object, "stderr"));
}

/* If the compiler has failed, its output is the answer's, too. */
static void add_answer_texts(struct past *past)
{
    const json_t *compile = json_object_get(past->answer, "compile");

    add_step(past, FRAME_STEP_COMPILE, compile);
    if (json_integer_value(json_object_get(compile, "exit_code")) == 0)
        add_step(past, FRAME_STEP_RUN, past->answer);
}

static void add_record_texts(struct past *past, const struct record *record)
{
    enum frame_step step = record->status == RECORD_COMPILE_FAILED ? FRAME_STEP_COMPILE : FRAME_STEP_RUN;

    add_text(past, step, FRAME_STDOUT, record->out, record->out_len);
    add_text(past, step, FRAME_STDERR, record->err, record->err_len);
}

bool past_is_kept(const struct record *record)
{
    return record->out != NULL || record->stdout_bytes + record->stderr_bytes == 0;
}

/* The first and the last event. */

static char *text_of(json_t *value, size_t *len)
{
    char *text = value != NULL ? json_text(value, len) : NULL;

    json_decref(value);
    return text;
}

static json_t *record_value(const struct record *record)
{
    struct record bare = *record;

    bare.code = bare.out = bare.err = NULL;
    return execution_json(&bare);
}

static json_t *record_result(const struct record *record)
{
    json_t *value = record_value(record);

    json_object_set_new(value, "timed_out", json_boolean(record->status == RECORD_TIMED_OUT));
    if (record->status == RECORD_TIMED_OUT)
        json_object_set_new(value, "detail", json_string("Execution failed: container timeout"));
    return value;
}

static void forget_texts(json_t *object)
{
    json_object_del(object, "stdout");
    json_object_del(object, "stderr");
    json_object_del(object, "files");
}

/* The answer without its texts, which stay the answer's. One that is a detail alone gets the record's fields. */
static json_t *answer_result(const json_t *answer, const struct record *record)
{
    json_t *value = json_copy((json_t *)answer);
    json_t *compile = json_copy(json_object_get(value, "compile"));

    forget_texts(value);
    if (json_is_object(compile)) {
        forget_texts(compile);
        json_object_set(value, "compile", compile);
    }
    json_decref(compile);
    if (value == NULL || json_object_get(value, "execution_id") != NULL)
        return value;
    json_t *whole = record_value(record);
    json_object_update(whole, value);
    json_decref(value);
    return whole;
}

static json_t *start_value(const struct record *record)
{
    return json_pack("{s:s, s:s, s:o, s:o}", "execution_id", record->id, "language", record->language, "version",
                     api_text(record->version), "session_id", api_text(record->session_id));
}

/* Opening and reading. */

int past_open(struct past *past, const struct record *record, const char *answer, size_t len)
{
    struct error error;

    *past = (struct past){.next = 1};
    if (answer != NULL && (past->answer = json_parse(answer, len, &error)) == NULL)
        return -1;
    if (past->answer != NULL)
        add_answer_texts(past);
    else
        add_record_texts(past, record);
    if (record->started_ms != 0 && (past->start = text_of(start_value(record), &past->start_len)) == NULL)
        return -1;
    past->result =
        text_of(past->answer != NULL ? answer_result(past->answer, record) : record_result(record), &past->result_len);
    return past->result != NULL ? 0 : -1;
}

void past_close(struct past *past)
{
    json_decref(past->answer);
    free(past->start);
    free(past->result);
    *past = (struct past){.answer = NULL};
}

/* In whole characters. */
static size_t piece_len(const struct run_piece *text, size_t at)
{
    size_t left = text->len - at, len = PAST_PIECE_MAX;

    if (left <= len)
        return left;
    return len - text_utf8_tail(text->data + at, len);
}

/* NULL, which counts as empty: the record keeps no files. */
static const json_t *past_files(const struct past *past)
{
    return json_object_get(past->answer, "files");
}

uint64_t past_newest(const struct past *past)
{
    uint64_t count = (past->start != NULL) + json_array_size(past_files(past)) + 1u;

    for (size_t i = 0; i < past->texts_len; i++)
        for (size_t at = 0; at < past->texts[i].len; at += piece_len(&past->texts[i], at))
            count++;
    return count;
}

static char *read_text(struct past *past, struct feed_event *out)
{
    const struct run_piece *text = &past->texts[past->text];
    struct run_piece piece = *text;

    piece.data = text->data + past->at;
    piece.len = piece_len(text, past->at);
    past->at += piece.len;
    if (past->at == text->len) {
        past->text++;
        past->at = 0;
    }
    return run_events_piece_text(&piece, &out->name, &out->len);
}

static char *hand_over(char **text, size_t len, const char *name, struct feed_event *out)
{
    char *handed = *text;

    *text = NULL;
    out->name = name;
    out->len = len;
    return handed;
}

static char *read_file(struct past *past, struct feed_event *out)
{
    out->name = "file";
    return json_text(json_array_get(past_files(past), past->file++), &out->len);
}

enum feed_reading past_read(struct past *past, struct feed_event *out)
{
    out->id = past->next++;
    if (past->start != NULL)
        out->json = hand_over(&past->start, past->start_len, "start", out);
    else if (past->text < past->texts_len)
        out->json = read_text(past, out);
    else if (past->file < json_array_size(past_files(past)))
        out->json = read_file(past, out);
    else if (past->result != NULL)
        out->json = hand_over(&past->result, past->result_len, "result", out);
    else
        return FEED_ENDED;
    return out->json != NULL ? FEED_EVENT : FEED_BROKEN;
}
