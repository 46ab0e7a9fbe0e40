#include "api/batch_read.h"

#include "base/json.h"
#include "base/json_scan.h"

#include <ctype.h>

const char *batch_joint(const char *sentence)
{
    return islower((unsigned char)*sentence) ? "." : ": ";
}

/* NULL: `error` says why. */
static json_t *parse_array(struct arena *arena, char *text, size_t len, size_t *cost, struct error *error)
{
    const struct json_shape *item = fields_shape(&execute_fields, REQUEST_WARNINGS_MAX, arena);
    const struct json_shape shape = {.open = '[', .most = BATCH_MAX + 1, .item = item};

    if (item != NULL)
        return json_parse_shape(text, len, &shape, cost, error);
    error_memory(error);
    return NULL;
}

static int check_array(const json_t *array, struct error *error)
{
    if (json_array_size(array) > BATCH_MAX)
        return error_set(error, ERROR_INVALID, "Maximum %d executions allowed in a batch", BATCH_MAX);
    if (json_array_size(array) == 0)
        return error_set(error, ERROR_INVALID, "the body must be an array of 1 to %d requests", BATCH_MAX);
    return 0;
}

/* Each request keeps the tree, because it may live longer than the others. */
static int read_item(struct execution_request *request, json_t *array, size_t index, const struct execute_rules *rules,
                     struct error *error)
{
    const json_t *item = json_array_get(array, index);

    if (!json_is_object(item))
        return error_set(error, ERROR_INVALID, "[%zu]: must be an object", index);
    if (arena_adopt(&request->arena, json_incref(array), json_release) != 0)
        return error_memory(error);
    if (execute_read_tree(request, item, rules, error) == 0)
        return 0;
    return error->code != ERROR_INVALID
               ? -1
               : error_set(error, ERROR_INVALID, "[%zu]%s%s", index, batch_joint(error->text), error->text);
}

int batch_read(struct execution_request requests[BATCH_MAX], size_t *count, char *text, size_t len,
               const struct execute_rules *rules, size_t *cost, struct error *error)
{
    json_t *array = parse_array(&requests[0].arena, text, len, cost, error);
    int result = array != NULL ? check_array(array, error) : -1;

    *count = 0;
    while (result == 0 && *count < json_array_size(array)) {
        result = read_item(&requests[*count], array, *count, rules, error);
        *cost += requests[(*count)++].arena.size;
    }
    json_decref(array);
    return result;
}
