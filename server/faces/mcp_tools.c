#include "faces/mcp_tools.h"

#include "api/execute_answer.h"
#include "base/fields_schema.h"
#include "base/json_scan.h"
#include "faces/mcp_call.h"

#include <string.h>

#define LIST_TTL_MS 60000 /* a modern client may keep the list; languages come when their images are known */

static void list_languages(struct mcp_call *call);

/* What the results hold. */

static const struct field language_out_list[] = {
    FIELD_OUT("id", FIELD_TEXT, "for execute_code"),         FIELD_OUT("name", FIELD_TEXT, NULL),
    FIELD_OUT("version", FIELD_TEXT, "the default version"), FIELD_OUT("versions", FIELD_TEXTS, "all versions"),
    FIELD_OUT("aliases", FIELD_TEXTS, "other names for it"),
};
static const struct fields language_out = FIELDS(language_out_list, 0);
static const struct field languages_out_list[] = {
    FIELD_OUT("languages", FIELD_OBJECTS, NULL, .inside = &language_out),
};
static const struct fields languages_out = FIELDS(languages_out_list, 0);

static const struct fields no_fields = {.list = NULL};

static const struct mcp_tool tools[] = {
    {.name = "execute_code",
     .title = "Run a program",
     .description = "Runs a program in a container without network, and returns what it wrote and how it ended. "
                    "Nothing is kept between calls: send all code, files and input that a program needs. Print what "
                    "you want to see.",
     .input = &execute_fields,
     .output = &execute_answer_fields,
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

/* A model should always name the language, although the call's session might have one. A schema may not have an empty
 * list of values. */
static void name_languages(json_t *schema, struct catalog *languages)
{
    json_t *field = json_object_get(json_object_get(schema, "properties"), "language");
    json_t *ids = offered_ids(languages);

    if (field != NULL)
        json_array_append_new(json_object_get(schema, "required"), json_string("language"));
    if (field != NULL && json_array_size(ids) > 0)
        json_object_set(field, "enum", ids);
    json_decref(ids);
}

static json_t *tool_json(const struct mcp_tool *tool, struct catalog *languages, const int64_t *bounds)
{
    const struct fields_schema_way way = {.bounds = bounds};
    json_t *input = fields_schema(tool->input, &way);

    name_languages(input, languages);
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:{s:s, s:b, s:b, s:b, s:b}}", "name", tool->name, "title", tool->title,
                     "description", tool->description, "inputSchema", input, "outputSchema",
                     fields_schema(tool->output, &way), "annotations", "title", tool->title, "readOnlyHint",
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
