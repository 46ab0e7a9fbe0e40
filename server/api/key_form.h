/* What a request says of a key: the body of POST and PATCH /api/v1/keys. */
#ifndef CODECELL_API_KEY_FORM_H
#define CODECELL_API_KEY_FORM_H

#include "api/form.h"
#include "store/keys.h"

extern const struct fields key_form_fields;
extern const char *const key_reuse_choices[]; /* by enum key_reuse; NULL after the last */

/* Reads the body into a change. null for credits, max_timeout, expires_at or reuse says that the key has none. `form`
 * as of form_read(). */
int key_form_read(struct form *form, const struct http_exchange *ex, struct key_change *change, struct error *error);

/* For a new key, whose usual values `key` has: requires a name, and sets the change's parts in the key. */
int key_form_make(struct key *key, const struct key_change *change, struct error *error);

#endif
