#include "api/usage.h"

#include "api/answers.h"
#include "api/db_query.h"
#include "base/seam.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Days. */

int usage_parse_day(const char *text, int64_t *day)
{
    char time[TIME_LEN + 1];
    int64_t ms;

    if (strlen(text) != USAGE_DAY_LEN)
        return -1;
    snprintf(time, sizeof time, "%sT00:00:00Z", text);
    if (text_parse_time(time, &ms) != 0)
        return -1;
    *day = usage_day(ms);
    return 0;
}

void usage_day_text(int64_t day, char out[USAGE_DAY_LEN + 1])
{
    char time[TIME_LEN + 1];

    text_time(day * USAGE_DAY_MS, time);
    text_copy(out, USAGE_DAY_LEN + 1, time);
}

/* The query. */

static int check_day(const struct field_place *place, const struct field *field, const void *value)
{
    int64_t day;

    return usage_parse_day(*(const char *const *)value, &day) == 0 ? 0 : field_wrong(place, "%s", field->sentence);
}

static const char *const by_words[] = {[USAGE_BY_DAY] = "day", [USAGE_BY_LANGUAGE] = "language", NULL};

static const struct field usage_list[] = {
    {.name = "from",
     .type = FIELD_TEXT,
     .sentence = "must be a day such as 2026-01-31",
     .check = check_day,
     .at = offsetof(struct usage_query, from_text),
     .meaning = "the first day, in UTC",
     .schema = FIELD_SCHEMA_DAY},
    {.name = "to",
     .type = FIELD_TEXT,
     .sentence = "must be a day such as 2026-01-31",
     .check = check_day,
     .at = offsetof(struct usage_query, to_text),
     .meaning = "the last day, in UTC",
     .schema = FIELD_SCHEMA_DAY},
    {.name = "by",
     .type = FIELD_CHOICE,
     .choices = by_words,
     .at = offsetof(struct usage_query, by),
     .fallback = "\"day\"",
     .meaning = "what an item stands for"},
    {.name = "key",
     .type = FIELD_TEXT,
     .least = KEY_PUBLIC_LEN,
     .most = KEY_PUBLIC_LEN,
     .sentence = "must be a key's id",
     .at = offsetof(struct usage_query, key_id),
     .meaning = "another key's id, for keys with the scope admin"},
};
const struct fields usage_fields = FIELDS(usage_list, sizeof(struct usage_query));

int usage_settle(struct usage_query *query, int64_t today, struct error *error)
{
    query->to = today;
    if (query->to_text != NULL)
        (void)usage_parse_day(query->to_text, &query->to);
    query->from = query->to - USAGE_DAYS_DEFAULT + 1;
    if (query->from_text != NULL)
        (void)usage_parse_day(query->from_text, &query->from);
    if (query->from > query->to)
        return error_set(error, ERROR_INVALID, "from: must not be after to");
    if (query->to - query->from >= USAGE_DAYS_MAX)
        return error_set(error, ERROR_INVALID, "from: must be at most %d days before to", USAGE_DAYS_MAX - 1);
    return 0;
}

static bool is_another_key(const struct usage_query *query, const struct key *caller)
{
    return query->key_id != NULL && strcmp(query->key_id, caller->id) != 0;
}

static int read_usage_query(struct usage_query *query, const struct http_exchange *ex, struct error *error)
{
    const struct fields_reading reading = {.error = error};
    const struct key *caller = &api_caller(ex)->key;

    *query = (struct usage_query){.by = USAGE_BY_DAY};
    if (fields_read_query(&usage_fields, page_parameter, ex, &reading, query) != 0 ||
        usage_settle(query, usage_day(seam_wall_ms()), error) != 0)
        return -1;
    if (is_another_key(query, caller) && (caller->scopes & KEY_ADMIN) == 0)
        return error_set(error, ERROR_FORBIDDEN, "This key may not read another key's usage");
    return 0;
}

/* The answer. */

struct usage_input {
    struct usage_query query; /* its texts are the exchange's, and may be gone */
    char key_id[KEY_PUBLIC_LEN + 1];
    json_t *items;
    struct usage total;
};

#define USAGE_FIGURES                                                                                         \
    FIELD_OUT("executions", FIELD_INTEGER, "executions that have ended"),                                     \
        FIELD_OUT("completed", FIELD_INTEGER, "of these, with exit code 0"),                                  \
        FIELD_OUT("credits", FIELD_INTEGER, "prepaid credits that were taken"),                               \
        FIELD_OUT("execution_time", FIELD_NUMBER, "seconds"), FIELD_OUT("cpu_time", FIELD_NUMBER, "seconds"), \
        FIELD_OUT("output_bytes", FIELD_INTEGER, "bytes of stdout and stderr")

static const struct field total_list[] = {USAGE_FIGURES};
static const struct fields total_fields = FIELDS(total_list, 0);
static const struct field item_list[] = {
    FIELD_OUT_MAYBE("day", FIELD_TEXT, "if items stand for days", .schema = FIELD_SCHEMA_DAY),
    FIELD_OUT_MAYBE("language", FIELD_TEXT, "if items stand for languages"),
    USAGE_FIGURES,
};
static const struct fields item_fields = FIELDS(item_list, 0);

static const struct field usage_answer_list[] = {
    FIELD_OUT("key_id", FIELD_TEXT, "of the key"),
    FIELD_OUT("from", FIELD_TEXT, "the first day, in UTC", .schema = FIELD_SCHEMA_DAY),
    FIELD_OUT("to", FIELD_TEXT, "the last day, in UTC", .schema = FIELD_SCHEMA_DAY),
    FIELD_OUT("by", FIELD_CHOICE, "what an item stands for", .choices = by_words),
    FIELD_OUT("total", FIELD_OBJECT, "the sum of all items", .inside = &total_fields),
    FIELD_OUT("items", FIELD_OBJECTS, NULL, .inside = &item_fields),
    FIELD_OUT("next_cursor", FIELD_ANY, "all items are on one page", .schema = "{\"type\": \"null\"}"),
};
const struct fields usage_answer_fields = FIELDS(usage_answer_list, 0);

static void set_usage(json_t *object, const struct usage *usage)
{
    json_object_set_new(object, "executions", json_integer(usage->executions));
    json_object_set_new(object, "completed", json_integer(usage->completed));
    json_object_set_new(object, "credits", json_integer(usage->credits));
    json_object_set_new(object, "execution_time", api_seconds(usage->execution_ns));
    json_object_set_new(object, "cpu_time", api_seconds(usage->cpu_ns));
    json_object_set_new(object, "output_bytes", json_integer(usage->output_bytes));
}

static json_t *usage_day_json(int64_t day)
{
    char text[USAGE_DAY_LEN + 1];

    usage_day_text(day, text);
    return json_string(text);
}

static void add_usage(const struct usage_item *item, void *arg)
{
    struct usage_input *input = arg;
    struct usage *total = &input->total;
    json_t *object = json_object();

    if (input->query.by == USAGE_BY_DAY)
        json_object_set_new(object, "day", usage_day_json(item->day));
    else
        json_object_set_new(object, "language", json_string(item->language));
    set_usage(object, &item->usage);
    json_array_append_new(input->items, object);
    total->executions += item->usage.executions;
    total->completed += item->usage.completed;
    total->credits += item->usage.credits;
    total->execution_ns += item->usage.execution_ns;
    total->cpu_ns += item->usage.cpu_ns;
    total->output_bytes += item->usage.output_bytes;
}

/* All items are on one page. */
static json_t *usage_json(struct usage_input *input)
{
    json_t *object = json_object(), *total = json_object();

    json_object_set_new(object, "key_id", json_string(input->key_id));
    json_object_set_new(object, "from", usage_day_json(input->query.from));
    json_object_set_new(object, "to", usage_day_json(input->query.to));
    json_object_set_new(object, "by", json_string(by_words[input->query.by]));
    set_usage(total, &input->total);
    json_object_set_new(object, "total", total);
    json_object_set(object, "items", input->items);
    json_object_set_new(object, "next_cursor", json_null());
    return object;
}

static int read_usage(struct db *db, struct query *query, struct error *error)
{
    struct usage_input *input = query->input;
    const struct usage_query *asked = &input->query;
    struct key key;

    if (keys_get(db, input->key_id, &key, error) != 0 ||
        usage_sum(db, key.row, asked->from, asked->to, (enum usage_by)asked->by, add_usage, input, error) != 0)
        return -1;
    query->value = usage_json(input);
    return 0;
}

static void usage_input_free(void *arg)
{
    struct usage_input *input = arg;

    json_decref(input->items);
    free(input);
}

/* NULL: out of memory. */
static struct usage_input *usage_input_new(const struct usage_query *asked, const struct key *caller)
{
    struct usage_input *input = calloc(1, sizeof *input);

    if (input == NULL)
        return NULL;
    input->query = *asked;
    input->items = json_array();
    text_copy(input->key_id, sizeof input->key_id, asked->key_id != NULL ? asked->key_id : caller->id);
    return input;
}

void api_usage(struct http_exchange *ex)
{
    struct usage_query asked;
    struct error error;

    if (read_usage_query(&asked, ex, &error) != 0) {
        api_respond_error(ex, &error);
        return;
    }
    struct query *query = query_new(ex, read_usage, query_answer_value);
    if (query == NULL)
        return;
    query->input = usage_input_new(&asked, &api_caller(ex)->key);
    query->input_free = usage_input_free;
    error_memory(&error);
    if (query->input != NULL)
        query_start(query);
    else
        query_refuse(query, &error);
}
