/* The small JSON body of a request that runs nothing, read by a table of fields (base/fields.h). Admission lets at most
 * 64 KiB of it in. */
#ifndef CODECELL_API_FORM_H
#define CODECELL_API_FORM_H

#include "base/fields.h"
#include "http/http.h"

#define FORM_WARNINGS_MAX 20 /* unknown fields that are named */

struct form {
    struct arena arena;
    json_t *object;   /* what the struct points to */
    json_t *warnings; /* array of strings: the names of unknown fields */
};

/* Reads an exchange's body into the struct `out`, which points into the form. null is the same as absent, and a body of
 * no bytes is {}. 0, or -1 with ERROR_MEDIA_TYPE, or ERROR_INVALID and a sentence that begins with the field, or
 * ERROR_MEMORY. Free the form in both cases. */
int form_read(struct form *form, const struct http_exchange *ex, const struct fields *fields, void *out,
              struct error *error);
/* The same for fields with bounds (base/fields.h). */
int form_read_bounded(struct form *form, const struct http_exchange *ex, const struct fields *fields,
                      const int64_t *bounds, void *out, struct error *error);
void form_free(struct form *form);

/* Whether the field is there and null, for requests in which null says something. */
bool form_says_null(const struct form *form, const char *name);

/* Takes the warnings out, for the answer. */
json_t *form_take_warnings(struct form *form);

/* ERROR_MEDIA_TYPE: the body is not application/json, with any parameters. */
int form_check_type(const struct http_exchange *ex, struct error *error);

#endif
