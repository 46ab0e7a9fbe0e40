/* The API's resources: what connects http/ with run/ and store/. A file a resource; each offers its
 * handlers here, and routes.c puts them into one table.
 *
 *   admit (admission.c): key and scope and rate, in one database job ─ body ─ handler ─ answer
 */
#ifndef CODECELL_API_API_H
#define CODECELL_API_API_H

#include "api/reading_rate.h"
#include "base/error.h"
#include "http/http.h"
#include "languages/catalog.h"
#include "run/execution.h"
#include "store/keys.h"
#include "store/rates.h"
#include "store/store.h"

#include <jansson.h>

struct offers;

/* What handlers lean on; http_options.data. Owned by app.c. */
struct api {
    uv_loop_t *loop;
    struct store *store;
    struct runner *runner;
    struct languages *languages;
    struct offers *offers;
    struct http_server *http;
    struct limits maxima;
    size_t max_code, max_stdin;   /* bytes */
    bool reuse;                   /* of a key without a value of its own (CODECELL_REUSE) */
    const char *metrics_key;      /* "": /metrics is for this machine alone */
    struct reading_rates reading; /* of what runs nothing */
    bool draining;                /* SIGTERM came: new executions are 503 */
};

/* http_route.flags */
enum api_flag {
    API_KEY = 1,      /* wants a key (401 without) */
    API_EXECUTE = 2,  /* with the scope execute (403) */
    API_READ = 4,     /* with the scope read */
    API_ADMIN = 8,    /* with the scope admin */
    API_COUNTS = 16,  /* counts against the rate (429); other keyed routes carry its headers and count against that of
                         reading (429) */
    API_METRICS = 32, /* wants the metrics key, where one is set */
};

/* Who was admitted: http_user() of an exchange on a keyed route; freed with it (http's on_done). */
struct api_caller {
    struct key key;
    struct rate_verdict rate;
};

extern const struct http_route api_routes[];

http_handler api_admit;                                                    /* admission.c */
void api_exchange_done(struct http_exchange *ex, int status, uint64_t ns); /* logs, metrics, frees the caller */

static inline struct api *api_of(const struct http_exchange *ex)
{
    return http_data(ex);
}

static inline struct api_caller *api_caller(const struct http_exchange *ex)
{
    return http_user(ex);
}

/* Answers. api_respond takes the reference of `value`. */
void api_respond(struct http_exchange *ex, int status, json_t *value);
void api_respond_error(struct http_exchange *ex, const struct error *error); /* status from its code; ERROR_INTERNAL is
                                       logged with its text and answered "Internal error" ; 503 gets Retry-After */

/* Figures as answers show them; null where not known. */
json_t *api_seconds(int64_t ns);      /* a real, to the microsecond; null below 0 */
json_t *api_megabytes(int64_t bytes); /* a real, in mebibytes, to a thousandth; null below 0 */
json_t *api_time(int64_t ms);         /* RFC 3339; null for 0 */
json_t *api_text(const char *text);   /* null for "" */

/* Handlers, by file. */
http_handler api_execute;                                                                       /* execute.c */
http_handler api_executions_list, api_executions_get, api_executions_delete;                    /* executions.c */
http_handler api_sessions_list, api_sessions_get, api_sessions_delete, api_sessions_executions; /* sessions.c */
http_handler api_languages_list, api_languages_get, api_languages_ids;                          /* languages.c */
http_handler api_health, api_ready, api_metrics;                                                /* service.c */

#endif
