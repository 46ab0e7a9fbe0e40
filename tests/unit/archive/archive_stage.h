/* Archives that are written and read on a loop, from and to streams of entries (lib/entries.h). */
#ifndef CODECELL_TESTS_ARCHIVE_STAGE_H
#define CODECELL_TESTS_ARCHIVE_STAGE_H

#include "archive/archive_reader.h"
#include "archive/archive_spool.h"
#include "archive/archive_writer.h"
#include "base/buf.h"
#include "lib/entries.h"
#include "unit.h"

#include <string.h>

/* A run of a writer or reader. */
struct stage {
    uv_loop_t loop;
    struct buf out; /* bytes of gzip, or the stream */
    bool done;
    struct error error; /* code ERROR_NONE: it succeeded */
    struct archive_counts counts;
    unsigned pieces; /* that came */
    size_t largest;
    struct archive_writer *writer;
    struct archive_reader *reader;
    const struct buf *in;
    size_t at, step;                     /* of `in` */
    uint64_t limit_bytes, limit_entries; /* 0: large ones */
    char folder[64];                     /* of this test, removed at the end */
};

void stage_open(struct stage *stage);
void stage_close(struct stage *stage); /* asserts that the folder holds nothing but what `keep` was told */
const char *stage_path(struct stage *stage, const char *name); /* good until the next call */

/* `step`: bytes of each feed. `name` NULL: gzip. */
void stage_write(struct stage *stage, const char *name, const struct buf *stream, size_t step);
void stage_read(struct stage *stage, const char *name);
void stage_read_spool(struct stage *stage, const void *data, size_t len);
void stage_list(struct stage *stage, const char *name, const struct archive_query *query);
void stage_read_one(struct stage *stage, const char *name, const char *path, uint64_t offset, uint64_t length);

/* Asserts: it succeeded, and the stream that came holds this. */
void stage_expect(struct stage *stage, const char *text);
/* Asserts: it failed so, and the sentence has this in it. */
void stage_expect_error(struct stage *stage, enum error_code code, const char *part);
/* How many files the folder has. */
unsigned stage_files(struct stage *stage);

#endif
