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
    struct execution_result result;      /* with its buffers */
    json_t *warnings;                    /* array of strings */
    int status;                          /* of HTTP */
    char *text;                          /* the body, set by execute_answer_encode(); free() */
    size_t len;
};

/* Takes result and warnings out of the execution. */
void execute_answer_take(struct execute_answer *answer, struct execution *execution);
size_t execute_answer_size(const struct execute_answer *answer); /* bytes of output in it */
void execute_answer_free(struct execute_answer *answer);         /* the text stays the caller's */

/* Makes status and text. 0, or -1 out of memory. */
int execute_answer_encode(struct execute_answer *answer);

#endif
