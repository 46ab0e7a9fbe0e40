/* What is recorded of each exchange after its end: a line of the log, and metrics. */
#include "api/access_log.h"

#include "api/admin.h"
#include "api/admin_history.h"
#include "api/api.h"
#include "api/service.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/seam.h"
#include "run/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A client may send any method, but the values of a label must be few. */
static const char *method_label(const struct http_exchange *ex)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    const char *method = http_method(ex);

    for (size_t i = 0; method != NULL && i < sizeof known / sizeof *known; i++)
        if (strcmp(method, known[i]) == 0)
            return known[i];
    return "other";
}

/* Why a request was turned away; NULL: it was not. */
static const char *rejection(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {400, "invalid"}, {401, "unauthorized"}, {402, "credits"},     {403, "forbidden"},
        {408, "slow"},    {413, "too_large"},    {414, "target"},      {415, "media_type"},
        {429, "rate"},    {431, "headers"},      {503, "unavailable"},
    };

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return NULL;
}

static void count_request(const char *method, const char *route, int status, double seconds)
{
    char code[16] = "gone";

    if (status != 0)
        snprintf(code, sizeof code, "%d", status);
    struct metric_family *requests =
        metric_family("codecell_http_requests_total",
                      "Requests by method, route and status. gone: the client left before its answer.", METRIC_COUNTER,
                      (const char *const[4]){"method", "route", "status"}, NULL);
    struct metric_family *latency =
        metric_family("codecell_http_request_seconds", "From a request's head to the end of its answer.",
                      METRIC_HISTOGRAM, (const char *const[4]){"route"}, metric_latency_bounds);
    metric_add(metric_series(requests, (const char *const[4]){method, route, code}), 1);
    metric_observe(metric_series(latency, (const char *const[4]){route}), seconds);
}

static void count_rejection(const char *reason)
{
    struct metric_family *family =
        metric_family("codecell_rejections_total", "Requests that were turned away, by reason.", METRIC_COUNTER,
                      (const char *const[4]){"reason"}, NULL);

    metric_add(metric_series(family, (const char *const[4]){reason}), 1);
}

/* Machines and the operator's page ask for these every few seconds. At the level info they would bury the rest, and in
 * the history, too. */
static bool is_polled(const struct http_route *route)
{
    static http_handler *const polled[] = {api_health, api_ready, api_metrics, api_admin_overview, api_admin_history};

    for (size_t i = 0; route != NULL && i < sizeof polled / sizeof *polled; i++)
        if (route->handler == polled[i])
            return true;
    return false;
}

void api_exchange_done(struct http_exchange *ex, int status, uint64_t ns)
{
    const struct http_route *route = http_route(ex);
    const char *pattern = route != NULL ? route->pattern : "none", *reason = rejection(status);
    struct api_caller *caller = api_caller(ex);
    uint64_t us = ns / 1000;

    count_request(method_label(ex), pattern, status, (double)ns / 1e9);
    if (reason != NULL)
        count_rejection(reason);
    if (api_of(ex)->history != NULL && !is_polled(route))
        history_answer(api_of(ex)->history, seam_wall_ms(), status);
    log_event(is_polled(route) ? LOG_DEBUG : LOG_INFO, "http.request", LOG_STR("id", http_request_id(ex)),
              LOG_STR("method", method_label(ex)), LOG_STR("route", pattern), LOG_INT("status", status),
              LOG_REAL("ms", (double)us / 1e3), LOG_STR("peer", http_peer(ex)),
              LOG_STR("key", caller != NULL ? caller->key.id : NULL));
    http_set_user(ex, NULL);
    free(caller);
}
