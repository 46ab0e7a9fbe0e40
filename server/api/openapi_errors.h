/* The errors, the headers and the header parameters of /openapi.json, and which operations have which. */
#ifndef CODECELL_API_OPENAPI_ERRORS_H
#define CODECELL_API_OPENAPI_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

/* What an operation is, so that it may have an error or a header. */
enum openapi_kind {
    OPENAPI_ANY = 1,        /* every operation is */
    OPENAPI_KEYED = 2,      /* it wants a key */
    OPENAPI_RUNS = 4,       /* it runs programs */
    OPENAPI_BODY = 8,       /* it takes a body */
    OPENAPI_ONE = 16,       /* its path names something */
    OPENAPI_REPEATS = 32,   /* it takes an Idempotency-Key */
    OPENAPI_MAKES = 64,     /* it answers with the place of what it made */
    OPENAPI_CACHED = 128,   /* its answer has an ETag */
    OPENAPI_GUARDED = 256,  /* only some may use it, with a key or without */
    OPENAPI_FOLLOWS = 512,  /* it answers with events */
    OPENAPI_READS = 1024,   /* it answers with a file's bytes */
    OPENAPI_WRITES = 2048,  /* it writes a file */
    OPENAPI_REMOVES = 4096, /* it removes a file */
    OPENAPI_PACKS = 8192,   /* it answers with an archive */
};

struct openapi_error {
    int status;          /* 0 after the last */
    const char *name;    /* of the component */
    const char *meaning; /* for people */
    unsigned kinds;      /* which operations have it; 0: those that name it */
    const char *header;  /* that it has besides; NULL: none */
    bool rate_shown;     /* it may have the headers about the rate */
};

struct openapi_header {
    const char *name;    /* NULL after the last */
    const char *meaning; /* for people */
    unsigned kinds;      /* which operations' answers of success have it; 0: errors that name it */
    const char *schema;  /* as JSON */
    bool about_rate;     /* it tells of the key's rate */
    bool maybe;          /* it is not always there */
};

struct openapi_parameter {
    const char *name;    /* of the component; NULL after the last */
    const char *header;  /* of the request */
    const char *meaning; /* for people */
    unsigned kinds;      /* which operations take it */
    const char *schema;  /* as JSON */
};

extern const struct openapi_parameter openapi_parameters[];
extern const struct openapi_error openapi_errors[];
extern const struct openapi_header openapi_headers[];

const struct openapi_error *openapi_error_of(int status); /* NULL: there is none */

#endif
