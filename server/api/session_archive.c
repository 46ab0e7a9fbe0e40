/* GET: `pack`, whose stream a writer makes a .tar.gz of. PUT: the body is kept in a spool until it is whole, then it is
 * read, and `unpack` takes it: everything changes in one step, or nothing. */
#include "api/session_archive.h"

#include "api/answers.h"
#include "api/file_call.h"
#include "archive/archive_reader.h"
#include "archive/archive_spool.h"
#include "archive/archive_writer.h"
#include "base/container_of.h"

#include <stdlib.h>

/* GET. */

struct archive_get {
    struct file_call call;
    struct archive_writer *writer;
    const char *out; /* what the client has not taken yet: the writer's, until its next call */
    size_t out_len;
    bool waits;     /* the writer works */
    bool ending;    /* the writer has got all */
    bool over;      /* the writer is done */
    bool failed;    /* and not well */
    bool any;       /* something of the stream came */
    bool stepped;   /* the step is over */
    struct buf fed; /* of the stream, that the writer has not had yet */
};

static struct archive_get *archive_get_of(struct file_call *call)
{
    return container_of(call, struct archive_get, call);
}

static void archive_end(struct file_call *call)
{
    struct http_exchange *ex = pending_end(&call->pending);

    if (archive_get_of(call)->failed)
        http_flow_abort(ex);
    else
        http_flow_end(ex);
}

/* What is next: bytes to the client, then bytes to the writer, then the end. */
static void archive_get_step(struct archive_get *get)
{
    if (get->call.pending.ex == NULL || get->call.finished)
        return;
    if (get->out_len > 0) {
        size_t taken = http_flow_write(get->call.pending.ex, get->out, get->out_len);
        get->out += taken;
        get->out_len -= taken;
        if (get->out_len > 0)
            return; /* archive_drained() comes */
    }
    if (get->waits)
        return;
    if (get->over || (get->stepped && get->failed)) {
        if (get->stepped)
            file_call_finish(&get->call, archive_end);
        return;
    }
    if (get->fed.len > 0) {
        size_t part = get->fed.len < ARCHIVE_FEED_MAX ? get->fed.len : ARCHIVE_FEED_MAX;
        get->waits = true;
        archive_writer_feed(get->writer, get->fed.data, part);
        buf_consume(&get->fed, part);
    } else if (get->stepped && !get->ending) {
        get->waits = get->ending = true;
        archive_writer_end(get->writer);
    } else if (!get->stepped) {
        file_call_hold(&get->call, false);
    }
}

static void archive_drained(void *arg)
{
    archive_get_step(arg);
}

static void on_packed(void *arg, const void *out, size_t len)
{
    struct archive_get *get = arg;

    get->waits = false;
    get->out = out;
    get->out_len = len;
    archive_get_step(get);
}

/* The last bytes came before, perhaps the client has not taken all of them. */
static void on_archive_made(void *arg, const struct archive_counts *counts, const struct error *error)
{
    struct archive_get *get = arg;

    (void)counts;
    get->waits = false;
    get->over = true;
    get->failed |= error != NULL;
    file_call_hold(&get->call, false);
    archive_get_step(get);
}

static const struct archive_writer_events writer_events = {.on_ready = on_packed, .on_done = on_archive_made};

static void archive_on_raw(struct file_call *call, const uint8_t *data, size_t len)
{
    struct archive_get *get = archive_get_of(call);

    get->any = true;
    if (get->over)
        return;
    if (buf_append(&get->fed, (const char *)data, len) != 0)
        get->failed = get->over = true;
    file_call_hold(call, true);
    archive_get_step(get);
}

static void archive_on_end(struct file_call *call, enum file_exit exit)
{
    struct archive_get *get = archive_get_of(call);

    if (!get->any && exit == FILE_DONE) { /* a workspace that was never saved */
        uint8_t end[ENTRY_HEAD];
        entry_put_end(end, &(struct entry_end){.exit = FILE_DONE});
        get->failed |= buf_append(&get->fed, end, sizeof end) != 0;
    }
    get->stepped = true;
    get->failed |= exit != FILE_DONE;
    archive_get_step(get);
}

static const struct file_step pack_step = {.on_raw = archive_on_raw, .on_end = archive_on_end};

static void archive_get_begin(struct file_call *call)
{
    struct archive_get *get = archive_get_of(call);

    const struct archive_limits limits = workspace_archive_limits(&call->plan.limits);

    buf_init(&get->fed, (size_t)1 << 20);
    get->writer = archive_writer_open_gzip(call->api->loop, &limits, &writer_events, get);
    if (get->writer == NULL) {
        file_call_refuse(call, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
        return;
    }
    http_header_add(call->pending.ex, "Content-Disposition", "attachment; filename=\"workspace.tar.gz\"");
    http_header_add(call->pending.ex, "X-Content-Type-Options", "nosniff");
    http_flow_begin(call->pending.ex, 200, "application/gzip");
    http_flow_on_drained(call->pending.ex, archive_drained, get);
    file_call_run(call, &pack_step, (const char *const[]){"pack", WORKSPACE_PACK_BYTES, WORKSPACE_PACK_ENTRIES, NULL});
}

static void archive_get_clear(struct file_call *call)
{
    struct archive_get *get = archive_get_of(call);

    if (get->writer != NULL)
        archive_writer_close(get->writer, NULL);
    buf_free(&get->fed);
}

static const struct file_operation get_operation = {
    .size = sizeof(struct archive_get), .sleeps = true, .begin = archive_get_begin, .clear = archive_get_clear};

void api_archive_get(struct http_exchange *ex)
{
    struct file_call *call = file_call_new(ex, &get_operation);

    if (call != NULL)
        file_call_start(call);
}

/* PUT. */

struct archive_put {
    struct file_call call;
    struct archive_spool *spool;
    struct archive_reader *reader;
    const char *piece;
    size_t piece_len;
    bool over;          /* the reader is done */
    struct error error; /* why the archive is no good; code ERROR_NONE: it is */
};

static struct archive_put *archive_put_of(struct file_call *call)
{
    return container_of(call, struct archive_put, call);
}

static void unpack_feed(struct archive_put *put)
{
    struct cell *cell = put->call.cell;

    if (put->call.step == NULL || cell == NULL)
        return;
    if (put->piece_len > 0) {
        size_t taken = cell_input(cell, put->piece, put->piece_len);
        put->piece += taken;
        put->piece_len -= taken;
        if (put->piece_len == 0)
            archive_reader_next(put->reader);
    } else if (put->over) {
        cell_input_end(cell);
    }
}

static void on_unpacked_piece(void *arg, const void *data, size_t len)
{
    struct archive_put *put = arg;

    put->piece = data;
    put->piece_len = len;
    unpack_feed(put);
}

static void on_unpacked(void *arg, const struct error *error)
{
    struct archive_put *put = arg;

    put->over = true;
    if (error != NULL)
        put->error = *error;
    unpack_feed(put);
}

static const struct archive_reader_events reader_events = {.on_piece = on_unpacked_piece, .on_done = on_unpacked};

static void unpack_on_input_wanted(struct file_call *call)
{
    unpack_feed(archive_put_of(call));
}

static void unpack_answer(struct file_call *call)
{
    http_respond(pending_end(&call->pending), 204, NULL, NULL, 0);
}

static void unpack_on_end(struct file_call *call, enum file_exit exit)
{
    struct archive_put *put = archive_put_of(call);

    if (exit == FILE_DONE)
        file_call_finish(call, unpack_answer);
    else if (put->error.code != ERROR_NONE)
        file_call_refuse(call, put->error.code == ERROR_INTERNAL ? ERROR_INVALID : put->error.code, put->error.text);
    else
        file_call_fail(call, exit);
}

static const struct file_step unpack_step = {.on_input_wanted = unpack_on_input_wanted, .on_end = unpack_on_end};

/* The workspace is free, and the archive is whole. */
static void unpack_begin(struct file_call *call)
{
    struct archive_put *put = archive_put_of(call);
    const struct archive_limits limits = workspace_archive_limits(&call->plan.limits);

    put->reader = archive_reader_open_spool(call->api->loop, put->spool, &limits, &reader_events, put);
    if (put->reader == NULL) {
        file_call_refuse(call, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
        return;
    }
    file_call_run(call, &unpack_step, (const char *const[]){"unpack", NULL});
    archive_reader_next(put->reader);
}

static void archive_put_clear(struct file_call *call)
{
    struct archive_put *put = archive_put_of(call);

    if (put->reader != NULL)
        archive_reader_close(put->reader, NULL);
    if (put->spool != NULL)
        archive_spool_close(put->spool);
}

static const struct file_operation put_operation = {
    .size = sizeof(struct archive_put), .changes = true, .begin = unpack_begin, .clear = archive_put_clear};

static void on_spooled(void *arg, const struct error *error)
{
    struct archive_put *put = arg;

    if (put->call.pending.ex == NULL)
        return;
    if (error != NULL)
        file_call_refuse(&put->call, error->code == ERROR_UNAVAILABLE ? ERROR_STORAGE : error->code, error->text);
    else
        http_body_go_on(put->call.pending.ex);
}

static int spool_piece(struct http_exchange *ex, const char *data, size_t len)
{
    struct archive_put *put = archive_put_of(file_call_of(ex));

    http_body_hold(ex);
    archive_spool_write(put->spool, data, len);
    return 0;
}

/* The session is looked up after the upload, so a slow client holds nobody up. */
void api_archive_put_begin(struct http_exchange *ex)
{
    struct file_call *call = file_call_new(ex, &put_operation);

    if (call == NULL)
        return;
    struct archive_put *put = archive_put_of(call);
    uint64_t most = (uint64_t)call->api->maxima.cell.disk_mb << 20;
    put->spool = archive_spool_open(call->api->loop, workspaces_folder(call->api->workspaces), most, on_spooled, put);
    if (put->spool == NULL) {
        file_call_refuse(call, ERROR_MEMORY, ERROR_MEMORY_SENTENCE);
        return;
    }
    http_body_flows(ex, spool_piece);
    http_body_limit(ex, most);
    http_admit(ex);
}

void api_archive_put(struct http_exchange *ex)
{
    file_call_start(file_call_of(ex));
}
