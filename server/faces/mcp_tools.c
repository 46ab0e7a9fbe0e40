#include "faces/mcp_tools.h"

#include "base/fields_schema.h"
#include "base/json_scan.h"
#include "faces/mcp_call.h"

#include <string.h>

#define LIST_TTL_MS 60000 /* a modern client may keep the list; languages come when their images are known */

static void list_languages(struct mcp_call *call);

/* What the results hold: only their names, types and meanings are used. */
#define OUT(field_name, field_type, words)                                                                    \
    {                                                                                                         \
        .name = (field_name), .type = (field_type), .required = true, .at = FIELD_NOWHERE, .meaning = (words) \
    }

static const struct field execute_out_list[] = {
    OUT("execution_id", FIELD_TEXT, "of its record"),
    OUT("stdout", FIELD_TEXT, "what the program wrote to standard output"),
    OUT("stderr", FIELD_TEXT, "what the program, or its compiler, wrote to standard error"),
    OUT("exit_code", FIELD_INTEGER, "0: success; 124: timed out; 128 + n: ended by signal n"),
    OUT("execution_time", FIELD_NUMBER, "seconds that the program ran"),
    OUT("language", FIELD_TEXT, "the language's id"),
    OUT("session_id", FIELD_ANY, "as given, or null"),
    OUT("version", FIELD_TEXT, "of the language"),
    OUT("status", FIELD_TEXT, "completed, failed, timed_out, out_of_memory, compile_failed or cancelled"),
    OUT("signal", FIELD_ANY, "the name of the signal that ended it, or null"),
    OUT("timed_out", FIELD_BOOLEAN, "it ran for longer than its timeout"),
    OUT("stdout_truncated", FIELD_BOOLEAN, "it wrote more than the limit"),
    OUT("stderr_truncated", FIELD_BOOLEAN, "it wrote more than the limit"),
    OUT("cpu_time", FIELD_ANY, "seconds, or null"),
    OUT("memory_mb", FIELD_ANY, "its peak, or null"),
    OUT("compile", FIELD_ANY, "null, or stdout, stderr, exit_code and execution_time of the compiler"),
    OUT("queue_time", FIELD_ANY, "seconds that it waited, or null"),
    OUT("warnings", FIELD_TEXTS, "sentences"),
    {.name = "result", .type = FIELD_ANY, .at = FIELD_NOWHERE, .meaning = "with evaluate: the last expression's value"},
    {.name = "error", .type = FIELD_ANY, .at = FIELD_NOWHERE, .meaning = "with evaluate: the exception, or null"},
};
static const struct fields execute_out = FIELDS(execute_out_list, 0);

static const struct field language_out_list[] = {
    OUT("id", FIELD_TEXT, "for execute_code"),         OUT("name", FIELD_TEXT, NULL),
    OUT("version", FIELD_TEXT, "the default version"), OUT("versions", FIELD_TEXTS, "all versions"),
    OUT("aliases", FIELD_TEXTS, "other names for it"),
};
static const struct fields language_out = FIELDS(language_out_list, 0);
static const struct field languages_out_list[] = {
    {.name = "languages", .type = FIELD_OBJECTS, .required = true, .inside = &language_out, .at = FIELD_NOWHERE},
};
static const struct fields languages_out = FIELDS(languages_out_list, 0);

static const struct fields no_fields = {.list = NULL};

static const struct mcp_tool tools[] = {
    {.name = "execute_code",
     .title = "Run a program",
     .description = "Runs a program in a fresh container without network, and returns what it wrote and how it ended. "
                    "Nothing is kept between calls: send all code, files and input that a program needs. Print what "
                    "you want to see.",
     .input = &execute_fields,
     .output = &execute_out,
     .read = mcp_run_read,
     .run = mcp_run_start},
    {.name = "list_languages",
     .title = "List languages",
     .description = "Lists the languages that execute_code can run, with their versions and other names.",
     .reads_only = true,
     .input = &no_fields,
     .output = &languages_out,
     .run = list_languages},
};

#define TOOLS (sizeof tools / sizeof *tools)

const struct mcp_tool *mcp_tool_find(const char *name)
{
    for (size_t i = 0; i < TOOLS; i++)
        if (strcmp(tools[i].name, name) == 0)
            return &tools[i];
    return NULL;
}

/* What is kept of arguments. */

static bool shape_has(const struct json_shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->members_len; i++)
        if (strcmp(shape->members[i].name, name) == 0)
            return true;
    return false;
}

/* Two tools that have a field of the same name have it of one table. */
static int shape_add(struct json_shape *all, struct json_shape_member *members, const struct fields *fields,
                     struct arena *arena)
{
    const struct json_shape *one = fields_shape(fields, REQUEST_WARNINGS_MAX, arena);

    if (one == NULL)
        return -1;
    for (size_t i = 0; i < one->members_len; i++)
        if (!shape_has(all, one->members[i].name))
            members[all->members_len++] = one->members[i];
    return 0;
}

const struct json_shape *mcp_tools_shape(struct arena *arena)
{
    struct json_shape *all = arena_alloc(arena, sizeof *all);
    size_t room = 1;

    for (size_t i = 0; i < TOOLS; i++)
        room += tools[i].input->count;
    struct json_shape_member *members = arena_alloc(arena, room * sizeof *members);
    if (all == NULL || members == NULL)
        return NULL;
    *all = (struct json_shape){.open = '{', .members = members, .most = REQUEST_WARNINGS_MAX, .names_only = true};
    for (size_t i = 0; i < TOOLS; i++)
        if (tools[i].input->count > 0 && shape_add(all, members, tools[i].input, arena) != 0)
            return NULL;
    return all;
}

/* tools/list. */

static json_t *offered_ids(struct catalog *languages)
{
    json_t *list = json_array();

    for (size_t i = 0; i < catalog_count(languages); i++)
        if (language_default(catalog_at(languages, i)) != NULL)
            json_array_append_new(list, json_string(catalog_at(languages, i)->id));
    return list;
}

/* A schema may not have an empty list of values. */
static void name_languages(json_t *schema, struct catalog *languages)
{
    json_t *field = json_object_get(json_object_get(schema, "properties"), "language");
    json_t *ids = offered_ids(languages);

    if (field != NULL && json_array_size(ids) > 0)
        json_object_set(field, "enum", ids);
    json_decref(ids);
}

static json_t *tool_json(const struct mcp_tool *tool, struct catalog *languages, const int64_t *bounds)
{
    json_t *input = fields_schema(tool->input, bounds);

    name_languages(input, languages);
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:{s:s, s:b, s:b, s:b, s:b}}", "name", tool->name, "title", tool->title,
                     "description", tool->description, "inputSchema", input, "outputSchema",
                     fields_schema(tool->output, bounds), "annotations", "title", tool->title, "readOnlyHint",
                     tool->reads_only, "destructiveHint", false, "idempotentHint", tool->reads_only, "openWorldHint",
                     false);
}

json_t *mcp_tools_list(struct catalog *languages, const struct execute_rules *rules)
{
    int64_t bounds[EXECUTE_BOUNDS] = {0};
    json_t *list = json_array();

    execute_bounds(bounds, rules);
    for (size_t i = 0; i < TOOLS; i++)
        json_array_append_new(list, tool_json(&tools[i], languages, bounds));
    return json_pack("{s:o, s:i, s:s}", "tools", list, "ttlMs", LIST_TTL_MS, "cacheScope", "private");
}

/* list_languages. */

static const char *const language_members[] = {"id", "name", "version", "versions", "aliases"};

static json_t *language_item(const struct language *language)
{
    json_t *all = language_json(language), *item = json_object();

    for (size_t i = 0; i < sizeof language_members / sizeof *language_members; i++)
        json_object_set(item, language_members[i], json_object_get(all, language_members[i]));
    json_decref(all);
    return item;
}

/* "python: Python 3.12.3" */
static int language_line(struct buf *text, const struct language *language)
{
    return buf_printf(text, "%s%s: %s %s", text->len > 0 ? "\n" : "", language->id, language->name,
                      language_default(language)->reported);
}

#define LANGUAGES_TEXT_MAX (64u << 10)

static void list_languages(struct mcp_call *call)
{
    struct catalog *languages = call->api->languages;
    json_t *list = json_array();
    struct buf text;

    buf_init(&text, LANGUAGES_TEXT_MAX);
    for (size_t i = 0; i < catalog_count(languages); i++) {
        const struct language *language = catalog_at(languages, i);
        if (language_default(language) == NULL)
            continue;
        json_array_append_new(list, language_item(language));
        language_line(&text, language);
    }
    mcp_call_answer(call, json_pack("{s:[{s:s, s:s}], s:{s:o}}", "content", "type", "text", "text",
                                    text.len > 0 ? text.data : "No language can run now.", "structuredContent",
                                    "languages", list));
    buf_free(&text);
}
