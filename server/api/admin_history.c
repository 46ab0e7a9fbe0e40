#include "api/admin_history.h"

#include "api/answers.h"
#include "api/api.h"
#include "api/page.h"
#include "base/seam.h"
#include "run/history.h"

#define MINUTE_MS 60000

struct history_query {
    int64_t minutes;
};

static const struct field query_list[] = {
    {.name = "minutes",
     .type = FIELD_INTEGER,
     .least = 1,
     .most = HISTORY_MINUTES,
     .at = offsetof(struct history_query, minutes),
     .fallback = "60",
     .meaning = "how many minutes, with the current one"},
};
const struct fields admin_history_query_fields = FIELDS(query_list, sizeof(struct history_query));

/* Shape. */

#define FIGURES                                                                                                     \
    FIELD_OUT("executions", FIELD_INTEGER, "that have ended"),                                                      \
        FIELD_OUT("completed", FIELD_INTEGER, "with exit code 0"),                                                  \
        FIELD_OUT("failed", FIELD_INTEGER, "with another one, out of memory, or they did not compile"),             \
        FIELD_OUT("timed_out", FIELD_INTEGER, NULL), FIELD_OUT("cancelled", FIELD_INTEGER, NULL),                   \
        FIELD_OUT("errors", FIELD_INTEGER, "the server could not run them"),                                        \
        FIELD_OUT("p50_seconds", FIELD_NUMBER, "from acceptance to the end; half took at most as long; null: none", \
                  .nullable = true),                                                                                \
        FIELD_OUT("p95_seconds", FIELD_NUMBER, "19 of 20 took at most as long", .nullable = true)

static const struct field all_list[] = {FIGURES};
static const struct fields all_fields = FIELDS(all_list, 0);
static const struct field language_list[] = {FIELD_OUT("language", FIELD_TEXT, "the language's id"), FIGURES};
static const struct fields language_figures_fields = FIELDS(language_list, 0);
static const struct field requests_list[] = {
    FIELD_OUT("answered", FIELD_INTEGER, "with a status below 400"),
    FIELD_OUT("turned_away", FIELD_INTEGER, "with 400 to 499"),
    FIELD_OUT("errors", FIELD_INTEGER, "with 500 and above"),
};
static const struct fields requests_fields = FIELDS(requests_list, 0);
static const struct field minute_list[] = {
    FIELD_OUT("time", FIELD_TEXT, "when it began", .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("requests", FIELD_OBJECT, "over HTTP, of all kinds", .inside = &requests_fields),
    FIELD_OUT("all", FIELD_OBJECT, "executions of all languages", .inside = &all_fields),
    FIELD_OUT("languages", FIELD_OBJECTS, "those with executions in it", .inside = &language_figures_fields),
};
static const struct fields minute_fields = FIELDS(minute_list, 0);
static const struct field history_list[] = {
    FIELD_OUT("requests", FIELD_OBJECT, "in all these minutes", .inside = &requests_fields),
    FIELD_OUT("all", FIELD_OBJECT, "in all these minutes", .inside = &all_fields),
    FIELD_OUT("languages", FIELD_OBJECTS, "in all these minutes", .inside = &language_figures_fields),
    FIELD_OUT("minutes", FIELD_OBJECTS, "the oldest first; the last one is not over", .inside = &minute_fields),
};
const struct fields admin_history_fields = FIELDS(history_list, 0);

/* The answer. */

static json_t *figures_json(const struct history_figures *figures, const char *language)
{
    json_t *object = json_object();

    if (language != NULL)
        json_object_set_new(object, "language", json_string(language));
    json_object_set_new(object, "executions", json_integer((json_int_t)figures->executions));
    json_object_set_new(object, "completed", json_integer((json_int_t)figures->ends[HISTORY_COMPLETED]));
    json_object_set_new(object, "failed", json_integer((json_int_t)figures->ends[HISTORY_FAILED]));
    json_object_set_new(object, "timed_out", json_integer((json_int_t)figures->ends[HISTORY_TIMED_OUT]));
    json_object_set_new(object, "cancelled", json_integer((json_int_t)figures->ends[HISTORY_CANCELLED]));
    json_object_set_new(object, "errors", json_integer((json_int_t)figures->ends[HISTORY_ERROR]));
    json_object_set_new(object, "p50_seconds", api_seconds(figures->p50_ns));
    json_object_set_new(object, "p95_seconds", api_seconds(figures->p95_ns));
    return object;
}

static json_t *requests_json(const struct history_figures *figures)
{
    return json_pack("{sIsIsI}", "answered", (json_int_t)figures->answers[HISTORY_ANSWERED], "turned_away",
                     (json_int_t)figures->answers[HISTORY_TURNED_AWAY], "errors",
                     (json_int_t)figures->answers[HISTORY_SERVER_ERROR]);
}

/* Puts what these minutes were like into the object. */
static void put_minutes(json_t *object, const struct history *history, int64_t now_ms, unsigned back, unsigned minutes)
{
    struct history_figures figures;
    json_t *languages = json_array();

    history_sum(history, now_ms, back, minutes, HISTORY_ALL, &figures);
    json_object_set_new(object, "requests", requests_json(&figures));
    json_object_set_new(object, "all", figures_json(&figures, NULL));
    for (size_t i = 0; figures.executions > 0 && i < history_languages(history); i++) {
        struct history_figures one;
        history_sum(history, now_ms, back, minutes, i, &one);
        if (one.executions > 0)
            json_array_append_new(languages, figures_json(&one, history_language(history, i)));
    }
    json_object_set_new(object, "languages", languages);
}

static json_t *history_json(const struct history *history, int64_t now_ms, unsigned minutes)
{
    json_t *object = json_object(), *list = json_array();

    put_minutes(object, history, now_ms, 0, minutes);
    for (unsigned back = minutes; back-- > 0;) {
        json_t *minute = json_object();
        json_object_set_new(minute, "time", api_time((now_ms / MINUTE_MS - back) * MINUTE_MS));
        put_minutes(minute, history, now_ms, back, 1);
        json_array_append_new(list, minute);
    }
    json_object_set_new(object, "minutes", list);
    return object;
}

void api_admin_history(struct http_exchange *ex)
{
    struct error error = {.code = ERROR_NONE};
    const struct fields_reading reading = {.error = &error};
    struct history_query query = {.minutes = HISTORY_MINUTES};

    if (fields_read_query(&admin_history_query_fields, page_parameter, ex, &reading, &query) != 0)
        api_respond_error(ex, &error);
    else
        api_respond(ex, 200, history_json(api_of(ex)->history, seam_wall_ms(), (unsigned)query.minutes));
}
