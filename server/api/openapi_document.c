#include "api/openapi_document.h"

#include "api/api.h"
#include "api/openapi_errors.h"
#include "api/openapi_operations.h"
#include "api/openapi_schemas.h"
#include "api/session_form.h"
#include "base/fields_schema.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char about[] =
    "Send a key as `X-API-Key: KEY` or as `Authorization: Bearer KEY`. Errors are `{\"detail\": \"one sentence\"}`. "
    "For an optional field of a request, null is the same as absent, and the answer names unknown fields in "
    "`warnings`. A path with a trailing slash is the same path. HEAD works wherever GET does, and OPTIONS answers "
    "with the path's methods. Answers of more than 1 KiB come in gzip if the request asks for it.";

static json_t *openapi_ref(const char *kind, const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/components/%s/%s", kind, name));
}

/* Headers. */

static bool has_header(const struct openapi_header *header, unsigned kinds)
{
    return (header->kinds & kinds) != 0;
}

static json_t *success_headers(unsigned kinds)
{
    json_t *headers = json_object();

    for (const struct openapi_header *header = openapi_headers; header->name != NULL; header++)
        if (has_header(header, kinds))
            json_object_set_new(headers, header->name, openapi_ref("headers", header->name));
    return headers;
}

static json_t *error_headers(const struct openapi_error *error)
{
    json_t *headers = success_headers(OPENAPI_ANY);

    for (const struct openapi_header *header = openapi_headers; header->name != NULL; header++)
        if ((error->rate_shown && header->about_rate) ||
            (error->header != NULL && strcmp(error->header, header->name) == 0))
            json_object_set_new(headers, header->name, openapi_ref("headers", header->name));
    return headers;
}

static json_t *all_headers(void)
{
    json_t *all = json_object();

    for (const struct openapi_header *header = openapi_headers; header->name != NULL; header++)
        json_object_set_new(all, header->name,
                            json_pack("{s:s, s:b, s:o}", "description", header->meaning, "required",
                                      !header->maybe && !header->about_rate, "schema",
                                      json_loads(header->schema, 0, NULL)));
    return all;
}

/* Answers. */

static json_t *openapi_content(const char *type, const char *schema)
{
    return json_pack("{s:{s:o}}", type, "schema", openapi_ref("schemas", schema));
}

static json_t *all_errors(void)
{
    json_t *all = json_object();

    for (const struct openapi_error *error = openapi_errors; error->status != 0; error++)
        json_object_set_new(all, error->name,
                            json_pack("{s:s, s:o, s:o}", "description", error->meaning, "headers", error_headers(error),
                                      "content", openapi_content("application/json", "Error")));
    return all;
}

/* The answer of that status; made if it is not there yet. Borrowed. */
static json_t *answer_of(json_t *answers, int status, const char *meaning, json_t *headers)
{
    char name[16];

    snprintf(name, sizeof name, "%d", status);
    if (json_object_get(json_object_get(answers, name), "description") == NULL) /* also in the place of a reference */
        json_object_set_new(answers, name, json_pack("{s:s, s:O}", "description", meaning, "headers", headers));
    json_decref(headers);
    return json_object_get(answers, name);
}

static void add_content(json_t *answer, const char *type, const char *schema)
{
    json_t *content = openapi_content(type, schema);

    if (json_object_get(answer, "content") == NULL)
        json_object_set(answer, "content", content);
    else
        json_object_update(json_object_get(answer, "content"), content);
    json_decref(content);
}

static void set_usual_error(json_t *answers, const struct openapi_error *error)
{
    char name[16];

    snprintf(name, sizeof name, "%d", error->status);
    json_object_set_new(answers, name, openapi_ref("responses", error->name));
}

static void set_error(json_t *answers, const struct openapi_answer *answer)
{
    const struct openapi_error *error = openapi_error_of(answer->status);

    if (answer->schema == NULL)
        set_usual_error(answers, error);
    else
        add_content(answer_of(answers, error->status, error->meaning, error_headers(error)), answer->type,
                    answer->schema);
}

/* Which other operations an answer of this one has a name for. */
static json_t *operation_links(const char *id)
{
    json_t *links = json_object();

    for (const struct openapi_operation *to = openapi_operations; to->method != NULL; to++)
        if (to->from != NULL && strcmp(to->from, id) == 0)
            json_object_set_new(links, to->id,
                                json_pack("{s:s, s:{s:o}}", "operationId", to->id, "parameters", "id",
                                          json_sprintf("$response.body#%s", to->from_pointer)));
    return links;
}

static void set_success(json_t *answers, const struct openapi_operation *operation, const struct openapi_answer *answer,
                        unsigned kinds)
{
    unsigned has = answer->status == 204 ? kinds & ~(unsigned)OPENAPI_MAKES : kinds; /* 204: it was there */
    json_t *value = answer_of(answers, answer->status, operation->summary, success_headers(has));

    if (answer->schema != NULL)
        add_content(value, answer->type, answer->schema);
}

static void add_links(json_t *answer, const char *id)
{
    json_t *links = operation_links(id);

    if (json_object_size(links) > 0)
        json_object_set(answer, "links", links);
    json_decref(links);
}

static json_t *operation_answers(const struct openapi_operation *operation, unsigned kinds)
{
    static const char known[] = "As the ETag says, the client has it already.";
    const struct openapi_answer *first = operation->answers;
    json_t *answers = json_object();

    set_success(answers, operation, first, kinds);
    add_links(answer_of(answers, first->status, operation->summary, NULL), operation->id);
    if ((kinds & OPENAPI_CACHED) != 0)
        answer_of(answers, 304, known, success_headers(kinds));
    for (const struct openapi_error *error = openapi_errors; error->status != 0; error++)
        if ((error->kinds & kinds) != 0)
            set_usual_error(answers, error);
    for (size_t i = 1; i < OPENAPI_ANSWERS && operation->answers[i].status != 0; i++)
        if (operation->answers[i].status < 400)
            set_success(answers, operation, &operation->answers[i], kinds);
        else
            set_error(answers, &operation->answers[i]);
    return answers;
}

/* Parameters. */

static json_t *query_parameter(const struct field *field)
{
    const struct fields_schema_way way = {.bounds = NULL};
    json_t *schema = fields_schema_of(field, &way);
    json_t *parameter = json_pack("{s:s, s:s, s:o}", "name", field->name, "in", "query", "schema", schema);

    if (field->meaning != NULL)
        json_object_set_new(parameter, "description", json_string(field->meaning));
    json_object_del(schema, "description");
    return parameter;
}

static void add_path_parameters(json_t *parameters, const struct openapi_operation *operation)
{
    for (const char *at = strchr(operation->pattern, '{'); at != NULL; at = strchr(at + 1, '{')) {
        int len = (int)strcspn(at + 1, ".}");
        json_t *parameter = json_pack("{s:s#, s:s, s:b, s:{s:s}}", "name", at + 1, len, "in", "path", "required", true,
                                      "schema", "type", "string");
        if (at[1 + len] == '.' && operation->rest != NULL)
            json_object_set_new(parameter, "example", json_string(operation->rest));
        json_array_append_new(parameters, parameter);
    }
}

static json_t *operation_parameters(const struct openapi_operation *operation, unsigned kinds)
{
    json_t *parameters = json_array();

    add_path_parameters(parameters, operation);
    for (size_t i = 0; i < OPENAPI_QUERIES && operation->query[i] != NULL; i++)
        for (size_t j = 0; j < operation->query[i]->count; j++)
            json_array_append_new(parameters, query_parameter(&operation->query[i]->list[j]));
    for (const struct openapi_parameter *parameter = openapi_parameters; parameter->name != NULL; parameter++)
        if ((parameter->kinds & kinds) != 0)
            json_array_append_new(parameters, openapi_ref("parameters", parameter->name));
    return parameters;
}

static json_t *all_parameters(void)
{
    json_t *all = json_object();

    for (const struct openapi_parameter *parameter = openapi_parameters; parameter->name != NULL; parameter++)
        json_object_set_new(all, parameter->name,
                            json_pack("{s:s, s:s, s:s, s:o}", "name", parameter->header, "in", "header", "description",
                                      parameter->meaning, "schema", json_loads(parameter->schema, 0, NULL)));
    return all;
}

/* Operations. */

static unsigned kinds_of(const struct openapi_operation *operation, unsigned flags)
{
    return OPENAPI_ANY | operation->kinds | ((flags & API_KEY) != 0 ? OPENAPI_KEYED : 0u) |
           ((flags & API_COUNTS) != 0 ? OPENAPI_RUNS : 0u) | (operation->body != NULL ? OPENAPI_BODY : 0u) |
           (strchr(operation->pattern, '{') != NULL ? OPENAPI_ONE : 0u);
}

/* A key that may come later is not needed by the request. */
static json_t *operation_security(unsigned flags)
{
    const char *scope = (flags & API_EXECUTE) != 0 ? "execute" : (flags & API_ADMIN) != 0 ? "admin" : "read";

    if ((flags & API_METRICS) != 0)
        return json_pack("[{s:[]}, {}]", "MetricsKey");
    if ((flags & API_KEY) == 0)
        return json_array();
    json_t *security = json_pack("[{s:[s]}, {s:[s]}]", "ApiKey", scope, "Bearer", scope);
    if ((flags & API_LATER) != 0)
        json_array_append_new(security, json_object());
    return security;
}

static json_t *body_example(const struct openapi_operation *operation, const struct openapi_offer *offer)
{
    if (operation->example != NULL)
        return json_loads(operation->example, JSON_DECODE_ANY, NULL);
    return operation->example_is_array ? json_pack("[O, O]", offer->program, offer->program)
                                       : json_incref(offer->program);
}

static json_t *operation_body(const struct openapi_operation *operation, const struct openapi_offer *offer)
{
    const char *type = operation->body_type != NULL ? operation->body_type : "application/json";

    json_t *content = openapi_content(type, operation->body);
    if (operation->example != NULL || operation->body_type == NULL)
        json_object_set_new(json_object_get(content, type), "example", body_example(operation, offer));
    return json_pack("{s:b, s:o}", "required", true, "content", content);
}

static json_t *operation_json(const struct openapi_operation *operation, const struct openapi_offer *offer,
                              unsigned flags)
{
    unsigned kinds = kinds_of(operation, flags);
    json_t *parameters = operation_parameters(operation, kinds);
    json_t *value = json_pack("{s:s, s:[s], s:s, s:o}", "operationId", operation->id, "tags", operation->tag, "summary",
                              operation->summary, "security", operation_security(flags));

    if (operation->description != NULL)
        json_object_set_new(value, "description", json_string(operation->description));
    if (json_array_size(parameters) > 0)
        json_object_set(value, "parameters", parameters);
    json_decref(parameters);
    if (operation->body != NULL)
        json_object_set_new(value, "requestBody", operation_body(operation, offer));
    json_object_set_new(value, "responses", operation_answers(operation, kinds));
    return value;
}

void openapi_path(const char *pattern, char out[OPENAPI_PATH_MAX])
{
    const char *rest = strstr(pattern, "...}");
    int len = rest != NULL ? (int)(rest - pattern) : (int)strlen(pattern);

    snprintf(out, OPENAPI_PATH_MAX, "%.*s%s", len, pattern, rest != NULL ? "}" : "");
}

static void put_route(json_t *paths, const struct http_route *route, const struct openapi_offer *offer)
{
    const struct openapi_operation *operation = openapi_operation_of(route->method, route->pattern);
    char path[OPENAPI_PATH_MAX], method[8];
    size_t len = strlen(route->method);

    if (operation == NULL || len >= sizeof method)
        return;
    for (size_t i = 0; i <= len; i++)
        method[i] = (char)tolower((unsigned char)route->method[i]);
    openapi_path(route->pattern, path);
    if (json_object_get(paths, path) == NULL)
        json_object_set_new(paths, path, json_object());
    json_object_set_new(json_object_get(paths, path), method, operation_json(operation, offer, route->flags));
}

static json_t *all_paths(const struct http_route *routes, const struct openapi_offer *offer)
{
    json_t *paths = json_object();

    for (; routes->method != NULL; routes++)
        put_route(paths, routes, offer);
    return paths;
}

/* Schemas. */

/* An id of a language that is offered, or an alias of one in any case. */
static void name_languages(json_t *schema)
{
    json_t *language = json_object_get(json_object_get(schema, "properties"), "language");

    if (language != NULL)
        json_object_set_new(
            language, "anyOf",
            json_pack("[o, {s:[s, s]}]", openapi_ref("schemas", "LanguageId"), "type", "string", "null"));
}

static json_t *all_schemas(const struct openapi_offer *offer)
{
    json_t *all = json_object();

    for (const struct openapi_schema *schema = openapi_schemas; schema->name != NULL; schema++) {
        json_t *value = openapi_schema_json(schema, offer->bounds);
        if (schema->parts[0] == &execute_fields || schema->parts[0] == &session_create_fields)
            name_languages(value);
        json_object_set_new(all, schema->name, value);
    }
    if (json_array_size(offer->ids) > 0) /* a schema may not have an empty list of values */
        json_object_set(json_object_get(all, "LanguageId"), "enum", offer->ids);
    return all;
}

/* The whole. */

static json_t *openapi_info(void)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "title", "Codecell", "version", CODECELL_VERSION, "summary",
                     "Runs programs in locked-down containers.", "description", about, "license", "name", "MIT",
                     "identifier", "MIT");
}

static json_t *all_tags(void)
{
    json_t *tags = json_array();

    for (const struct openapi_tag *tag = openapi_tags; tag->name != NULL; tag++)
        json_array_append_new(tags, json_pack("{s:s, s:s}", "name", tag->name, "description", tag->meaning));
    return tags;
}

static json_t *all_securities(void)
{
    return json_pack("{s:{s:s, s:s, s:s, s:s}, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}}", "ApiKey", "type", "apiKey", "in",
                     "header", "name", "X-API-Key", "description", "A key of this server.", "Bearer", "type", "http",
                     "scheme", "bearer", "description", "The same key, sent in another way.", "MetricsKey", "type",
                     "http", "scheme", "bearer", "description",
                     "The operator's CODECELL_METRICS_KEY, for GET /metrics alone.");
}

json_t *openapi_document(const struct openapi_offer *offer, const struct http_route *routes)
{
    json_t *components =
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "schemas", all_schemas(offer), "responses", all_errors(), "headers",
                  all_headers(), "parameters", all_parameters(), "securitySchemes", all_securities());

    return json_pack("{s:s, s:o, s:[{s:s}], s:o, s:o, s:o}", "openapi", "3.1.0", "info", openapi_info(), "servers",
                     "url", "/", "tags", all_tags(), "paths", all_paths(routes, offer), "components", components);
}
