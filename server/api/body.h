/* A JSON body, read by an API's table of fields. Pure: it may run on a worker thread. */
#ifndef CODECELL_API_BODY_H
#define CODECELL_API_BODY_H

#include "base/fields.h"
#include "run/request.h"

/* Reads `len` bytes of text, which are written over, into the struct `out` (base/fields.h). What `out` then points to
 * lives as long as the request. Fields that are not in the table become warnings of the request. `bounds` are by
 * field.bound, and may be NULL. `*cost`: about how many bytes the values take. 0, or -1 with ERROR_INVALID and a
 * sentence that begins with the field, or with ERROR_MEMORY. */
int body_read(struct execution_request *request, const struct fields *fields, const int64_t *bounds, char *text,
              size_t len, void *out, size_t *cost, struct error *error);

/* The same for an object that was parsed with the fields' shape (fields_shape). The request must own its tree. `what`
 * begins the sentence if it is not an object: "the body". */
int body_read_tree(struct execution_request *request, const struct fields *fields, const int64_t *bounds,
                   const json_t *object, const char *what, void *out, struct error *error);

#endif
