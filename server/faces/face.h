/* A face: another service's API, answered from our executions, so that its clients work here with another URL. A face
 * translates and does nothing else: its own body to a request, our result to its answer, our errors to its errors. One
 * struct says all that the server needs to know of it. */
#ifndef CODECELL_FACES_FACE_H
#define CODECELL_FACES_FACE_H

#include "api/api.h"
#include "api/execute.h"
#include "api/manners.h"
#include "http/http.h"

/* How some of a face's routes read bodies and answer. */
struct face_way {
    const struct translation *translation;
    const void *context; /* of its functions */
};

/* What an execution takes of a prepaid key below one of the paths that a face covers. */
struct face_price {
    const char *path;
    int64_t credits;
};

struct face {
    const char *name;  /* in CODECELL_FACES, and of keys that are limited to it */
    const char *title; /* the service's name */
    /* Paths as its clients ask for them; a prefix from the setting comes before each. Ends with a method of NULL. */
    const struct http_route *routes;
    /* The paths below which its manners hold: all of its routes, and what it answers 404. NULL after the last. */
    const char *const *covers;
    /* The ways in which its routes run programs, for tests that drive every face. Ends with a translation of NULL; may
     * be NULL. */
    const struct face_way *ways;
    struct http_manners manners;     /* all but `prefix` */
    int64_t credits;                 /* that an execution takes of a prepaid key */
    const struct face_price *prices; /* of paths with another price; ends with a path of NULL; NULL: none */
    bool sells; /* runs programs for x402 payments, with the rate and limits of its anonymous key */
};

/* All that there are; NULL after the last (faces.c). */
extern const struct face *const faces_all[];

/* A row for each face, in server/faces/NAME.c. */
extern const struct face face_agent402;
extern const struct face face_builde2e;
extern const struct face face_gateway;
extern const struct face face_mcp;
extern const struct face face_piston;

#endif
