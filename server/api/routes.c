#include "api/routes.h"

#include "api/api.h"
#include "api/execute.h"
#include "api/executions.h"
#include "api/languages.h"
#include "api/service.h"
#include "api/sessions.h"

#define RUNS (API_KEY | API_EXECUTE | API_COUNTS)
#define ENDS (API_KEY | API_EXECUTE)
#define READS (API_KEY | API_READ)

const struct http_route api_routes[] = {
    {"POST", "/api/v1/execute", api_execute, RUNS},

    {"GET", "/api/v1/executions", api_executions_list, READS},
    {"GET", "/api/v1/executions/{id}", api_executions_get, READS},
    {"DELETE", "/api/v1/executions/{id}", api_executions_delete, ENDS},

    {"GET", "/api/v1/sessions", api_sessions_list, READS},
    {"GET", "/api/v1/sessions/{id}", api_sessions_get, READS},
    {"GET", "/api/v1/sessions/{id}/executions", api_sessions_executions, READS},
    {"DELETE", "/api/v1/sessions/{id}", api_sessions_delete, ENDS},
    {"DELETE", "/api/v1/execute/session/{id}", api_sessions_delete, ENDS},

    {"GET", "/api/v1/languages", api_languages_list, 0},
    {"GET", "/api/v1/languages/{id}", api_languages_get, 0},
    {"GET", "/api/v1/execute/languages", api_languages_ids, 0},

    {"GET", "/health", api_health, 0},
    {"GET", "/ready", api_ready, 0},
    {"GET", "/metrics", api_metrics, API_METRICS},
    {.method = NULL},
};
