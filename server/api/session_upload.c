/* One step `write` takes the files of all parts, one after another, while the body comes. Each is put in its place when
 * its part is whole. So if something goes wrong, the parts before it are written, and the answer says so. */
#include "api/session_upload.h"

#include "api/answers.h"
#include "api/file_fields.h"
#include "api/file_input.h"
#include "base/container_of.h"
#include "base/text.h"
#include "http/multipart.h"

#include <string.h>

#define NAME_SHOWN 100 /* bytes of a path in a sentence */

struct file_upload {
    struct file_call call;
    struct file_input input;
    struct multipart multipart;
    const char *paths[UPLOAD_PARTS_MAX]; /* of the parts, in the call's arena */
    json_t *items;                       /* the files that are in their places */
    struct error error;                  /* why the body or a file is no good; code ERROR_NONE: it is */
};

static struct file_upload *upload_of(struct file_call *call)
{
    return container_of(call, struct file_upload, call);
}

/* The answer. */

static void upload_answer(struct file_call *call)
{
    struct file_upload *upload = upload_of(call);

    api_respond(pending_end(&call->pending), 201, json_pack("{sosn}", "items", upload->items, "next_cursor"));
    upload->items = NULL;
}

static void upload_answer_error(struct file_call *call)
{
    struct file_upload *upload = upload_of(call);
    struct error *error = &upload->error;
    size_t written = json_array_size(upload->items), len = strlen(error->text);
    const char *stop = len > 0 && error->text[len - 1] == '.' ? "" : ".";

    if (written == 0)
        error_set(error, error->code, "%s%s Nothing was written.", error->text, stop);
    else
        error_set(error, error->code, "%s%s Before it, %zu %s written.", error->text, stop, written,
                  written == 1 ? "part was" : "parts were");
    api_respond_error(pending_end(&call->pending), error);
}

/* Whether a path can be quoted in a line. */
static bool is_plain(const char *path)
{
    for (const char *p = path; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return false;
    return text_is_utf8(path, strlen(path));
}

/* Puts "part N (PATH)" before the sentence. `part` counts from 1. */
static void name_part(struct file_upload *upload, size_t part)
{
    const char *path = part <= UPLOAD_PARTS_MAX ? upload->paths[part - 1] : NULL;

    if (path != NULL && *path != '\0' && is_plain(path))
        error_wrap(&upload->error, "part %zu (%.*s)", part, text_cut_utf8(path, NAME_SHOWN), path);
    else
        error_wrap(&upload->error, "part %zu", part);
}

/* The step. */

static void upload_on_written(struct file_call *call, const struct entry *entry)
{
    json_array_append_new(upload_of(call)->items, file_info_json(entry));
}

static void upload_on_input_wanted(struct file_call *call)
{
    file_input_feed(&upload_of(call)->input, call);
}

/* Parts are written in their order. So a file that the cell did not take is the one behind those that it took. */
static void upload_on_end(struct file_call *call, enum file_exit exit)
{
    struct file_upload *upload = upload_of(call);

    if (exit == FILE_DONE) {
        file_call_finish(call, upload_answer);
        return;
    }
    if (exit != FILE_BROKEN || upload->error.code == ERROR_NONE) {
        file_call_error(exit, &upload->error);
        name_part(upload, json_array_size(upload->items) + 1);
    }
    file_call_finish(call, upload_answer_error);
}

static const struct file_step upload_step = {
    .on_entry = upload_on_written, .on_input_wanted = upload_on_input_wanted, .on_end = upload_on_end};

/* The body. */

static void upload_break(struct file_upload *upload, enum error_code code, const char *sentence)
{
    error_set(&upload->error, code, "%s", sentence);
    if (upload->multipart.parts > 0)
        name_part(upload, upload->multipart.parts);
    file_input_end(&upload->input, false);
}

/* 0, or -1: out of memory. */
static int take_part(struct file_upload *upload, const struct multipart_part *part)
{
    const char *path = part->filename != NULL ? part->filename : part->name;
    unsigned number = upload->multipart.parts;

    if (number > UPLOAD_PARTS_MAX) {
        upload_break(upload, ERROR_TOO_LARGE, "a form has at most 1000 parts");
        return 0;
    }
    if (path == NULL || *path == '\0') {
        upload_break(upload, ERROR_INVALID, "it has no filename and no name");
        return 0;
    }
    if ((upload->paths[number - 1] = arena_text(&upload->call.arena, path, strlen(path))) == NULL)
        return -1;
    if (wire_path_ok(path, strlen(path)))
        return file_input_file(&upload->input, path);
    upload_break(upload, ERROR_INVALID, "its path must be relative, without . and .., of at most 4096 bytes");
    return 0;
}

static int take_event(struct file_upload *upload, enum multipart_event event, const struct multipart_piece *piece)
{
    switch (event) {
    case MULTIPART_PART:
        return take_part(upload, &piece->part);
    case MULTIPART_DATA:
        return file_input_data(&upload->input, piece->data, piece->data_len);
    case MULTIPART_PART_END:
        return file_input_file_end(&upload->input);
    case MULTIPART_BROKEN:
        upload_break(upload, piece->error.code, piece->error.text);
        return 0;
    default:
        return 0;
    }
}

static int upload_piece(struct http_exchange *ex, const char *data, size_t len)
{
    struct file_upload *upload = upload_of(file_call_of(ex));
    struct multipart_piece piece;
    enum multipart_event event;

    while (!upload->input.over && (event = multipart_read(&upload->multipart, &data, &len, &piece)) != MULTIPART_MORE)
        if (take_event(upload, event, &piece) != 0)
            return -1;
    http_body_hold(ex);
    file_input_feed(&upload->input, &upload->call);
    return 0;
}

void api_files_post(struct http_exchange *ex)
{
    struct file_upload *upload = upload_of(file_call_of(ex));
    struct error error;

    if (upload->input.over)
        return; /* the step ends soon */
    if (multipart_close(&upload->multipart, &error) != 0)
        upload_break(upload, error.code, error.text);
    else
        file_input_end(&upload->input, true);
    file_input_feed(&upload->input, &upload->call);
}

static void upload_begin(struct file_call *call)
{
    const uint64_t heads = (uint64_t)UPLOAD_PARTS_MAX * MULTIPART_HEAD_MAX;

    file_call_run(call, &upload_step, (const char *const[]){"write", "any", NULL});
    file_input_admit(&upload_of(call)->input, call, upload_piece,
                     ((uint64_t)call->plan.limits.cell.disk_mb << 20) + heads);
}

static void upload_clear(struct file_call *call)
{
    file_input_free(&upload_of(call)->input);
    json_decref(upload_of(call)->items);
}

static const struct file_operation upload_operation = {
    .size = sizeof(struct file_upload), .changes = true, .begin = upload_begin, .clear = upload_clear};

void api_files_post_begin(struct http_exchange *ex)
{
    struct file_call *call = file_call_new(ex, &upload_operation);
    struct error error;

    if (call == NULL)
        return;
    struct file_upload *upload = upload_of(call);
    file_input_init(&upload->input);
    if (multipart_open(&upload->multipart, http_header(ex, "Content-Type"), &error) != 0)
        file_call_refuse(call, error.code, error.text);
    else if ((upload->items = json_array()) == NULL)
        file_call_refuse(call, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
    else
        file_call_start(call);
}
