/* What an object from outside may hold, as a table: a request's body, a language.json, the parameters of a list. One
 * reader checks all of them and tells what is wrong in the same words, and documents can be made from the table.
 *
 *   struct point { int64_t x; const char *name; };
 *   static const struct field point_list[] = {
 *       {.name = "x", .type = FIELD_INTEGER, .least = 1, .most = 9, .required = true, .at = offsetof(struct point, x)},
 *       {.name = "name", .type = FIELD_TEXT, .most = 20, .at = offsetof(struct point, name)},
 *   };
 *   static const struct fields point_fields = FIELDS(point_list, sizeof(struct point));
 *
 * Values are not copied: a text lies in the JSON tree, which must live as long as the struct. Lists are made in the
 * reading's arena. A field that is absent leaves its place in the struct as it was. */
#ifndef CODECELL_BASE_FIELDS_H
#define CODECELL_BASE_FIELDS_H

#include "base/arena.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A type says what JSON is wanted, what `least` and `most` bound, and what lies in the struct. */
enum field_type {
    FIELD_TEXT,      /* a string without NUL; bytes; const char * */
    FIELD_BYTES,     /* a string; bytes; const char *, and a size_t at `len_at` */
    FIELD_INTEGER,   /* a whole number (30 and 30.0 are); its value; int64_t, times `scale` */
    FIELD_NUMBER,    /* a number; its value in thousandths; int64_t in thousandths */
    FIELD_BOOLEAN,   /* true or false; -; bool */
    FIELD_CHOICE,    /* one of `choices`; -; int, its place among them */
    FIELD_TEXTS,     /* an array of strings without NUL; how many; char **, NULL after the last */
    FIELD_VARIABLES, /* an object of strings without NUL whose names are variables' names; how many; char ** of
                        "NAME=value", NULL after the last */
    FIELD_OBJECT,  /* an object of the fields `inside`; -; their struct, and at `len_at` a bool: the object is there */
    FIELD_OBJECTS, /* an array of such objects; how many; a pointer to inside->size bytes for each, a size_t at `len_at`
                    */
    FIELD_ANY,     /* anything: `check` decides; -; const json_t * */
};

struct fields;
struct field;

/* A value's place in the object, which checks and sentences name: "versions[1].compile.timeout". */
struct field_place {
    const struct field_place *up; /* NULL: the whole object */
    const char *name;             /* NULL: an item, and `index` says which */
    size_t index;
    const struct fields_reading *reading;
};

/* A further rule. `value` is the place in the struct, filled in. 0, or -1 after field_wrong(). */
typedef int field_check(const struct field_place *place, const struct field *field, const void *value);

struct field {
    const char *name;
    enum field_type type;
    bool required;
    bool empty_is_absent;       /* "" is the same as leaving it out */
    bool later;                 /* in the contract, but not supported yet: refused */
    bool elsewhere;             /* only some readers take it, as `check` decides: left out of schemas */
    int64_t least, most;        /* most 0: no bound */
    unsigned bound;             /* not 0: `most` is bounds[bound] of the reading, because a setting or a key decides */
    int64_t scale;              /* of FIELD_INTEGER: the struct has the value times this; 0: as it is */
    size_t total;               /* bytes of all texts of a list together, names included; 0: no bound */
    const char *sentence;       /* after "NAME: ", for any wrong value; NULL: made from type and bounds */
    const char *const *choices; /* NULL after the last */
    const struct fields *inside;
    field_check *check;   /* NULL: none */
    size_t at, len_at;    /* offsets in the struct; FIELD_NOWHERE: the value is only checked */
    const char *fallback; /* the value of an absent field as JSON, for documents */
    const char *meaning;  /* a line for documents */

    /* For documents alone, which also say what answers hold. */
    bool nullable;      /* the value may be null, too */
    const char *schema; /* further members of its schema, as a JSON object; NULL: none */
};

#define FIELD_NOWHERE SIZE_MAX

/* A field of an answer, which is always there, and one that may be left out. What follows the words are further members
 * of the struct. */
#define FIELD_OUT(field_name, field_type, ...)                              \
    {                                                                       \
        .required = true, FIELD_OUT_OF(field_name, field_type, __VA_ARGS__) \
    }
#define FIELD_OUT_MAYBE(field_name, field_type, ...)      \
    {                                                     \
        FIELD_OUT_OF(field_name, field_type, __VA_ARGS__) \
    }
#define FIELD_OUT_OF(field_name, field_type, ...) \
    .name = (field_name), .type = (field_type), .at = FIELD_NOWHERE, .meaning = __VA_ARGS__

#define FIELD_SCHEMA_UUID "{\"format\": \"uuid\"}"
#define FIELD_SCHEMA_TIME "{\"format\": \"date-time\"}"
#define FIELD_SCHEMA_DAY "{\"format\": \"date\"}"

struct fields {
    const struct field *list;
    size_t count;
    size_t size;               /* bytes of the struct, for FIELD_OBJECTS */
    const struct fields *also; /* names that the object may have besides, for another reader; NULL: none */
};

#define FIELDS(array, bytes)                                                       \
    {                                                                              \
        .list = (array), .count = sizeof(array) / sizeof *(array), .size = (bytes) \
    }

struct fields_reading {
    struct arena *arena;
    struct error *error;
    const int64_t *bounds; /* by field.bound */
    bool null_is_absent;   /* in optional fields; else null is a wrong value */
    /* Called for a field that is not in the table: "limits.gpu". 0 goes on. NULL: such a field is an error. */
    int (*unknown)(void *arg, const char *path);
    void *arg;
};

/* Reads an object into the struct `out`. 0, or -1 with ERROR_INVALID and a sentence that begins with the field, or with
 * ERROR_MEMORY. */
int fields_read(const struct fields *fields, const json_t *object, const struct fields_reading *reading, void *out);

/* The same for an object that a check has found at `place`. */
int fields_read_inside(const struct fields *fields, const json_t *object, const struct field_place *place, void *out);

/* The same for parameters of a URL: value() gives a parameter's text, NULL if it is absent. FIELD_TEXT, FIELD_INTEGER
 * (digits alone) and FIELD_CHOICE. */
int fields_read_query(const struct fields *fields, const char *(*value)(const void *from, const char *name),
                      const void *from, const struct fields_reading *reading, void *out);

/* Sets ERROR_INVALID and "PLACE: sentence". Returns -1. */
int field_wrong(const struct field_place *place, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct json_shape;

/* The parts of a text that a reader of these fields looks at (json_scan.h), made in the arena. `unknown_most`: how many
 * names of fields that are not in the table are kept, so that warnings can name them. NULL: out of memory. */
const struct json_shape *fields_shape(const struct fields *fields, size_t unknown_most, struct arena *arena);

#endif
