/* The answer to POST /api/v1/execute, made from an execution's end. Encoding is pure: it needs no loop, so that a large
 * answer can be encoded on another thread. */
#ifndef CODECELL_API_EXECUTE_ANSWER_H
#define CODECELL_API_EXECUTE_ANSWER_H

#include "base/fields.h"
#include "run/execution.h"

#include <jansson.h>

/* What an answer is made of, apart from the execution, which may be freed. */
struct execute_answer {
    char id[UUID_LEN + 1];
    char version[VERSION_REPORTED_MAX + 1];
    char language[LANGUAGE_ID_MAX + 1];
    char session_id[SESSION_ID_MAX + 1]; /* "": none */
    int64_t timeout_ms;                  /* that the program had */
    int64_t attempts;                    /* of one that ran in the background; 0: it did not */
    bool evaluate;                       /* the answer has result and error */
    bool kernel;                         /* the answer has what kernel_answer.h makes of the report */
    bool shortened;                      /* a copy, for which the report was too large */
    bool outputs;                        /* the answer has files */
    bool streamed;                       /* the client has had the output: the answer is without it */
    struct execution_result result;      /* with its buffers */
    struct buf both[2];                  /* of the compile step and of the run step: stdout and stderr in the order in
                                            which they came; empty unless the translation interleaves */
    json_t *warnings;                    /* array of strings */
    int status;                          /* of HTTP */
    const char *type;                    /* the Content-Type; static */
    char *text;                          /* the body, set by execute_answer_encode(); free() */
    size_t len;
};

/* Adds to `both`, at first all zero. 0, or -1 out of memory. */
int execute_answer_add(struct execute_answer *answer, const struct execution_request *request, enum frame_step step,
                       const uint8_t *data, size_t len);

/* Takes result and warnings out of the execution. `both` stays. */
void execute_answer_take(struct execute_answer *answer, struct execution *execution);

/* The same, but the result's buffers stay the execution's: execute_answer_return() before the execution goes on. */
void execute_answer_borrow(struct execute_answer *answer, struct execution *execution);
void execute_answer_return(struct execute_answer *answer);

/* A copy without the output, which outlives the execution. It is without a kernel's report that is larger than
 * EXECUTE_ANSWER_COPY_MAX, and says so. 0, or -1 out of memory. */
#define EXECUTE_ANSWER_COPY_MAX ((size_t)256 << 10)
int execute_answer_copy(struct execute_answer *answer, struct execution *execution);

size_t execute_answer_size(const struct execute_answer *answer); /* bytes of output in it */

/* Frees the output of an answer that was taken, once its text is made. Call it on the worker that made the text,
 * because it takes a millisecond for each 10 MB. */
void execute_answer_drop(struct execute_answer *answer);
void execute_answer_free(struct execute_answer *answer); /* the text stays the caller's */

/* Makes status and text. 0, or -1 out of memory. */
int execute_answer_encode(struct execute_answer *answer);

/* All fields of a normal answer, with the warnings about its end: once for an answer. Only for a program that ran. A
 * new reference; NULL: out of memory. */
json_t *execute_answer_object(struct execute_answer *answer);
extern const struct fields execute_answer_fields; /* what the object holds, for documents */

/* The same for one that was streamed, also if the program could not be run: with `detail` if the status of an answer
 * that waits would not be 200. */
json_t *execute_answer_streamed(struct execute_answer *answer);

/* Parts of it that other APIs' answers have, too. */

/* Bytes of a program as a JSON string: each byte that is not UTF-8 becomes U+FFFD, at worst three bytes for one. `cut`:
 * the end may be within a character, which is left out. */
json_t *execute_answer_text(const struct buf *bytes, bool cut);
json_t *execute_answer_signal(int number); /* "SIGKILL"; null for 0 */

/* The fields `result` and `error` of a request with `evaluate`: NULL out of memory. */
json_t *execute_answer_result(const struct evaluation *evaluation); /* a string, or JSON's null */
json_t *execute_answer_error(const struct evaluation *evaluation);  /* {"name", "message", "traceback"}, or null */

/* The compile step failed, so the program was not started. */
bool execute_answer_ended_in_compiler(const struct execution_result *result);

#endif
