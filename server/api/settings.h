/* The settings of a session: what its executions take from it if they do not say it themselves. They are fields of POST
 * /api/v1/execute, so both bodies share their tables. */
#ifndef CODECELL_API_SETTINGS_H
#define CODECELL_API_SETTINGS_H

#include "base/fields.h"
#include "run/request.h"

#define SETTINGS_NAMES_MAX 128               /* variables of `environment` */
#define SETTINGS_ENVIRONMENT_MAX (64u << 10) /* bytes of their names and values */

struct settings {
    const char *language_name, *version_range; /* NULL: not said */
    struct limits_overrides overrides;
    const char **env; /* "NAME=value", NULL after the last; NULL: none */
};

/* The check of `version`. request_settle() chooses from the language's versions. */
field_check settings_version_check;

/* The four fields, for a table whose struct has these members of struct settings, in its member `in` ("settings.") or
 * by itself (nothing). A reading needs limits_bounds(). */
#define SETTINGS_LANGUAGE(of, in, must)                                                                       \
    {                                                                                                         \
        .name = "language", .type = FIELD_TEXT, .required = (must), .least = 1, .most = REQUEST_LANGUAGE_MAX, \
        .at = offsetof(of, in language_name), .meaning = "an id or an alias of a language"                    \
    }
#define SETTINGS_VERSION(of, in)                                                                              \
    {                                                                                                         \
        .name = "version", .type = FIELD_TEXT, .least = 1,                                                    \
        .sentence = "must be a version or a range, such as 3, 3.11 or >=20", .check = settings_version_check, \
        .at = offsetof(of, in version_range), .fallback = "null", .meaning = "which version of the language"  \
    }
#define SETTINGS_LIMITS(of, in)                                                                             \
    {                                                                                                       \
        .name = "limits", .type = FIELD_OBJECT, .inside = &limits_fields, .at = offsetof(of, in overrides), \
        .fallback = "{}", .meaning = "limits other than the language's own"                                 \
    }
#define SETTINGS_ENVIRONMENT(of, in)                                                                                   \
    {                                                                                                                  \
        .name = "environment", .type = FIELD_VARIABLES, .most = SETTINGS_NAMES_MAX, .total = SETTINGS_ENVIRONMENT_MAX, \
        .at = offsetof(of, in env), .fallback = "{}", .meaning = "variables for the compiler and the program",         \
        .schema = "{\"propertyNames\": {\"pattern\": \"^[A-Za-z_][A-Za-z0-9_]*$\"}}"                                   \
    }

/* The settings in a session's body, as the text that the store keeps, for the caller to free. *out NULL: there are
 * none. 0, or -1: out of memory. */
int settings_text(const json_t *body, char **out);

/* Reads such a text. `arena` owns what the settings point to. */
int settings_read(struct settings *out, const char *text, const struct limits *maxima, struct arena *arena,
                  struct error *error);

/* Fills in what the request does not say. The version counts for the settings' own language alone. `settings` lie in
 * the request's arena. 0, or -1: out of memory. */
int settings_apply(struct execution_request *request, const struct settings *settings);

#endif
