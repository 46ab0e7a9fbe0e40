/* The answer to POST /api/v1/execute, made from an execution's end. Encoding is pure: it needs no loop, so that a large
 * answer can be encoded on another thread. */
#ifndef CODECELL_API_EXECUTE_ANSWER_H
#define CODECELL_API_EXECUTE_ANSWER_H

#include "run/execution.h"

#include <jansson.h>

/* What an answer is made of, apart from the execution, which may be freed. */
struct execute_answer {
    char id[UUID_LEN + 1];
    char version[VERSION_REPORTED_MAX + 1];
    char language[LANGUAGE_ID_MAX + 1];
    char session_id[SESSION_ID_MAX + 1]; /* "": none */
    int64_t timeout_ms;                  /* that the program had */
    bool evaluate;                       /* the answer has result and error */
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
size_t execute_answer_size(const struct execute_answer *answer); /* bytes of output in it */
void execute_answer_free(struct execute_answer *answer);         /* the text stays the caller's */

/* Makes status and text. 0, or -1 out of memory. */
int execute_answer_encode(struct execute_answer *answer);

/* All fields of a normal answer, with the warnings about its end: once for an answer. Only for a program that ran. A
 * new reference; NULL: out of memory. */
json_t *execute_answer_object(struct execute_answer *answer);

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
