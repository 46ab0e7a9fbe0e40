/* The body of POST /api/v1/execute, read into a request. Pure: it needs no loop, so that a large body can be read on
 * another thread. */
#ifndef CODECELL_API_EXECUTE_READ_H
#define CODECELL_API_EXECUTE_READ_H

#include "base/fields.h"
#include "run/request.h"

#define EXECUTE_NO_LANGUAGE "language: is required"
#define EXECUTE_ARGS_MAX 1024             /* items of `args` */
#define EXECUTE_ARGS_BYTES (64u << 10)    /* bytes of them all */
#define EXECUTE_OUTPUTS_BYTES (16u << 10) /* bytes of all patterns of outputs */
#define EXECUTE_TIMEOUT_MAX 300           /* seconds */
#define EXECUTE_TIMEOUT_DEFAULT 30

/* Why a request that cannot be streamed asks for a stream, after the field's name. */
#define EXECUTE_STREAM_ELSEWHERE "only POST /api/v1/execute takes it"

/* What the server and the key allow. */
struct execute_rules {
    size_t max_code, max_stdin; /* bytes */
    int64_t max_timeout;        /* seconds */
    struct limits maxima;
    bool background; /* it may have a webhook */
    bool streams;    /* its answer may be a stream */
};

/* The fields of a body, which lie in a struct execution_request, and their bounds. */
#define EXECUTE_BOUNDS (LIMITS_BOUNDS + 5)
extern const struct fields execute_fields;
void execute_bounds(int64_t bounds[EXECUTE_BOUNDS], const struct execute_rules *rules);

/* Reads a body of `len` bytes, which is written over, and checks each field as far as it does not depend on the
 * language (request_settle() does the rest). 0, or -1 with ERROR_INVALID and a sentence that begins with the field, or
 * with ERROR_MEMORY. Free the request in both cases. `*cost`: about how many bytes the request holds. */
int execute_read(struct execution_request *request, char *text, size_t len, const struct execute_rules *rules,
                 size_t *cost, struct error *error);

/* The same by another table, which has the fields of execute_fields and more. */
int execute_read_by(const struct fields *fields, struct execution_request *request, char *text, size_t len,
                    const struct execute_rules *rules, size_t *cost, struct error *error);

/* The same for an object that was parsed with the shape of execute_fields. `request` is all zero, except that it owns
 * the object's tree. */
int execute_read_tree(struct execution_request *request, const json_t *object, const struct execute_rules *rules,
                      struct error *error);

/* The most bytes that are held while a body of `len` bytes is read: the text, jansson's copy of a string that it
 * reads, and the string. */
#define EXECUTE_READ_COST(len) (3 * (len))

#endif
