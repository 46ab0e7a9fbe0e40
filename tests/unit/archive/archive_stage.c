#include "archive_stage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void stage_open(struct stage *stage)
{
    *stage = (struct stage){.folder = "/tmp/codecell-archive-XXXXXX"};
    assert_non_null(mkdtemp(stage->folder));
    assert_int_equal(uv_loop_init(&stage->loop), 0);
    buf_init(&stage->out, (size_t)1 << 30);
}

const char *stage_path(struct stage *stage, const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", stage->folder, name);
    return path;
}

unsigned stage_files(struct stage *stage)
{
    DIR *folder = opendir(stage->folder);
    unsigned count = 0;

    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

void stage_close(struct stage *stage)
{
    DIR *folder = opendir(stage->folder);

    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.')
            assert_int_equal(unlink(stage_path(stage, entry->d_name)), 0);
    closedir(folder);
    assert_int_equal(rmdir(stage->folder), 0);
    buf_free(&stage->out);
    assert_int_equal(uv_loop_close(&stage->loop), 0);
}

static struct archive_limits limits_of(const struct stage *stage)
{
    return (struct archive_limits){.bytes = stage->limit_bytes > 0 ? stage->limit_bytes : (uint64_t)1 << 40,
                                   .entries = stage->limit_entries > 0 ? stage->limit_entries : 1u << 20};
}

static void take(struct stage *stage, const void *data, size_t len)
{
    stage->pieces++;
    stage->largest = len > stage->largest ? len : stage->largest;
    if (len > 0)
        assert_int_equal(buf_append(&stage->out, data, len), 0);
}

static void feed(struct stage *stage)
{
    size_t left = stage->in->len - stage->at, len = left < stage->step ? left : stage->step;

    if (left == 0) {
        archive_writer_end(stage->writer);
        stage->step = 0;
    } else {
        archive_writer_feed(stage->writer, stage->in->data + stage->at, len);
        stage->at += len;
    }
}

static void on_ready(void *arg, const void *out, size_t len)
{
    struct stage *stage = arg;

    take(stage, out, len);
    if (stage->step > 0)
        feed(stage);
}

static void stage_end_of(struct stage *stage, const struct error *error)
{
    assert_false(stage->done);
    stage->done = true;
    if (error != NULL)
        stage->error = *error;
}

static void on_written(void *arg, const struct archive_counts *counts, const struct error *error)
{
    struct stage *stage = arg;

    stage->counts = *counts;
    stage_end_of(stage, error);
    archive_writer_close(stage->writer, NULL);
}

static void begin(struct stage *stage)
{
    buf_reset(&stage->out);
    stage->done = false;
    stage->error = (struct error){0};
    stage->pieces = 0;
    stage->largest = 0;
}

static void run(struct stage *stage)
{
    uv_run(&stage->loop, UV_RUN_DEFAULT);
    assert_true(stage->done);
}

void stage_write(struct stage *stage, const char *name, const struct buf *stream, size_t step)
{
    static const struct archive_writer_events events = {on_ready, on_written};
    struct archive_limits limits = limits_of(stage);

    begin(stage);
    stage->in = stream;
    stage->at = 0;
    stage->step = step;
    stage->writer = name != NULL
                        ? archive_writer_open_file(&stage->loop, stage_path(stage, name), &limits, &events, stage)
                        : archive_writer_open_gzip(&stage->loop, &limits, &events, stage);
    assert_non_null(stage->writer);
    feed(stage);
    run(stage);
}

static void on_piece(void *arg, const void *data, size_t len)
{
    struct stage *stage = arg;

    assert_in_range(len, 1, ARCHIVE_PIECE_MAX);
    take(stage, data, len);
    archive_reader_next(stage->reader);
}

static void on_read(void *arg, const struct error *error)
{
    struct stage *stage = arg;

    stage_end_of(stage, error);
    archive_reader_close(stage->reader, NULL);
}

static const struct archive_reader_events reading = {on_piece, on_read};

static void start_reader(struct stage *stage, struct archive_reader *reader)
{
    assert_non_null(reader);
    begin(stage);
    stage->reader = reader;
    archive_reader_next(reader);
    run(stage);
}

void stage_read(struct stage *stage, const char *name)
{
    struct archive_limits limits = limits_of(stage);

    start_reader(stage, archive_reader_open_file(&stage->loop, stage_path(stage, name), &limits, &reading, stage));
}

void stage_list(struct stage *stage, const char *name, const struct archive_query *query)
{
    start_reader(stage, archive_reader_open_list(&stage->loop, stage_path(stage, name), query, &reading, stage));
}

void stage_read_one(struct stage *stage, const char *name, const char *path, uint64_t offset, uint64_t length)
{
    start_reader(stage,
                 archive_reader_open_one(&stage->loop, stage_path(stage, name), path, offset, length, &reading, stage));
}

static void on_spooled(void *arg, const struct error *error)
{
    bool *ready = arg;

    assert_null(error);
    *ready = true;
}

void stage_read_spool(struct stage *stage, const void *data, size_t len)
{
    struct archive_limits limits = limits_of(stage);
    bool ready = false;
    struct archive_spool *spool = archive_spool_open(&stage->loop, stage->folder, len, on_spooled, &ready);

    assert_non_null(spool);
    for (size_t at = 0; at < len; at += ARCHIVE_SPOOL_WRITE_MAX) {
        ready = false;
        archive_spool_write(spool, (const char *)data + at,
                            len - at < ARCHIVE_SPOOL_WRITE_MAX ? len - at : ARCHIVE_SPOOL_WRITE_MAX);
        uv_run(&stage->loop, UV_RUN_DEFAULT);
        assert_true(ready);
    }
    assert_int_equal(stage_files(stage), 0); /* it has no name */
    start_reader(stage, archive_reader_open_spool(&stage->loop, spool, &limits, &reading, stage));
    archive_spool_close(spool);
    uv_run(&stage->loop, UV_RUN_DEFAULT);
}

void stage_expect(struct stage *stage, const char *text)
{
    struct buf told;

    assert_string_equal(stage->error.text, "");
    buf_init(&told, (size_t)64 << 20);
    entries_text(&told, &stage->out);
    assert_string_equal(told.data != NULL ? told.data : "", text);
    buf_free(&told);
}

void stage_expect_error(struct stage *stage, enum error_code code, const char *part)
{
    if (strstr(stage->error.text, part) == NULL)
        fail_msg("\"%s\" has no \"%s\"", stage->error.text, part);
    assert_int_equal(stage->error.code, code);
}
