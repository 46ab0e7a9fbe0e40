/* The API's resources connect http/ with run/ and store/. Each has a file of its own, and routes.c puts their handlers
 * into one table.
 *
 *   admit (admission.c): key, scope and rate, in one database job ─ body ─ handler ─ answer */
#ifndef CODECELL_API_API_H
#define CODECELL_API_API_H

#include "api/reading_rate.h"
#include "base/error.h"
#include "http/http.h"
#include "languages/catalog.h"
#include "run/runner.h"
#include "store/keys.h"
#include "store/rates.h"
#include "store/store.h"

#include <jansson.h>

struct availability;
struct faces;
struct till;

/* What all handlers need: http_options.data. app.c owns it. */
struct api {
    uv_loop_t *loop;
    struct store *store;
    struct runner *runner;
    struct catalog *languages;
    struct availability *availability;
    struct http_server *http;
    struct faces *faces; /* what the faces keep, for their own handlers */
    struct limits maxima;
    size_t max_code, max_stdin;     /* bytes */
    bool reuse;                     /* for keys without a value of their own (CODECELL_REUSE) */
    const char *metrics_key;        /* "": /metrics is for this machine alone */
    struct reading_rates reading;   /* rates of requests that run nothing */
    struct reading_rates addresses; /* rates of requests without a key, by the client's address */
    struct till *till;              /* of faces that sell (faces/till.h) */
    bool draining;                  /* SIGTERM came: new executions are 503 */
};

/* http_route.flags */
enum api_flag {
    API_KEY = 1,      /* wants a key (401 without) */
    API_EXECUTE = 2,  /* with the scope execute (403) */
    API_READ = 4,     /* with the scope read */
    API_ADMIN = 8,    /* with the scope admin */
    API_COUNTS = 16,  /* counts against the rate (429); other keyed routes show its headers, and count against the rate
                         of reading (429) */
    API_METRICS = 32, /* wants the metrics key if one is set */
    API_CHARGES = 64, /* the handler counts what it runs (charge.h); the request itself counts as reading */
};

/* The key that was admitted: http_user() of an exchange on a keyed route; freed with it (http's on_done). */
struct api_caller {
    struct key key;
    struct rate_verdict rate;
    bool anonymous; /* the request shows no key, and the key is one that the setting names: it may run and nothing else
                     */
};

static inline struct api *api_of(const struct http_exchange *ex)
{
    return http_data(ex);
}

static inline struct api_caller *api_caller(const struct http_exchange *ex)
{
    return http_user(ex);
}

#endif
