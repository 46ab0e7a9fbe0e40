#include "store/records_fixture.h"

void check(int result, const struct error *error)
{
    if (result < 0)
        fail_msg("%s", error->text);
}

int64_t new_key(struct db *db)
{
    char text[KEY_TEXT_LEN + 1];
    return fixture_key(db, text).row;
}

struct record pending(int64_t key, const char *session, const char *language)
{
    struct record record = {.key_row = key,
                            .created_ms = NOW_MS,
                            .execution_ns = -1,
                            .queue_ns = -1,
                            .cpu_ns = -1,
                            .memory_bytes = -1,
                            .code_bytes = 12};
    text_uuid(record.id);
    snprintf(record.session_id, sizeof(record.session_id), "%s", session);
    snprintf(record.language, sizeof(record.language), "%s", language);
    strcpy(record.version, "3.11.2");
    return record;
}

struct record insert(struct db *db, int64_t key, const char *session, const char *language)
{
    struct error error = {0};
    struct record record = pending(key, session, language);
    check(records_insert(db, &record, &error), &error);
    return record;
}

void finish(struct db *db, struct record *record, enum record_status status)
{
    struct error error = {0};
    record->status = status;
    record->ended_by_itself = true;
    record->exit_code = status == RECORD_COMPLETED ? 0 : 3;
    record->started_ms = record->created_ms + 2;
    record->completed_ms = record->created_ms + 10;
    record->execution_ns = 7000000;
    record->queue_ns = 2000000;
    record->cpu_ns = 5000000;
    record->memory_bytes = 9000000;
    record->stdout_bytes = 6;
    record->stderr_bytes = 0;
    check(records_finish(db, record, &error), &error);
}

struct record get(struct db *db, int64_t key, const char *id)
{
    struct error error = {0};
    struct record record = {0};
    check(records_get(db, key, id, &record, &error), &error);
    return record;
}

void assert_no_record(struct db *db, int64_t key, const char *id)
{
    struct error error = {0};
    struct record record;
    assert_int_equal(records_get(db, key, id, &record, &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_string_equal(error.text, "Execution not found");
}

struct session session_of(struct db *db, int64_t key, const char *id)
{
    struct error error = {0};
    struct session session = {.executions = -1};
    check(sessions_get(db, key, id, &session, &error), &error);
    return session;
}

void assert_no_session(struct db *db, int64_t key, const char *id)
{
    struct error error = {0};
    struct session session;
    assert_int_equal(sessions_get(db, key, id, &session, &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_string_equal(error.text, "Session not found");
}

long purge(struct db *db)
{
    struct error error = {0};
    long gone, all = 0;
    while ((gone = records_purge(db, &error)) > 0)
        all += gone;
    check((int)gone, &error);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM purges"), 0);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM sessions WHERE removed"), 0);
    return all;
}

int64_t rows(struct db *db)
{
    return fixture_number(db, "SELECT count(*) FROM executions");
}

bool add_record(struct record *record, void *arg)
{
    struct page *page = arg;
    assert_true(page->last == 0 || record->sequence < page->last);
    memcpy(page->ids[page->count++], record->id, sizeof(record->id));
    page->last = record->sequence;
    return true;
}

struct page list(struct db *db, struct record_filter filter)
{
    struct error error = {0};
    struct page page = {0};
    int result;
    do {
        result = records_list(db, &filter, add_record, &page, &page.more, &error);
        check(result, &error);
        page.slices++;
    } while (result == STORE_MORE);
    return page;
}

void add_session(const struct session *session, void *arg)
{
    struct page *page = arg;
    assert_true(page->last == 0 || session->sequence < page->last);
    snprintf(page->ids[page->count++], sizeof(page->ids[0]), "%.36s", session->id);
    page->last = session->sequence;
}

int count_sessions(struct db *db, int64_t key)
{
    struct error error = {0};
    struct page page = {0};
    check(sessions_list(db, key, 0, 200, add_session, &page, &page.more, &error), &error);
    return page.count;
}
