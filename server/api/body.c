#include "api/body.h"

#include "base/json.h"
#include "base/json_scan.h"

static int warn_unknown(void *arg, const char *path)
{
    return request_warn(arg, "unknown field: %s", path);
}

/* The body's tree, which the request owns. NULL: `error` says why. */
static json_t *body_parse(struct execution_request *request, const struct fields *fields, char *text, size_t len,
                          size_t *cost, struct error *error)
{
    const struct json_shape *shape = fields_shape(fields, REQUEST_WARNINGS_MAX, &request->arena);

    if (shape == NULL) {
        error_memory(error);
        return NULL;
    }
    json_t *root = json_parse_shape(text, len, shape, cost, error);
    if (root == NULL || arena_adopt(&request->arena, root, json_release) == 0)
        return root;
    error_memory(error);
    return NULL;
}

int body_read_tree(struct execution_request *request, const struct fields *fields, const int64_t *bounds,
                   const json_t *object, const char *what, void *out, struct error *error)
{
    const struct fields_reading reading = {.arena = &request->arena,
                                           .error = error,
                                           .bounds = bounds,
                                           .null_is_absent = true,
                                           .unknown = warn_unknown,
                                           .arg = request};

    if (!json_is_object(object))
        return error_set(error, ERROR_INVALID, "%s must be a JSON object", what);
    return fields_read(fields, object, &reading, out);
}

int body_read(struct execution_request *request, const struct fields *fields, const int64_t *bounds, char *text,
              size_t len, void *out, size_t *cost, struct error *error)
{
    const json_t *root = body_parse(request, fields, text, len, cost, error);

    if (root == NULL)
        return -1;
    return body_read_tree(request, fields, bounds, root, "the body", out, error);
}
