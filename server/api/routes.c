#include "api/routes.h"

#include "api/admin.h"
#include "api/admin_executions.h"
#include "api/admin_history.h"
#include "api/api.h"
#include "api/asset.h"
#include "api/async.h"
#include "api/batch.h"
#include "api/connect.h"
#include "api/execute.h"
#include "api/executions.h"
#include "api/follow.h"
#include "api/keys.h"
#include "api/languages.h"
#include "api/openapi.h"
#include "api/service.h"
#include "api/session_archive.h"
#include "api/session_files.h"
#include "api/session_kernel.h"
#include "api/session_upload.h"
#include "api/sessions.h"
#include "api/status.h"
#include "api/usage.h"

#define RUNS (API_KEY | API_EXECUTE | API_COUNTS)
#define STEERS (API_KEY | API_EXECUTE)
#define READS (API_KEY | API_READ)
#define MANAGES (API_KEY | API_ADMIN)
#define OPERATES (MANAGES | API_OPERATES)

/* What begins a route with API_FLOWS. */
static const struct {
    http_handler *handler, *begin;
} flows[] = {
    {api_files_put, api_files_put_begin},
    {api_files_post, api_files_post_begin},
    {api_archive_put, api_archive_put_begin},
};

void api_flow_begin(struct http_exchange *ex)
{
    size_t i = 0;

    while (flows[i].handler != http_route(ex)->handler)
        i++;
    flows[i].begin(ex);
}

const struct http_route api_routes[] = {
    {"POST", "/api/v1/execute", api_execute, RUNS | API_PAGE},
    {"POST", "/api/v1/execute/batch", api_batch, RUNS},
    {"POST", "/api/v1/execute/async", api_async, RUNS},
    {"GET", "/api/v1/execute/status/{id}", api_status, READS},

    {"GET", "/api/v1/connect", api_connect, CONNECT_FLAGS | API_LATER | API_PAGE},

    {"GET", "/api/v1/executions", api_executions_list, READS},
    {"GET", "/api/v1/executions/{id}", api_executions_get, READS},
    {"GET", "/api/v1/executions/{id}/events", api_execution_events, READS},
    {"DELETE", "/api/v1/executions/{id}", api_executions_delete, STEERS},

    {"POST", "/api/v1/sessions", api_sessions_create, STEERS},
    {"GET", "/api/v1/sessions", api_sessions_list, READS},
    {"GET", "/api/v1/sessions/{id}", api_sessions_get, READS},
    {"PATCH", "/api/v1/sessions/{id}", api_sessions_change, STEERS},
    {"GET", "/api/v1/sessions/{id}/executions", api_sessions_executions, READS},
    {"DELETE", "/api/v1/sessions/{id}", api_sessions_delete, STEERS},
    {"POST", "/api/v1/sessions/{id}/interrupt", api_kernel_interrupt, STEERS},
    {"POST", "/api/v1/sessions/{id}/restart", api_kernel_restart, STEERS},
    {"GET", "/api/v1/sessions/{id}/files", api_files_list, READS},
    {"POST", "/api/v1/sessions/{id}/files", api_files_post, STEERS | API_FLOWS},
    {"GET", "/api/v1/sessions/{id}/files/{path...}", api_files_get, READS},
    {"PUT", "/api/v1/sessions/{id}/files/{path...}", api_files_put, STEERS | API_FLOWS},
    {"DELETE", "/api/v1/sessions/{id}/files/{path...}", api_files_delete, STEERS},
    {"GET", "/api/v1/sessions/{id}/archive", api_archive_get, READS},
    {"PUT", "/api/v1/sessions/{id}/archive", api_archive_put, STEERS | API_FLOWS},
    {"DELETE", "/api/v1/execute/session/{id}", api_sessions_delete, STEERS},

    {"POST", "/api/v1/keys", api_keys_create, MANAGES},
    {"GET", "/api/v1/keys", api_keys_list, MANAGES},
    {"GET", "/api/v1/keys/{id}", api_keys_get, MANAGES},
    {"PATCH", "/api/v1/keys/{id}", api_keys_change, MANAGES},
    {"DELETE", "/api/v1/keys/{id}", api_keys_revoke, MANAGES},

    {"GET", "/api/v1/usage", api_usage, READS},

    {"GET", "/api/v1/admin/overview", api_admin_overview, OPERATES},
    {"GET", "/api/v1/admin/history", api_admin_history, OPERATES},
    {"GET", "/api/v1/admin/executions", api_admin_executions, OPERATES},

    {"GET", "/api/v1/languages", api_languages_list, 0},
    {"GET", "/api/v1/languages/{id}", api_languages_get, 0},
    {"GET", "/api/v1/execute/languages", api_languages_ids, 0},

    {"GET", "/health", api_health, 0},
    {"GET", "/ready", api_ready, 0},
    {"GET", "/metrics", api_metrics, API_METRICS},
    {"GET", "/openapi.json", api_openapi, 0},

    {"GET", "/", api_asset, 0},
    {"GET", "/frame", api_asset, 0},
    {"GET", "/docs", api_asset, 0},
    {"GET", "/admin", api_asset, 0},
    {"GET", "/page/{file...}", api_asset, 0},
    {.method = NULL},
};
