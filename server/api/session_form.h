/* What a request says of a session: the body of POST and PATCH /api/v1/sessions. */
#ifndef CODECELL_API_SESSION_FORM_H
#define CODECELL_API_SESSION_FORM_H

#include "api/form.h"
#include "api/settings.h"
#include "store/sessions.h"

#define SESSION_TTL_DEFAULT 3600 /* seconds */

#define SESSION_ID_SENTENCE "must be 1 to 128 characters of [A-Za-z0-9._:-], the first a letter or digit"

#define SESSION_ID_SCHEMA "{\"pattern\": \"^[A-Za-z0-9][A-Za-z0-9._:-]*$\"}"

/* The check of a field that is a session's id. */
field_check session_id_check;

struct session_form {
    const char *session_id; /* NULL: not said */
    int64_t ttl_ms;         /* 0: not said */
    bool workspace, durable;
    struct settings settings;
};

extern const struct fields session_create_fields, session_change_fields;

/* What `form` says, which lives as long as the form. 0, or -1 as form_read(). */
int session_form_read(struct form *form, const struct http_exchange *ex, const struct fields *fields,
                      struct session_form *out, struct error *error);

#endif
