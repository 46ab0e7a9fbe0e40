/* The files that a program has left and its request wants back (`outputs`). After the run step, whatever its end,
 * another job follows in the same cell: the agent's tool collects the files (docker/agent/tool_collect.h). What comes
 * is checked as anything that comes from a cell. A request without outputs has none of this. */
#ifndef CODECELL_RUN_OUTPUTS_H
#define CODECELL_RUN_OUTPUTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "docker/cell/cell_job.h"
#include "docker/wire/entry.h"
#include "run/request.h"

#define OUTPUTS_PATTERNS_MAX 32u
#define OUTPUTS_FILES_MAX 128u
#define OUTPUTS_BYTES_LEAST ((uint64_t)4 << 20) /* of all files together; more if output_kb is large */
#define OUTPUTS_MS 10000u                       /* that the collection may take; a warning says so, too */

struct output_file {
    const char *path; /* bytes that may not be UTF-8, NUL-terminated */
    size_t at, len;   /* its content in `bytes` */
};

struct outputs {
    struct arena arena;
    struct buf bytes; /* of all files, one after the other */
    struct output_file files[OUTPUTS_FILES_MAX];
    size_t files_len; /* in order of their paths */

    /* While they come. */
    const char **argv;
    struct cell_job job;
    struct entry_reader reader;
    struct entry_end end;
    bool ended, broken, no_memory;
    bool late; /* the tool was ended after OUTPUTS_MS */
    bool open; /* the last file's content is not whole yet */
};

/* Whether the pattern is a relative path that the tool takes. */
bool outputs_pattern_ok(const char *pattern);

/* How many bytes all files together may have. */
uint64_t outputs_most(const struct execution_request *request);

/* For a settled request; with the job that collects. NULL: out of memory. */
struct outputs *outputs_new(const struct execution_request *request);
void outputs_free(struct outputs *outputs); /* NULL does nothing */

/* What the tool has written; sentences about files that are left out go to the request's warnings. */
void outputs_take(struct outputs *outputs, struct execution_request *request, const uint8_t *data, size_t len);

/* The job is over; `outcome` says how. The last file is dropped if it is not whole. */
void outputs_finish(struct outputs *outputs, struct execution_request *request, enum cell_outcome outcome);

#endif
