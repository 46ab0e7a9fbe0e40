#include "api/kernel_answer.h"

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "run/kernel.h"

#include <string.h>

#define JSON_TYPE "application/json"
#define JSON_SUFFIX "+json"

/* While the report is read. Null: not told yet. */
struct telling {
    json_t *results, *result, *error, *count, *warnings;
    size_t json_left; /* of KERNEL_JSON_VALUES */
};

static void telling_warn(struct telling *telling, json_t *sentence)
{
    json_array_append_new(telling->warnings, sentence);
}

static json_t *text_json(const struct kernel_text *text)
{
    return json_stringn_nocheck(text->data, text->len);
}

/* The beginning of a text, in whole characters. */
static json_t *text_cut(const struct kernel_text *text, size_t most, bool *cut)
{
    size_t len = text->len < most ? text->len : most;

    *cut |= len < text->len;
    return json_stringn_nocheck(text->data, len - text_utf8_tail(text->data, len));
}

/* Results. */

static bool is_json(const struct kernel_text *mime)
{
    size_t suffix = strlen(JSON_SUFFIX);

    return (mime->len == strlen(JSON_TYPE) && memcmp(mime->data, JSON_TYPE, mime->len) == 0) ||
           (mime->len > suffix && memcmp(mime->data + mime->len - suffix, JSON_SUFFIX, suffix) == 0);
}

/* How many values a JSON text has, at most, and how deep they nest. */
static size_t measure_json(const struct kernel_text *text, size_t *depth)
{
    size_t count = 1, open = 0;
    bool quoted = false;

    *depth = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->data[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        if (quoted)
            continue;
        count += c == ',' || c == '[' || c == '{' || c == ':';
        open += c == '[' || c == '{';
        open -= open > 0 && (c == ']' || c == '}');
        *depth = open > *depth ? open : *depth;
    }
    return count;
}

static json_t *leave_out(struct telling *telling, const struct kernel_entry *entry, const char *why)
{
    telling_warn(telling,
                 json_sprintf("results: %.*s is left out, because it %s", (int)entry->mime.len, entry->mime.data, why));
    return NULL;
}

#define TO_TEXT(number) TO_TEXT_OF(number)
#define TO_TEXT_OF(number) #number

/* NULL: it is left out, and a warning says why. */
static json_t *entry_json(struct telling *telling, const struct kernel_entry *entry)
{
    size_t depth, count = measure_json(&entry->data, &depth);
    struct error error;

    if (count > telling->json_left)
        return leave_out(telling, entry, "has more than " TO_TEXT(KERNEL_JSON_VALUES) " values");
    if (depth > KERNEL_JSON_DEPTH)
        return leave_out(telling, entry, "is nested deeper than " TO_TEXT(KERNEL_JSON_DEPTH));
    telling->json_left -= count;
    json_t *value = json_parse(entry->data.data, entry->data.len, &error);
    return value != NULL ? value : leave_out(telling, entry, "is not JSON");
}

static void take_entry(struct telling *telling, json_t *bundle, const struct kernel_entry *entry)
{
    json_t *value = is_json(&entry->mime) ? entry_json(telling, entry) : text_json(&entry->data);

    if (value != NULL)
        json_object_setn_new_nocheck(bundle, entry->mime.data, entry->mime.len, value);
}

static void take_bundle(struct telling *telling, const struct kernel_message *message)
{
    json_t *bundle = json_object();

    for (size_t i = 0; i < message->entries_len; i++)
        take_entry(telling, bundle, &message->entries[i]);
    if (json_object_size(bundle) > 0)
        json_array_append(telling->results, bundle);
    json_decref(bundle);
}

/* The rest. */

static void replace(json_t **place, json_t *value)
{
    json_decref(*place);
    *place = value;
}

static void take_result(struct telling *telling, const struct kernel_message *message)
{
    bool cut = false;

    replace(&telling->result, text_cut(&message->text, KERNEL_RESULT_MAX, &cut));
    if (cut)
        telling_warn(telling, json_sprintf("result: is cut at %zu bytes", KERNEL_RESULT_MAX));
}

static void take_error(struct telling *telling, const struct kernel_message *message)
{
    json_t *error = json_object();
    bool cut = false;

    json_object_set_new(error, "name", text_cut(&message->name, KERNEL_ERROR_NAME_MAX, &cut));
    json_object_set_new(error, "message", text_cut(&message->text, KERNEL_ERROR_TEXT_MAX, &cut));
    json_object_set_new(error, "traceback", text_cut(&message->traceback, KERNEL_ERROR_TEXT_MAX, &cut));
    replace(&telling->error, error);
    if (cut)
        telling_warn(telling, json_sprintf("error: is cut at %u bytes for the name and %u for each other text",
                                           KERNEL_ERROR_NAME_MAX, KERNEL_ERROR_TEXT_MAX));
}

static void take_note(struct telling *telling, const struct kernel_message *message)
{
    bool cut = false;

    telling_warn(telling, text_cut(&message->text, KERNEL_NOTE_MAX, &cut));
}

static void take_message(struct telling *telling, enum kernel_event event, const struct kernel_message *message)
{
    switch (event) {
    case KERNEL_BUNDLE:
        take_bundle(telling, message);
        break;
    case KERNEL_RESULT:
        take_result(telling, message);
        break;
    case KERNEL_ERROR:
        take_error(telling, message);
        break;
    case KERNEL_NOTE:
        take_note(telling, message);
        break;
    case KERNEL_COUNT:
        replace(&telling->count, json_integer(message->count));
        break;
    case KERNEL_BROKEN:
        telling_warn(telling, json_string("results: what the kernel reported is malformed or not whole; the rest of it "
                                          "is left out"));
        break;
    case KERNEL_OVER:
        break;
    }
}

int kernel_answer_add(json_t *value, const struct buf *report, json_t *warnings)
{
    struct kernel_reader reader = {.at = (const uint8_t *)report->data, .left = report->len};
    struct kernel_message message;
    enum kernel_event event;
    struct telling telling = {.results = json_array(),
                              .result = json_null(),
                              .error = json_null(),
                              .count = json_null(),
                              .warnings = warnings,
                              .json_left = KERNEL_JSON_VALUES};

    do {
        event = kernel_read(&reader, &message);
        take_message(&telling, event, &message);
    } while (event != KERNEL_OVER && event != KERNEL_BROKEN);
    int failed = json_object_set_new(value, "results", telling.results) |
                 json_object_set_new(value, "result", telling.result) |
                 json_object_set_new(value, "error", telling.error) |
                 json_object_set_new(value, "execution_count", telling.count);
    return failed != 0 ? -1 : 0;
}
