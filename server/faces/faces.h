/* Which faces are on, and under which paths: the settings to the tables of routes and manners that the HTTP server
 * gets. */
#ifndef CODECELL_FACES_FACES_H
#define CODECELL_FACES_FACES_H

#include "api/manners.h"
#include "base/error.h"
#include "http/http.h"

struct gateway_quota;

#define FACES_PAYERS "payers" /* the name of the key of paid requests if the settings name none */
#define FACES_MAX 16          /* faces that there can be */

struct faces_settings {
    const char *on;        /* CODECELL_FACES: "piston,mcp=/tools", "all" or "none"; "=/p": its paths come after /p */
    const char *anonymous; /* CODECELL_FACE_ANONYMOUS: "piston=KEYNAME,…"; "": none */
    bool url_keys;         /* CODECELL_FACE_URL_KEYS: a key may be in the query */
    int64_t rate;          /* CODECELL_RATE: requests a minute of a key that a client makes for itself */
    int64_t gateway_keys;  /* CODECELL_GATEWAY_KEYS: such keys a day for each address; 0: none */
    bool sells;            /* CODECELL_X402_FACILITATOR: x402 is on */
};

struct face;
bool faces_have(const char *name); /* whether there is a face of this name, on or off */

struct faces; /* owns the tables */

/* Our own routes and manners come first in the tables. 0, or -1 with a sentence: an unknown name, a bad prefix, two
 * faces that want the same path, or a face with a path below those of another. */
int faces_open(struct faces **out, const struct faces_settings *settings, struct error *error);

/* The same with these as all faces that there can be, at most FACES_MAX; NULL after the last. */
int faces_open_of(struct faces **out, const struct face *const *known, const struct faces_settings *settings,
                  struct error *error);

void faces_close(struct faces *faces); /* may be NULL */

const struct http_route *faces_routes(const struct faces *faces);
const struct http_manners *const *faces_manners(const struct faces *faces);

/* Whether a face sells runs and the settings name no key for them: then the key FACES_PAYERS must be there. */
bool faces_need_payers(const struct faces *faces);

/* What single faces keep; the faces own it. */
int64_t faces_rate(const struct faces *faces); /* the settings' rate */
struct gateway_quota *faces_gateway_quota(struct faces *faces);

#endif
