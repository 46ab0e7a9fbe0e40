/* The first pass over a JSON text, before anything is built from it. A tree takes up to 75 times the memory of its text
 * ("[{},{},…]"). This pass takes memory only for the places of names.
 *
 *   text ─ json_scan ─ JSON, as strictly as json_parse sees it ─ json_keep ─ only what its reader looks at ─ json_parse
 *              └ not JSON: what is complete before the fault is left out ─ json_parse names the fault
 *
 * Pure: any thread. */
#ifndef CODECELL_BASE_JSON_SCAN_H
#define CODECELL_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* What a reader looks at in a value. Without a shape (NULL) the reader expects a scalar: an array or an object is
 * emptied, and its brackets stay, so that the reader can refuse it. */
struct json_shape {
    char open;                               /* '{' or '[': a container of the other kind is emptied too */
    const struct json_shape_member *members; /* of an object: the members that the reader knows; all are kept */
    size_t members_len;
    size_t most;                   /* how many of the other members, or of the elements, are kept: the first ones */
    bool names_only;               /* only the names of the other members are kept: their values become 0 */
    const struct json_shape *item; /* of the elements, and of the other members */
};

struct json_shape_member {
    const char *name;
    const struct json_shape *shape; /* NULL: a scalar */
};

enum json_scan_result {
    JSON_SCAN_GOOD,
    JSON_SCAN_BAD,      /* not JSON; the text was shortened, and the fault keeps its line and column */
    JSON_SCAN_TWICE,    /* an object holds a name twice: `at` and `len` are its place and length, with its quotes */
    JSON_SCAN_NO_MEMORY /* for the places of names: 8 bytes for each name of an open object */
};

struct json_scan_fault {
    size_t at, len;
};

/* `text` is `*len` bytes that hold no NUL and nest at most JSON_DEPTH_MAX; it is written to when BAD. */
enum json_scan_result json_scan(char *text, size_t *len, struct json_scan_fault *fault);

/* Removes from a text that json_scan() found good what the shape does not name, and sets `*len`. Returns about how many
 * bytes its tree takes, strings included. */
size_t json_keep(char *text, size_t *len, const struct json_shape *shape);

#endif
