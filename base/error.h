/* An error is a code and a sentence. The code decides the HTTP status (error_status), the sentence is
 * what a client or an operator reads. Library code fills one and returns; the edge logs it, once. */
#ifndef CODECELL_BASE_ERROR_H
#define CODECELL_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum error_code {
    ERROR_NONE = 0,
    ERROR_INVALID,         /* 400: the request is wrong */
    ERROR_UNAUTHORIZED,    /* 401: no key, or a wrong one */
    ERROR_CREDITS,         /* 402: prepaid credits are used up */
    ERROR_FORBIDDEN,       /* 403: the key lacks the right */
    ERROR_NOT_FOUND,       /* 404 */
    ERROR_METHOD,          /* 405: the path has other methods */
    ERROR_SLOW,            /* 408: the request came too slowly */
    ERROR_CONFLICT,        /* 409 */
    ERROR_GONE,            /* 410: it was here, and is not kept any more */
    ERROR_PRECONDITION,    /* 412: If-Match or If-None-Match */
    ERROR_TOO_LARGE,       /* 413: the body is over the cap */
    ERROR_TARGET,          /* 414: the path and query are too long */
    ERROR_MEDIA_TYPE,      /* 415 */
    ERROR_EXPECTATION,     /* 417: the header Expect */
    ERROR_MISMATCH,        /* 422: an Idempotency-Key that came with another request before */
    ERROR_RATE,            /* 429 */
    ERROR_HEADERS,         /* 431: the head is over the cap */
    ERROR_INTERNAL,        /* 500 */
    ERROR_NOT_IMPLEMENTED, /* 501: no path has this method */
    ERROR_MEMORY,          /* 503: the server is out of memory (error_memory) */
    ERROR_UNAVAILABLE,     /* 503: queue full, engine away, shutting down */
    ERROR_BUSY,            /* 503: the work takes too long, or there is too much of it at once */
    ERROR_VERSION,         /* 505: of HTTP */
    ERROR_STORAGE,         /* 507: no room for what would be stored */
    ERROR_CODES            /* how many there are */
};

struct error {
    enum error_code code;
    char text[512]; /* one sentence, NUL-terminated, cut to fit */
};

/* Sets code and sentence. `error` may be NULL. Returns -1, so that a caller can `return error_set(…)`. */
int error_set(struct error *error, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "<formatted>: " before the sentence that is there; the code stays. Returns -1. */
int error_wrap(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The one sentence of ERROR_MEMORY, for clients and for the log. Returns -1. */
#define ERROR_MEMORY_SENTENCE "The server is out of memory. Please try again later."
int error_memory(struct error *error);

/* The HTTP status of a code; 200 for ERROR_NONE. */
int error_status(enum error_code code);

#endif
