/* POST /api/v1/execute in three parts: the body to a request (execute_read.c), the request to an execution
 * (execute.c), its result to an answer (execute_answer.c). Reading and answering are pure and need no loop, so that
 * large ones can be done off it. */
#ifndef CODECELL_API_EXECUTE_H
#define CODECELL_API_EXECUTE_H

#include "run/execution.h"

#define EXECUTE_NAMES_MAX 128               /* variables of `environment` */
#define EXECUTE_ENVIRONMENT_MAX (64u << 10) /* bytes of their names and values */
#define EXECUTE_FILES_MAX 128               /* `files` */
#define EXECUTE_FILES_BYTES (10u << 20)     /* their contents, decoded */
#define EXECUTE_PATH_MAX 1024               /* bytes of a path; 255 of each of its segments */
#define EXECUTE_ARGS_MAX 1024               /* `args` */
#define EXECUTE_ARGS_BYTES (64u << 10)      /* their bytes */
#define EXECUTE_LANGUAGE_MAX 64             /* bytes of `language` */
#define EXECUTE_TIMEOUT_MAX 300             /* seconds */
#define EXECUTE_TIMEOUT_DEFAULT 30
#define EXECUTE_WARNINGS_MAX 20 /* fields that are named as unknown */
#define EXECUTE_QUOTED_MAX 100  /* bytes of a field's name that are quoted */

/* The sentence of a 503 where it was not known in time what the language's image holds. */
#define EXECUTE_NOT_YET "The language cannot run yet. Please try again later."

/* What the server and the key allow. */
struct execute_rules {
    size_t max_code, max_stdin; /* bytes */
    int64_t max_timeout;        /* seconds */
    struct limits maxima;
};

/* A body's text, which is written over, to a request: every field checked but for what depends on the language. 0, or
 * -1 with a 400's sentence; the request is to be freed in both cases. `*cost`: about how many bytes it holds. */
int execute_read(struct execution_request *request, char *text, size_t len, const struct execute_rules *rules,
                 size_t *cost, struct error *error);

/* Bytes that are held at most while a body of `len` bytes is read: the text, jansson's copy of a string that it is
 * in, and the string. */
#define EXECUTE_READ_COST(len) (3 * (len))

/* How many bytes of a field's name are quoted: whole characters. */
int execute_quoted(const char *name);

/* What depends on the language: which version, its defaults under the request's limits, its least limits, the marks and
 * line ends of its text, its own file's name among `files`. `usual` is what the request's name for the language stands
 * for. 0, or -1 with a 400's sentence, or a 503's where the version that is asked for may yet be offered. It may be
 * settled again later after a 503. */
int execute_settle(struct execution_request *request, struct language *language, struct language_version *usual,
                   const struct execute_rules *rules, struct error *error);

/* The name that the request gives its language; a part of its body. */
const char *execute_language(const struct execution_request *request);

/* An execution's end, apart from it: what an answer is made of. */
struct execute_answer {
    char id[UUID_LEN + 1];
    char version[VERSION_REPORTED_MAX + 1];
    char language[LANGUAGE_ID_MAX + 1];
    char session_id[SESSION_ID_MAX + 1]; /* "": none */
    struct execution_result result;      /* with its buffers */
    json_t *warnings;
    int status; /* of HTTP */
    char *text; /* the body; filled by execute_encode; free() */
    size_t len;
};

/* Takes result and warnings out of the execution. */
void execute_answer_take(struct execute_answer *answer, struct execution *execution);
size_t execute_answer_size(const struct execute_answer *answer); /* bytes of output in it */
void execute_answer_free(struct execute_answer *answer);         /* but for the text */

/* Makes status and text. 0, or -1 out of memory. */
int execute_encode(struct execute_answer *answer);

#endif
