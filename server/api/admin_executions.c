#include "api/admin_executions.h"

#include "api/answers.h"
#include "api/db_query.h"
#include "api/executions.h"
#include "base/text.h"
#include "store/record_search.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The parameters. */

struct list_query {
    const char *key_id, *session_id, *language, *id_prefix; /* NULL: any */
    int status;                                             /* enum record_status; -1: any */
};

static int check_prefix(const struct field_place *place, const struct field *field, const void *value)
{
    const char *text = *(const char *const *)value;
    size_t len = strlen(text);

    if (len < RECORD_SEARCH_PREFIX_MIN || len > UUID_LEN || strspn(text, "0123456789abcdefABCDEF-") != len)
        return field_wrong(place, "%s", field->sentence);
    return 0;
}

static const struct field admin_list[] = {
    {.name = "key",
     .type = FIELD_TEXT,
     .least = KEY_PUBLIC_LEN,
     .most = KEY_PUBLIC_LEN,
     .sentence = "must be a key's id",
     .at = offsetof(struct list_query, key_id),
     .meaning = "only executions of this key, by its id"},
    {.name = "language",
     .type = FIELD_TEXT,
     .most = LANGUAGE_ID_MAX,
     .at = offsetof(struct list_query, language),
     .meaning = "only executions of this language"},
    {.name = "status",
     .type = FIELD_CHOICE,
     .choices = record_status_names,
     .at = offsetof(struct list_query, status),
     .meaning = "only executions of this status"},
    {.name = "session_id",
     .type = FIELD_TEXT,
     .most = SESSION_ID_MAX,
     .at = offsetof(struct list_query, session_id),
     .meaning = "only executions of sessions of this name"},
    {.name = "id",
     .type = FIELD_TEXT,
     .sentence = "must be the first 4 to 36 characters of an execution's id",
     .check = check_prefix,
     .at = offsetof(struct list_query, id_prefix),
     .meaning = "only executions whose id begins so"},
};
const struct fields admin_executions_list_fields = FIELDS(admin_list, sizeof(struct list_query));

static const struct field owner_list[] = {
    FIELD_OUT("key_id", FIELD_TEXT, "of the key that it belongs to"),
    FIELD_OUT("key_name", FIELD_TEXT, NULL),
};
const struct fields admin_owner_fields = FIELDS(owner_list, 0);

/* What outlives the exchange: the parameters, and whose records were found. */
struct search_input {
    struct record_search search;
    char key_id[KEY_PUBLIC_LEN + 1], session_id[SESSION_ID_MAX + 1], language[LANGUAGE_ID_MAX + 1];
    char id_prefix[UUID_LEN + 1];
    struct record_owner owners[]; /* by record, `limit` of them */
};

static const char *keep(char *out, size_t size, const char *text)
{
    if (text == NULL)
        return NULL;
    text_copy(out, size, text);
    return out;
}

static const char *language_id(struct catalog *languages, const char *name)
{
    struct language_version *version;
    const struct language *known = name != NULL ? catalog_find(languages, name, &version) : NULL;

    return known != NULL ? known->id : name;
}

static int read_search(struct query *query, struct search_input *input, struct error *error)
{
    const struct fields_reading reading = {.error = error};
    struct list_query list = {.status = -1};

    if (fields_read_query(&admin_executions_list_fields, page_parameter, query->pending.ex, &reading, &list) != 0)
        return -1;
    query->status = list.status;
    input->search = (struct record_search){
        .key_id = keep(input->key_id, sizeof input->key_id, list.key_id),
        .session_id = keep(input->session_id, sizeof input->session_id, list.session_id),
        .language = keep(input->language, sizeof input->language, language_id(query->api->languages, list.language)),
        .id_prefix = keep(input->id_prefix, sizeof input->id_prefix, list.id_prefix),
        /* The row of an execution that runs says pending. */
        .status = list.status == RECORD_RUNNING ? RECORD_PENDING : list.status,
        .before = query->filter.before,
        .limit = query->filter.limit};
    for (char *at = input->id_prefix; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return 0;
}

/* The search. */

static void found(const struct record *record, const struct record_owner *owner, void *arg)
{
    struct query *query = arg;
    struct search_input *input = query->input;
    struct record copy = *record;

    if (query->count < input->search.limit && query_add_record(query, &copy))
        input->owners[query->count - 1] = *owner;
}

static int search_work(struct db *db, struct query *query, struct error *error)
{
    struct search_input *input = query->input;
    int result = records_search(db, &input->search, found, query, &query->more, error);

    return query->count < input->search.given ? error_memory(error) : result;
}

static json_t *make_found(const struct query *query)
{
    const struct search_input *input = query->input;
    json_t *items = json_array();

    for (size_t i = 0; i < query->count; i++) {
        if (query->status >= 0 && query->status != (int)query->records[i].status)
            continue;
        json_t *item = execution_json(&query->records[i]);
        json_object_set_new(item, "key_id", json_string(input->owners[i].id));
        json_object_set_new(item, "key_name", json_string(input->owners[i].name));
        json_array_append_new(items, item);
    }
    return query_page(query, items);
}

static void search_answer(struct query *query)
{
    executions_put_live(query);
    query_answer_records(query, make_found);
}

void api_admin_executions(struct http_exchange *ex)
{
    struct error error = {.code = ERROR_NONE};
    struct query *query = query_new_list(ex, PAGE_ALL_EXECUTIONS, search_work, search_answer);

    if (query == NULL)
        return;
    struct search_input *input = calloc(1, sizeof *input + query->filter.limit * sizeof *input->owners);
    query->input = input;
    query->input_free = free;
    if (input == NULL || read_search(query, input, &error) != 0) {
        if (input == NULL)
            error_memory(&error);
        query_refuse(query, &error);
        return;
    }
    query_start(query);
}
