#include "api/openapi_schemas.h"

#include "api/accepted.h"
#include "api/admin.h"
#include "api/admin_executions.h"
#include "api/admin_history.h"
#include "api/batch_read.h"
#include "api/execute_answer.h"
#include "api/execute_read.h"
#include "api/executions.h"
#include "api/file_fields.h"
#include "api/key_form.h"
#include "api/keys.h"
#include "api/service.h"
#include "api/session_form.h"
#include "api/sessions.h"
#include "api/usage.h"
#include "base/fields_schema.h"
#include "languages/language.h"

#define TO_TEXT(number) TO_TEXT_OF(number)
#define TO_TEXT_OF(number) #number
#define REF(name) "{\"$ref\": \"#/components/schemas/" name "\"}"
#define PAGE_OF(name)                                                                                             \
    "{\"type\": \"object\", \"required\": [\"items\", \"next_cursor\"], \"properties\": {\"items\": {\"type\": "  \
    "\"array\", \"items\": " REF(name) "}, \"next_cursor\": {\"type\": [\"string\", \"null\"], \"description\": " \
                                       "\"for the next page; null: this is the last\"}}}"

static const struct field detail_list[] = {FIELD_OUT("detail", FIELD_TEXT, "one sentence that says what is wrong")};
static const struct fields detail_fields = FIELDS(detail_list, 0);

static const struct field message_list[] = {FIELD_OUT("message", FIELD_TEXT, "what was done")};
static const struct fields message_fields = FIELDS(message_list, 0);

static const struct field warnings_list[] = {FIELD_OUT("warnings", FIELD_TEXTS, "the request's unknown fields")};
static const struct fields warnings_fields = FIELDS(warnings_list, 0);

static const struct field secret_list[] = {
    FIELD_OUT("key", FIELD_TEXT, "what a client sends; shown only this once"),
};
static const struct fields secret_fields = FIELDS(secret_list, 0);

static const struct field languages_list[] = {
    FIELD_OUT("languages", FIELD_ANY, NULL, .schema = "{\"type\": \"array\", \"items\": " REF("Language") "}"),
};
static const struct fields languages_fields = FIELDS(languages_list, 0);

const struct openapi_schema openapi_schemas[] = {
    {.name = "Error", .parts = {&detail_fields}},
    {.name = "Message", .parts = {&message_fields}},

    {.name = "ExecuteRequest", .parts = {&execute_fields}, .is_request = true, .elsewhere = {"stream"}},
    {.name = "BatchItem", .parts = {&execute_fields}, .is_request = true},
    {.name = "AsyncRequest", .parts = {&execute_fields}, .is_request = true, .elsewhere = {"webhook"}},
    {.name = "BatchRequest",
     .json = "{\"type\": \"array\", \"minItems\": 1, \"maxItems\": " TO_TEXT(BATCH_MAX) ", \"items\": " REF(
         "BatchItem") "}"},
    {.name = "ExecuteAnswer", .parts = {&execute_answer_fields}},
    {.name = "TimedOutAnswer", .parts = {&detail_fields, &execute_answer_fields}},
    {.name = "AnyAnswer",
     .json = "{\"anyOf\": [" REF("ExecuteAnswer") ", " REF("TimedOutAnswer") ", " REF("Error") "]}"},
    {.name = "FailedAnswer", .json = "{\"anyOf\": [" REF("TimedOutAnswer") ", " REF("Error") "]}"},
    {.name = "BatchAnswer", .json = "{\"type\": \"array\", \"items\": " REF("AnyAnswer") "}"},
    {.name = "AcceptedExecution", .parts = {&accepted_fields}},

    {.name = "Execution", .parts = {&execution_fields}},
    {.name = "Executions", .json = PAGE_OF("Execution")},

    {.name = "SessionRequest", .parts = {&session_create_fields}, .is_request = true},
    {.name = "SessionChange", .parts = {&session_change_fields}, .is_request = true},
    {.name = "Session", .parts = {&session_fields}},
    {.name = "ChangedSession", .parts = {&session_fields, &warnings_fields}},
    {.name = "Sessions", .json = PAGE_OF("Session")},

    {.name = "FileInfo", .parts = {&file_info_fields}},
    {.name = "FileInfos", .json = PAGE_OF("FileInfo")},
    {.name = "Bytes", .json = "{\"type\": \"string\", \"format\": \"binary\", \"description\": \"bytes as they are\"}"},

    {.name = "Form",
     .json = "{\"type\": \"object\", \"additionalProperties\": " REF(
         "Bytes") ", \"description\": \"files: the path of "
                  "each is its part's filename, or its name\"}"},

    {.name = "KeyRequest", .parts = {&key_form_fields}, .is_request = true, .required = "name"},
    {.name = "KeyChange", .parts = {&key_form_fields}, .is_request = true},
    {.name = "Key", .parts = {&key_fields}},
    {.name = "ChangedKey", .parts = {&key_fields, &warnings_fields}},
    {.name = "NewKey", .parts = {&key_fields, &warnings_fields, &secret_fields}},
    {.name = "Keys", .json = PAGE_OF("Key")},
    {.name = "Usage", .parts = {&usage_answer_fields}},

    {.name = "Overview", .parts = {&admin_overview_fields}},
    {.name = "History", .parts = {&admin_history_fields}},
    {.name = "OwnedExecution", .parts = {&execution_fields, &admin_owner_fields}},
    {.name = "OwnedExecutions", .json = PAGE_OF("OwnedExecution")},

    {.name = "Language", .parts = {&language_fields}},
    {.name = "Languages", .parts = {&languages_fields}},
    {.name = "LanguageIds", .json = "{\"type\": \"array\", \"items\": " REF("LanguageId") "}"},
    {.name = "LanguageId", .json = "{\"type\": \"string\", \"description\": \"a language that can run now\"}"},

    {.name = "Health", .parts = {&health_fields}},
    {.name = "Readiness", .parts = {&ready_fields}},
    {.name = "Document", .json = "{\"type\": \"object\", \"description\": \"this document\"}"},
    {.name = "Events",
     .json =
         "{\"type\": \"string\", \"description\": \"events: start, then stdout, stderr and file, and at last result; "
         "the data of each is JSON\"}"},
    {.name = "Text", .json = "{\"type\": \"string\"}"},
    {.name = NULL},
};

/* Adds the properties and the required names of `part`, which is dropped. */
static void add_part(json_t *schema, json_t *part)
{
    json_t *required = json_object_get(schema, "required");

    json_object_update(json_object_get(schema, "properties"), json_object_get(part, "properties"));
    if (required == NULL)
        json_object_set(schema, "required", json_object_get(part, "required"));
    else if (json_object_get(part, "required") != NULL)
        json_array_extend(required, json_object_get(part, "required"));
    json_decref(part);
}

static void require(json_t *schema, const char *name)
{
    json_t *required = json_object_get(schema, "required");

    if (required == NULL)
        json_object_set_new(schema, "required", json_pack("[s]", name));
    else
        json_array_append_new(required, json_string(name));
}

json_t *openapi_schema_json(const struct openapi_schema *schema, const int64_t *bounds)
{
    const struct fields_schema_way way = {
        .bounds = bounds, .nulls = schema->is_request, .elsewhere = schema->elsewhere};

    if (schema->json != NULL)
        return json_loads(schema->json, 0, NULL);
    json_t *object = fields_schema(schema->parts[0], &way);
    for (size_t i = 1; i < OPENAPI_PARTS && schema->parts[i] != NULL; i++)
        add_part(object, fields_schema(schema->parts[i], &way));
    if (schema->required != NULL)
        require(object, schema->required);
    return object;
}
