/* A workspace's row: what is saved is what is read, also what became of its kernel. */
#include "store/records_fixture.h"

#include "store/workspaces.h"

static struct workspace_row workspace_of(struct db *db, int64_t key, const char *session)
{
    struct error error = {0};
    struct workspace_row row;

    check(workspaces_of_session(db, session_of(db, key, session).sequence, &row, &error), &error);
    return row;
}

static void create(struct db *db, int64_t key, const char *id)
{
    struct error error = {0};

    check(sessions_create(db, key, id, &(struct session_plan){.ttl_ms = 60000, .workspace = true, .workspaces_max = 2},
                          &error),
          &error);
}

static void what_is_saved_is_read(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);

    create(db, key, "s");
    struct workspace_row row = workspace_of(db, key, "s");
    assert_true(row.row != 0);
    assert_int_equal(row.kernel, WORKSPACE_KERNEL_NONE);
    for (enum workspace_kernel kernel = 0; kernel < WORKSPACE_KERNELS; kernel++) {
        row.kernel = kernel;
        row.bytes = 5 + (int64_t)kernel;
        text_copy(row.language, sizeof row.language, "python");
        text_copy(row.reason, sizeof row.reason, kernel > 0 ? "why" : "");
        check(workspaces_save(db, &row, &error), &error);
        struct workspace_row got = workspace_of(db, key, "s");
        assert_int_equal(got.kernel, kernel);
        assert_int_equal(got.bytes, row.bytes);
        assert_string_equal(got.language, "python");
        assert_string_equal(got.reason, row.reason);
    }
}

static void one_that_is_gone_is_not_saved(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    int64_t key = new_key(db);

    create(db, key, "s");
    struct workspace_row row = workspace_of(db, key, "s"), orphan;
    assert_int_equal(workspaces_take_orphan(db, &orphan, &error), 0);
    while (sessions_delete(db, key, "s", &error) > 0)
        ;
    assert_int_equal(workspaces_save(db, &row, &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_int_equal(workspaces_take_orphan(db, &orphan, &error), 1);
    assert_int_equal(orphan.row, row.row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(what_is_saved_is_read),
        fixture_test(one_that_is_gone_is_not_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
