/* The first pass over a JSON text, before anything is built from it: a tree costs up to 75 times what the text does
 * ("[{},{},…]"), a pass costs nothing but the names' places.
 *
 *   text ─ json_scan ─ it is JSON, as strictly as json_parse sees it ─ json_keep ─ what its reader looks at ─
 * json_parse └ it is not: all that is complete before the fault is left out, so that json_parse can tell the fault
 *
 * Pure: any thread. */
#ifndef CODECELL_BASE_JSON_SCAN_H
#define CODECELL_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* What a reader looks at in a value. Without a shape (NULL) it looks at a scalar alone: of an array or an object the
 * brackets stay, because the reader says what is wrong with it. */
struct json_shape {
    char open;                               /* '{' or '[': a container of the other kind is emptied too */
    const struct json_shape_member *members; /* of an object: the members that the reader knows; all are kept */
    size_t members_len;
    size_t most;                   /* of the other members, or of the elements, as many are kept: the first ones */
    bool names_only;               /* of the other members the reader looks at the names alone: their value becomes 0 */
    const struct json_shape *item; /* of the elements, and of the other members */
};

struct json_shape_member {
    const char *name;
    const struct json_shape *shape; /* NULL: a scalar */
};

enum json_scan_result {
    JSON_SCAN_GOOD,
    JSON_SCAN_BAD,      /* not JSON: the text was shortened, line and column of the fault are what they were */
    JSON_SCAN_TWICE,    /* an object holds a name twice: `at` and `len` are its place and length, with its quotes */
    JSON_SCAN_NO_MEMORY /* for the names' places: 8 bytes each, of the objects that are open */
};

struct json_scan_fault {
    size_t at, len;
};

/* `text` is `*len` bytes that hold no NUL and nest at most JSON_DEPTH_MAX; it is written to when BAD. */
enum json_scan_result json_scan(char *text, size_t *len, struct json_scan_fault *fault);

/* Leaves in a text that json_scan() called good what the shape says; `*len` becomes its length. Returns about how many
 * bytes the tree of it takes, strings and all. */
size_t json_keep(char *text, size_t *len, const struct json_shape *shape);

#endif
