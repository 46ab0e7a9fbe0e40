/* A program and how it should run. It knows nothing of HTTP or JSON, so that any API can make one,
 * and it owns all that it points to. Its way:
 *
 *   filled in by an API (server/api/execute_read.c) ─ request_settle() ─ runner_submit() takes it over
 *
 * Before it is settled it can be written as bytes and read back (request_codec.h). */
#ifndef CODECELL_RUN_REQUEST_H
#define CODECELL_RUN_REQUEST_H

#include "base/arena.h"
#include "base/error.h"
#include "languages/language.h"
#include "languages/limits.h"
#include "store/keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_LANGUAGE_MAX 64 /* bytes of a language's name, as a client may write it */
#define REQUEST_WARNINGS_MAX 64 /* that request_warn() takes */
#define REQUEST_QUOTED_MAX 100  /* bytes of a client's own name that a warning quotes */

/* The sentence of a 503 while it is not known yet what a language's image holds. */
#define REQUEST_NOT_YET "The language cannot run yet. Please try again later."

enum request_file_kind {
    REQUEST_FILE_TEXT,   /* the client sent it as text, so marks and line ends may be mended (request_text.h) */
    REQUEST_FILE_BINARY, /* every byte stays as it is */
};

struct workspace_plan;

struct request_file {
    const char *path; /* relative (request_path.h) */
    const char *data;
    size_t len;
    enum request_file_kind kind;
};

/* Texts are NUL-terminated and live in `arena`, or in what the arena has adopted. All zero at first. */
struct execution_request {
    struct arena arena;
    const char *language_name; /* an id or an alias, as the client wrote it */
    const char *version_range; /* ">=3.11"; NULL: the default version */
    const char *code;
    size_t code_len;
    const char *input; /* standard input; NULL: empty */
    size_t input_len;
    const char **env;           /* "NAME=value", NULL after the last; NULL: none */
    const char **args;          /* NULL after the last; NULL: none */
    const char **outputs;       /* patterns of files that come back, NULL after the last; NULL: none */
    struct request_file *files; /* without the program's own */
    size_t files_len;
    int64_t timeout_ms;               /* how long the program may run; its compiler has the language's own limit */
    const char *session_id;           /* NULL: none */
    struct workspace_plan *workspace; /* the session's (run/workspace.h), in the arena; NULL: it has none */
    bool evaluate;                    /* the answer tells the last expression's value, or the exception */
    bool kernel; /* it runs in the workspace's interpreter, whose state stays; without `evaluate` */
    bool stream; /* the client wants the output as it comes */
    struct request_terminal {
        int64_t columns, rows;
    } terminal;                        /* in place of pipes; both 0: none */
    enum key_reuse reuse;              /* whose programs may share its cell; not KEY_REUSE_INHERIT */
    struct limits_overrides overrides; /* the limits that the client names */
    bool limits_rise;                  /* a limit below what the language needs becomes that, instead of an error */
    const char *warnings[REQUEST_WARNINGS_MAX + 1]; /* one more for request_note() */
    size_t warnings_len;
    int64_t reservation; /* of its key's credits (store/credits.h); 0: none. runner_submit() takes it over
                          */
    uint64_t arrived_ns; /* monotonic: when its last byte was read; 0: not known */
    const char *webhook_url, *webhook_secret; /* who is told of its end if it runs in the background; NULL: nobody */

    /* Of an execution that was accepted before (store/journal.h): it has an id and a record already. */
    const char *accepted_id; /* NULL: it is new */
    int64_t accepted_ms;
    int64_t attempts; /* with this one; 0: it is new */

    /* Set by request_settle(). */
    struct language *language;
    struct language_version *version; /* one of the language's */
    struct limits limits;
};

void request_free(struct execution_request *request);

/* Adds a sentence for the client, printf-like; past REQUEST_WARNINGS_MAX sentences it is dropped. 0, or -1 out of
 * memory. */
int request_warn(struct execution_request *request, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a sentence that is kept by pointer and never dropped: once in a request's life. */
void request_note(struct execution_request *request, const char *sentence);

/* The version that `wanted` means, a range as in `version`; NULL: `default_version`. NULL, with ERROR_INVALID and a
 * sentence that begins with the field, or with ERROR_UNAVAILABLE if it may be offered later. */
struct language_version *request_choose_version(struct language *language, const char *wanted,
                                                struct language_version *default_version, struct error *error);

/* Decides what depends on the language: its version, the limits (its defaults under the client's overrides, none over
 * `maxima`), its least limits, the marks and line ends of its text, whether it can be evaluated or run in a kernel, and
 * that no file collides with the program's own. `default_version` is the version that the client's name of the language
 * stands for. 0, or -1 with ERROR_INVALID and a sentence that begins with the field, or with ERROR_UNAVAILABLE if the
 * version may be offered later: then the request may be settled again. `version` is NULL after it if the language has
 * no version that fits. */
int request_settle(struct execution_request *request, struct language *language,
                   struct language_version *default_version, const struct limits *maxima, struct error *error);

#endif
