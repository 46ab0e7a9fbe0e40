#include "api/keys.h"

#include "api/answers.h"
#include "api/db_query.h"
#include "api/key_form.h"
#include "base/log.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* What the database's thread needs of a request, and what the log says of it. */
struct key_input {
    struct key_change change;
    struct key key;   /* the usual values of a new key; afterwards the key as it is */
    json_t *warnings; /* until they are in the answer */
    char by[KEY_PUBLIC_LEN + 1];
};

/* Shape. */

static json_t *key_scopes_json(unsigned scopes)
{
    json_t *list = json_array();

    for (size_t i = 0; key_scope_names[i] != NULL; i++)
        if ((scopes & key_scope_named(key_scope_names[i])) != 0)
            json_array_append_new(list, json_string(key_scope_names[i]));
    return list;
}

static const struct field key_list[] = {
    FIELD_OUT("key_id", FIELD_TEXT, NULL),
    FIELD_OUT("name", FIELD_TEXT, "what people call the key"),
    FIELD_OUT("scopes", FIELD_TEXTS, "of execute, read and admin"),
    FIELD_OUT("rate_per_minute", FIELD_INTEGER, "requests a minute, and the burst"),
    FIELD_OUT("credits", FIELD_INTEGER, "prepaid credits that are left; null: they are not counted", .nullable = true),
    FIELD_OUT("max_timeout", FIELD_INTEGER, "seconds; null: the server's maximum", .nullable = true),
    FIELD_OUT("reuse", FIELD_CHOICE, "null: as the server's setting says", .choices = key_reuse_choices,
              .nullable = true),
    FIELD_OUT("face", FIELD_TEXT, "the face that it counts for alone", .nullable = true),
    FIELD_OUT("created_at", FIELD_TEXT, NULL, .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("expires_at", FIELD_TEXT, "null: never", .nullable = true, .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("revoked_at", FIELD_TEXT, "null: it counts", .nullable = true, .schema = FIELD_SCHEMA_TIME),
};
const struct fields key_fields = FIELDS(key_list, 0);

static json_t *key_json(const struct key *key)
{
    json_t *object = json_object();

    json_object_set_new(object, "key_id", json_string(key->id));
    json_object_set_new(object, "name", json_string(key->name));
    json_object_set_new(object, "scopes", key_scopes_json(key->scopes));
    json_object_set_new(object, "rate_per_minute", json_integer(key->rate_per_minute));
    json_object_set_new(object, "credits", key->credits >= 0 ? json_integer(key->credits) : json_null());
    json_object_set_new(object, "max_timeout", key->max_timeout > 0 ? json_integer(key->max_timeout) : json_null());
    json_object_set_new(object, "reuse",
                        key->reuse != KEY_REUSE_INHERIT ? json_string(key_reuse_text(key->reuse)) : json_null());
    json_object_set_new(object, "face", api_text(key->face));
    json_object_set_new(object, "created_at", api_time(key->created_ms));
    json_object_set_new(object, "expires_at", api_time(key->expires_ms));
    json_object_set_new(object, "revoked_at", api_time(key->revoked_ms));
    return object;
}

/* The answer to a request with a body. */
static json_t *key_json_with_warnings(struct key_input *input)
{
    json_t *object = key_json(&input->key);

    json_object_set_new(object, "warnings", input->warnings);
    input->warnings = NULL;
    return object;
}

/* Requests with a body. */

static void key_input_free(void *arg)
{
    struct key_input *input = arg;

    json_decref(input->warnings);
    free(input);
}

/* Reads the body into `input`. */
static int read_key_input(struct key_input *input, const struct http_exchange *ex, struct error *error)
{
    struct form form;
    int result = key_form_read(&form, ex, &input->change, error);

    text_copy(input->by, sizeof input->by, api_caller(ex)->key.id);
    input->warnings = form_take_warnings(&form);
    form_free(&form);
    return result;
}

static int make_key_input(struct key_input *input, const struct http_exchange *ex, struct error *error)
{
    input->key = (struct key){.scopes = KEY_EXECUTE | KEY_READ,
                              .rate_per_minute = api_of(ex)->rate,
                              .credits = -1,
                              .reuse = KEY_REUSE_INHERIT};
    return read_key_input(input, ex, error) == 0 ? key_form_make(&input->key, &input->change, error) : -1;
}

/* A query that writes, with its input. NULL: it was answered. */
static struct query *
new_key_query(struct http_exchange *ex,
              int (*read)(struct key_input *input, const struct http_exchange *ex, struct error *error),
              int (*work)(struct db *db, struct query *query, struct error *error), void (*answer)(struct query *query))
{
    struct key_input *input = calloc(1, sizeof *input);
    struct error error;

    error_memory(&error);
    if (input == NULL || read(input, ex, &error) != 0) {
        if (input != NULL)
            key_input_free(input);
        api_respond_error(ex, &error);
        return NULL;
    }
    struct query *query = query_new(ex, work, answer);
    if (query == NULL) {
        key_input_free(input);
        return NULL;
    }
    query->input = input;
    query->input_free = key_input_free;
    query->job.reader = 0; /* it writes, and is short */
    return query;
}

/* What was done with the key, and by which key. */
static void log_key(const char *event, const struct key_input *input)
{
    char scopes[32];

    key_scopes_text(input->key.scopes, scopes);
    log_event(LOG_INFO, event, LOG_STR("key", input->key.id), LOG_STR("name", input->key.name),
              LOG_STR("scopes", scopes), LOG_STR("by", input->by));
}

/* Making one. */

static int create_key(struct db *db, struct query *query, struct error *error)
{
    struct key_input *input = query->input;
    char text[KEY_TEXT_LEN + 1];

    if (keys_create(db, &input->key, text, error) != 0)
        return -1;
    query->value = key_json_with_warnings(input);
    json_object_set_new(query->value, "key", json_string(text));
    OPENSSL_cleanse(text, sizeof text);
    return 0;
}

static void answer_created(struct query *query)
{
    const struct key_input *input = query->input;

    log_key("key.created", input);
    http_header_add(query->pending.ex, "Location", "/api/v1/keys/%s", input->key.id);
    http_header_add(query->pending.ex, "Cache-Control", "no-store");
    query->code = 201;
    query_answer_value(query);
}

void api_keys_create(struct http_exchange *ex)
{
    struct query *query = new_key_query(ex, make_key_input, create_key, answer_created);

    if (query != NULL)
        query_start(query);
}

/* Reading. */

static void add_key(const struct key *key, void *arg)
{
    query_add(arg, key_json(key), key->row);
}

static int list_keys(struct db *db, struct query *query, struct error *error)
{
    return keys_list(db, query->filter.before, query->filter.limit, add_key, query, &query->more, error);
}

void api_keys_list(struct http_exchange *ex)
{
    struct query *query = query_new_list(ex, PAGE_KEYS, list_keys, query_answer_page);

    if (query != NULL)
        query_start(query);
}

static int read_key(struct db *db, struct query *query, struct error *error)
{
    struct key key;

    if (keys_get(db, query->id, &key, error) != 0)
        return -1;
    query->value = key_json(&key);
    return 0;
}

void api_keys_get(struct http_exchange *ex)
{
    struct query *query = query_new(ex, read_key, query_answer_value);

    if (query != NULL)
        query_start(query);
}

/* Changing. */

static int change_key(struct db *db, struct query *query, struct error *error)
{
    struct key_input *input = query->input;

    if (keys_change(db, query->id, &input->change, &input->key, error) != 0)
        return -1;
    query->value = key_json_with_warnings(input);
    return 0;
}

static void answer_changed(struct query *query)
{
    log_key("key.changed", query->input);
    query_answer_value(query);
}

void api_keys_change(struct http_exchange *ex)
{
    struct query *query = new_key_query(ex, read_key_input, change_key, answer_changed);

    if (query != NULL)
        query_start(query);
}

/* Revoking. */

static int revoke_key(struct db *db, struct query *query, struct error *error)
{
    struct key_input *input = query->input;

    if (keys_revoke(db, query->id, error) != 0 || keys_get(db, query->id, &input->key, error) != 0)
        return -1;
    query->value = json_pack("{so}", "message", json_sprintf("Key %s revoked", input->key.id));
    return 0;
}

static void answer_revoked(struct query *query)
{
    log_key("key.revoked", query->input);
    query_answer_value(query);
}

static int read_nothing(struct key_input *input, const struct http_exchange *ex, struct error *error)
{
    (void)error;
    text_copy(input->by, sizeof input->by, api_caller(ex)->key.id);
    return 0;
}

void api_keys_revoke(struct http_exchange *ex)
{
    struct query *query = new_key_query(ex, read_nothing, revoke_key, answer_revoked);

    if (query != NULL)
        query_start(query);
}
