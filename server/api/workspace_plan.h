/* What a session with a workspace says of it: whose image it has, and its limits. */
#ifndef CODECELL_API_WORKSPACE_PLAN_H
#define CODECELL_API_WORKSPACE_PLAN_H

#include "api/api.h"
#include "api/settings.h"
#include "run/workspaces.h"
#include "store/sessions.h"

/* Makes the plan. `language` and `version`: those of the use, which count if neither the session nor an earlier
 * execution has decided; NULL: the first language that is offered. *decided: they did not count. 0, or -1:
 * ERROR_UNAVAILABLE: the workspace's language is not offered now. ERROR_INVALID: its settings do not fit any more. */
int workspace_plan_make(struct workspace_plan *out, struct api *api, const struct session *session,
                        const struct settings *settings, struct language *language, struct language_version *version,
                        bool *decided, struct error *error);

/* Whether a settled request may run in the plan's workspace. 0, or -1: ERROR_INVALID. */
int workspace_plan_check(const struct workspace_plan *plan, struct api *api, const struct execution_request *request,
                         bool decided, struct error *error);

/* The ids of the languages that are in the image of the language with this name and version; NULL: there is none. */
json_t *workspace_languages(struct api *api, const char *language, const char *range);

#endif
