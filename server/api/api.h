/* The API's resources connect http/ with run/ and store/. Each has a file of its own, and routes.c puts their handlers
 * into one table.
 *
 *   admit (admission.c): key, scope and rate, in one database job ─ body ─ handler ─ answer */
#ifndef CODECELL_API_API_H
#define CODECELL_API_API_H

#include "api/openapi.h"
#include "api/reading_rate.h"
#include "base/error.h"
#include "http/http.h"
#include "languages/catalog.h"
#include "run/runner.h"
#include "store/keys.h"
#include "store/rates.h"
#include "store/store.h"

#include <jansson.h>

struct asset;
struct availability;
struct background;
struct faces;
struct feeds;
struct history;
struct till;
struct workspaces;

/* What all handlers need: http_options.data. app.c owns it. */
struct api {
    uv_loop_t *loop;
    struct store *store;
    struct runner *runner;
    struct catalog *languages;
    struct availability *availability;
    struct workspaces *workspaces;
    int64_t workspaces_per_key;
    struct background *background; /* runs what was accepted to run later */
    struct feeds *feeds;           /* what executions write, for followers */
    struct http_server *http;
    struct faces *faces; /* what the faces keep, for their own handlers */
    struct limits maxima;
    size_t max_code, max_stdin;      /* bytes */
    int64_t rate;                    /* requests a minute of a new key */
    enum key_reuse reuse;            /* for keys without a value of their own (CODECELL_REUSE) */
    struct history *history;         /* of the last hour (run/history.h); NULL: none */
    const char *data_dir;            /* NULL: none */
    int64_t concurrency, queue_max;  /* the settings */
    int64_t started_ms;              /* Unix time of the server's start */
    const char *cors;                /* origins whose pages may send requests (base/origins.h) */
    const char *metrics_key;         /* "": /metrics is for this machine alone */
    struct reading_rates reading;    /* rates of requests that run nothing */
    struct reading_rates addresses;  /* rates of requests without a key, by the client's address */
    struct till *till;               /* of faces that sell (faces/till.h) */
    const struct http_route *routes; /* our own, which /openapi.json describes */
    struct openapi openapi;          /* the last document of /openapi.json */
    const struct asset *assets;      /* the pages for browsers */
    bool playground;                 /* whether there is the page `/` */
    const char *page_key;            /* the name of the key under which the page runs programs for people without one;
                                        NULL: they need one */
    http_handler *flow_begin;        /* begins a request whose body flows (API_FLOWS), instead of http_admit() */
    bool draining;                   /* SIGTERM came: new executions are 503 */
};

/* http_route.flags */
enum api_flag {
    API_KEY = 1,     /* wants a key (401 without) */
    API_EXECUTE = 2, /* with the scope execute (403) */
    API_READ = 4,    /* with the scope read */
    API_ADMIN = 8,   /* with the scope admin */
    /* With API_ADMIN: it is about the server, and not about its keys. */
    API_OPERATES = 1024,
    API_COUNTS = 16,  /* counts against the rate (429); other keyed routes show its headers, and count against the rate
                         of reading (429) */
    API_METRICS = 32, /* wants the metrics key if one is set */
    API_LATER = 128,  /* a request without a key is let in: its handler asks for the key (connect.c) */
    API_FLOWS = 256,  /* its body flows: admission calls flow_begin() instead of http_admit() */
    API_PAGE = 512,   /* the page may send it without a key, if api.page_key is set */
    API_CHARGES = 64, /* the handler counts what it runs (charge.h); the request itself counts as reading */
};

/* The key that was admitted: http_user() of an exchange on a keyed route; freed with it (http's on_done). */
struct api_caller {
    struct key key;
    struct rate_verdict rate;
    bool anonymous; /* the request shows no key, and the key is one that the setting names: it may run and nothing else
                     */
    void *flow; /* what the handler of a body that flows has made before the body was read (API_FLOWS); NULL: none */
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
