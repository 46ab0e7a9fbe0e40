/* The face agent402, in parts: agent402.c has its table and errors, agent402_call.c the way of one request, and
 * agent402_read.c and agent402_answer.c are pure. */
#ifndef CODECELL_FACES_AGENT402_H
#define CODECELL_FACES_AGENT402_H

#include "api/execute_answer.h"
#include "api/execute_read.h"
#include "http/http.h"

#include <jansson.h>
#include <stdbool.h>

struct agent402_product {
    const char *slug, *path;
    const char *about;  /* a few words for people */
    int64_t seconds;    /* that a program may run */
    int64_t characters; /* of its code, in units of UTF-16 */
    int64_t output_kb;  /* of all that the answer shows of it */
};

extern const struct agent402_product agent402_products[2];

/* The one that a path names, with whatever prefix; NULL: none. */
const struct agent402_product *agent402_product_of(const char *path);

/* Its body for a 4xx: what is wrong, and what a request looks like. */
json_t *agent402_error(const struct agent402_product *product, const char *sentence);

/* Its body for a 402 to a request with a key that does not pay; `credits`: that the key has. */
json_t *agent402_key_refusal(const struct http_exchange *ex, const char *sentence, const char *reason, int64_t credits);

#define AGENT402_NOT_SET_UP "Payments are not configured on this server. Use a prepaid key of its operator."

/* Answers the route of a product. */
void agent402_run(struct http_exchange *ex, const struct agent402_product *product);

/* What a query says besides the body; texts may be NULL. */
struct agent402_query {
    const char *code, *language;
};

/* Reads a body, which is written over, into a request. 0, or -1 with a sentence. Free the request in both cases. */
int agent402_read(struct execution_request *request, const struct agent402_product *product,
                  const struct agent402_query *query, char *text, size_t len, const struct execute_rules *rules,
                  struct error *error);

/* The status for the end of a program. 200: `text` is set, free() it; NULL: out of memory. Else `sentence` is why. */
int agent402_answer(const struct agent402_product *product, const struct execute_answer *answer, char **text,
                    size_t *len, const char **sentence);

#endif
