/* The overview: the loop says what runs, the database's thread whose it is and how much room the disk has, and the loop
 * puts it together. */
#include "api/admin.h"

#include "api/admin_warnings.h"
#include "api/answers.h"
#include "api/db_query.h"
#include "base/seam.h"
#include "store/journal.h"
#include "store/record_search.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define ITEMS_MAX 100 /* executions of one answer */

/* Shape. */

#define COUNT(name, meaning) FIELD_OUT(name, FIELD_INTEGER, meaning)

static const struct field execution_list[] = {
    FIELD_OUT("execution_id", FIELD_TEXT, NULL, .schema = FIELD_SCHEMA_UUID),
    FIELD_OUT("key_id", FIELD_TEXT, "whose it is", .nullable = true),
    FIELD_OUT("key_name", FIELD_TEXT, NULL, .nullable = true),
    FIELD_OUT("session_id", FIELD_TEXT, "of its session, or null", .nullable = true),
    FIELD_OUT("language", FIELD_TEXT, "the language's id"),
    FIELD_OUT("version", FIELD_TEXT, "of the language", .nullable = true),
    FIELD_OUT("state", FIELD_CHOICE,
              "waiting: for a slot; placed: for a cell; recording: its program is over, and its record is written",
              .choices = runner_states),
    FIELD_OUT("created_at", FIELD_TEXT, "when it was accepted", .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("started_at", FIELD_TEXT, "null: not yet", .nullable = true, .schema = FIELD_SCHEMA_TIME),
};
static const struct fields overview_execution_fields = FIELDS(execution_list, 0);

static const struct field executions_list[] = {
    COUNT("waiting", "for a slot"),
    COUNT("running", "have a slot"),
    COUNT("background", "were accepted to run in the background, and are not done"),
    COUNT("waiting_most", "CODECELL_QUEUE"),
    COUNT("running_most", "CODECELL_CONCURRENCY"),
    FIELD_OUT("items", FIELD_OBJECTS, "the oldest ones", .inside = &overview_execution_fields),
    FIELD_OUT("more", FIELD_BOOLEAN, "there are further ones"),
};
static const struct fields overview_executions_fields = FIELDS(executions_list, 0);

static const struct field pool_list[] = {
    FIELD_OUT("language", FIELD_TEXT, "the language's id"),
    COUNT("wanted", "idle cells that the pool wants"),
    COUNT("ready", "idle cells, with those that are prewarmed or kept"),
    COUNT("prewarmed", "of the ready ones"),
    COUNT("kept", "of the ready ones: for the key that used them"),
    COUNT("creating", "cells that are being made"),
    COUNT("running", "cells with a program"),
    COUNT("ending", "cells that are being removed"),
};
static const struct fields pool_fields = FIELDS(pool_list, 0);

#define HEALTH_FIELDS                     \
    FIELD_OUT("ok", FIELD_BOOLEAN, NULL), \
        FIELD_OUT("reason", FIELD_TEXT, "null: it is well, or not known", .nullable = true)

static const struct field part_list[] = {HEALTH_FIELDS};
static const struct fields part_fields = FIELDS(part_list, 0);
static const struct field database_list[] = {
    HEALTH_FIELDS,
    FIELD_OUT("seconds", FIELD_NUMBER, "how long it took for its part of this answer"),
    FIELD_OUT("waiting_jobs", FIELD_INTEGER, "jobs that wait for its thread"),
};
static const struct fields database_fields = FIELDS(database_list, 0);
static const struct field isolation_list[] = {
    HEALTH_FIELDS,
    FIELD_OUT("name", FIELD_TEXT, "what parts programs from each other",
              .schema = "{\"enum\": [\"capsule\", \"container\", \"unavailable\"]}"),
};
static const struct fields isolation_fields = FIELDS(isolation_list, 0);
static const struct field disk_list[] = {
    FIELD_OUT("free_mb", FIELD_NUMBER, "of the data directory's disk; null: not known", .nullable = true),
    FIELD_OUT("total_mb", FIELD_NUMBER, "null: not known", .nullable = true),
};
static const struct fields disk_fields = FIELDS(disk_list, 0);

static const struct field health_list[] = {
    FIELD_OUT("database", FIELD_OBJECT, "records can be written", .inside = &database_fields),
    FIELD_OUT("engine", FIELD_OBJECT, "it answers, and cells can be made", .inside = &part_fields),
    FIELD_OUT("languages", FIELD_OBJECT, "at least one can run", .inside = &part_fields),
    FIELD_OUT("isolation", FIELD_OBJECT, "it is the one that the settings ask for", .inside = &isolation_fields),
    FIELD_OUT("disk", FIELD_OBJECT, NULL, .inside = &disk_fields),
    FIELD_OUT("draining", FIELD_BOOLEAN, "the server shuts down"),
};
static const struct fields overview_health_fields = FIELDS(health_list, 0);

static const struct field overview_list[] = {
    FIELD_OUT("version", FIELD_TEXT, "of Codecell"),
    FIELD_OUT("started_at", FIELD_TEXT, "of the server", .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("time", FIELD_TEXT, "of the answer", .schema = FIELD_SCHEMA_TIME),
    COUNT("connections", "open connections of clients"),
    FIELD_OUT("health", FIELD_OBJECT, NULL, .inside = &overview_health_fields),
    FIELD_OUT("executions", FIELD_OBJECT, "of all keys, that are not done", .inside = &overview_executions_fields),
    FIELD_OUT("pool", FIELD_OBJECTS, "the cells of each language that can run", .inside = &pool_fields),
    FIELD_OUT("warnings", FIELD_OBJECTS, "the most urgent first", .inside = &admin_warning_fields),
};
const struct fields admin_overview_fields = FIELDS(overview_list, 0);

/* Of one request. */

struct overview_item {
    int64_t key_row;
    json_t *object;
};

struct overview {
    struct overview_item items[ITEMS_MAX];
    size_t count;
    bool more;
    int64_t background;
    int64_t disk_free, disk_total; /* bytes; -1: not known */
    bool data_dir_open;
    uint64_t asked_ns; /* monotonic: when the database was asked */
};

static void overview_free(void *arg)
{
    struct overview *overview = arg;

    for (size_t i = 0; i < overview->count; i++)
        json_decref(overview->items[i].object);
    free(overview);
}

/* On the loop: what is not done. */

static json_t *view_json(const struct runner_view *view)
{
    json_t *object = json_object();

    json_object_set_new(object, "execution_id", json_string(view->id));
    json_object_set_new(object, "key_id", json_null());
    json_object_set_new(object, "key_name", json_null());
    json_object_set_new(object, "session_id", api_text(view->session_id != NULL ? view->session_id : ""));
    json_object_set_new(object, "language", json_string(view->language));
    json_object_set_new(object, "version", api_text(view->version));
    json_object_set_new(object, "state", json_string(view->state));
    json_object_set_new(object, "created_at", api_time(view->created_ms));
    json_object_set_new(object, "started_at", api_time(view->started_ms));
    return object;
}

static bool add_view(const struct runner_view *view, void *arg)
{
    struct overview *overview = arg;

    overview->more = overview->count == ITEMS_MAX;
    if (overview->more)
        return false;
    overview->items[overview->count++] = (struct overview_item){.key_row = view->key_row, .object = view_json(view)};
    return true;
}

/* On the database's thread. */

static int name_owners(struct db *db, struct overview *overview, struct error *error)
{
    for (size_t i = 0; i < overview->count; i++) {
        struct record_owner owner;
        int found = record_owner_of(db, overview->items[i].key_row, &owner, error);
        if (found < 0)
            return -1;
        if (found == 1) {
            json_object_set_new(overview->items[i].object, "key_id", json_string(owner.id));
            json_object_set_new(overview->items[i].object, "key_name", json_string(owner.name));
        }
    }
    return 0;
}

static void look_at_disk(struct overview *overview, const char *data_dir)
{
    struct statvfs disk;
    struct stat folder;

    overview->disk_free = overview->disk_total = -1;
    if (data_dir != NULL && statvfs(data_dir, &disk) == 0) {
        overview->disk_free = (int64_t)(disk.f_bavail * disk.f_frsize);
        overview->disk_total = (int64_t)(disk.f_blocks * disk.f_frsize);
    }
    overview->data_dir_open = data_dir != NULL && stat(data_dir, &folder) == 0 && (folder.st_mode & 077) != 0;
}

static int overview_work(struct db *db, struct query *query, struct error *error)
{
    struct overview *overview = query->input;

    if (name_owners(db, overview, error) != 0 || journal_open(db, &overview->background, error) != 0)
        return -1;
    look_at_disk(overview, query->api->data_dir);
    return 0;
}

/* On the loop again. */

static json_t *executions_json(struct query *query)
{
    struct overview *overview = query->input;
    struct runner_counts counts = runner_counts(query->api->runner);
    json_t *items = json_array();

    for (size_t i = 0; i < overview->count; i++)
        json_array_append(items, overview->items[i].object);
    return json_pack("{sisisIsIsIsosb}", "waiting", (int)counts.queued, "running", (int)counts.running, "background",
                     (json_int_t)overview->background, "waiting_most", (json_int_t)query->api->queue_max,
                     "running_most", (json_int_t)query->api->concurrency, "items", items, "more", (int)overview->more);
}

static json_t *pool_json(struct api *api)
{
    json_t *list = json_array();

    for (size_t i = 0; i < catalog_count(api->languages); i++) {
        const struct language *language = catalog_at(api->languages, i);
        if (language_default(language) == NULL)
            continue;
        struct runner_cells cells = runner_cells(api->runner, language->id);
        json_array_append_new(
            list, json_pack("{sssisisisisisisi}", "language", language->id, "wanted", (int)cells.target, "ready",
                            (int)cells.ready, "prewarmed", (int)cells.prewarmed, "kept", (int)cells.kept, "creating",
                            (int)cells.creating, "running", (int)cells.running, "ending", (int)cells.ending));
    }
    return list;
}

static void add_languages(struct admin_facts *facts, struct catalog *languages)
{
    for (size_t i = 0; i < catalog_count(languages); i++) {
        const struct language *language = catalog_at(languages, i);
        facts->any_language = facts->any_language || language_default(language) != NULL;
        for (size_t j = 0; j < language->versions_len && facts->languages_len < ADMIN_LANGUAGES_MAX; j++) {
            const struct language_version *version = &language->versions[j];
            if (!version->offered && version->left_out != NULL && strcmp(version->left_out, LANGUAGE_LACKS_IMAGE) != 0)
                facts->languages[facts->languages_len++] = (struct admin_language){
                    .language = language->id, .image = version->image, .reason = version->left_out};
        }
    }
}

static void fill_facts(struct admin_facts *facts, const struct query *query, struct error *trouble)
{
    const struct api *api = query->api;
    const struct overview *overview = query->input;
    struct pool_isolation isolation = runner_isolation(api->runner);

    *facts = (struct admin_facts){.database_fails = store_trouble(api->store, trouble),
                                  .database_reason = trouble->text,
                                  .engine_up = runner_engine_is_up(api->runner),
                                  .can_run = runner_can_run(api->runner),
                                  .draining = api->draining,
                                  .isolation_chosen = isolation.chosen,
                                  .isolation_lacks = isolation.asked && !isolation.capsules,
                                  .isolation_reason = isolation.reason,
                                  .queued = runner_counts(api->runner).queued,
                                  .queue_max = (unsigned)api->queue_max,
                                  .disk_free = overview->disk_free,
                                  .disk_total = overview->disk_total,
                                  .data_dir_open = overview->data_dir_open};
    facts->notices_len = notices_read(facts->notices);
    add_languages(facts, api->languages);
}

static json_t *part_json(bool ok, const char *reason)
{
    return json_pack("{sbss?}", "ok", (int)ok, "reason", ok ? NULL : reason);
}

static json_t *database_json(const struct query *query, const struct admin_facts *facts)
{
    const struct overview *overview = query->input;
    json_t *object = part_json(!facts->database_fails, facts->database_reason);

    json_object_set_new(object, "seconds", api_seconds((int64_t)(seam()->monotonic_ns() - overview->asked_ns)));
    json_object_set_new(object, "waiting_jobs", json_integer(store_queued(query->api->store)));
    return object;
}

static json_t *isolation_json(const struct api *api)
{
    struct pool_isolation isolation = runner_isolation(api->runner);
    bool ok = isolation.chosen && isolation.asked == isolation.capsules;
    json_t *object = part_json(ok, isolation.chosen ? isolation.reason : "it is not chosen yet");

    json_object_set_new(object, "name",
                        json_string(!isolation.chosen    ? "unavailable"
                                    : isolation.capsules ? "capsule"
                                                         : "container"));
    return object;
}

static json_t *overview_health_json(const struct query *query, const struct admin_facts *facts)
{
    const char *engine = !facts->engine_up ? "it does not answer" : "no cell can be made yet";
    json_t *disk = json_object();

    json_object_set_new(disk, "free_mb", api_megabytes(facts->disk_free));
    json_object_set_new(disk, "total_mb", api_megabytes(facts->disk_total));
    return json_pack("{sosososososb}", "database", database_json(query, facts), "engine",
                     part_json(facts->can_run, engine), "languages", part_json(facts->any_language, "none can run"),
                     "isolation", isolation_json(query->api), "disk", disk, "draining", (int)facts->draining);
}

static void overview_answer(struct query *query)
{
    struct api *api = query->api;
    struct admin_facts *facts = calloc(1, sizeof *facts);
    struct error trouble = {.code = ERROR_NONE};
    int64_t now_ms = seam_wall_ms();

    if (facts != NULL) {
        fill_facts(facts, query, &trouble);
        query->value =
            json_pack("{sssososIsosososo}", "version", CODECELL_VERSION, "started_at", api_time(api->started_ms),
                      "time", api_time(now_ms), "connections", (json_int_t)http_server_connections(api->http), "health",
                      overview_health_json(query, facts), "executions", executions_json(query), "pool", pool_json(api),
                      "warnings", admin_warnings(facts, now_ms));
    }
    free(facts);
    query_answer_value(query); /* without a value it says that memory ran out */
}

void api_admin_overview(struct http_exchange *ex)
{
    struct overview *overview = calloc(1, sizeof *overview);
    struct error error;

    if (overview == NULL) {
        error_memory(&error);
        api_respond_error(ex, &error);
        return;
    }
    runner_each(api_of(ex)->runner, add_view, overview);
    struct query *query = query_new(ex, overview_work, overview_answer);
    if (query == NULL) {
        overview_free(overview);
        return;
    }
    query->input = overview;
    query->input_free = overview_free;
    query->job.reader = 0;
    query->job.reads = query->job.proves = true;
    overview->asked_ns = seam()->monotonic_ns();
    query_start(query);
}
