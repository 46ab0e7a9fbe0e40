/* What a workspace knows of its row: whoever enters may have read the row long ago, and what is written is read by
 * whoever looks next. A real store in a folder of its own; no use wants a cell. */
#include "run/workspace_private.h"

#include "base/text.h"
#include "store/keys.h"
#include "store/sessions.h"
#include "unit.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stage {
    char dir[64];
    uv_loop_t loop;
    struct store *store;
    struct workspaces *all;
    struct workspace_plan plan; /* of a workspace as it was made */
    bool closed;
};

static struct stage stage;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static struct workspace_row row_of(struct db *db, int64_t key_row)
{
    struct error error = {0};
    struct session session;

    assert_int_equal(sessions_get(db, key_row, "s", &session, &error), 0);
    struct workspace_row row = session.workspace;
    session_clear(&session);
    return row;
}

static void fill(void)
{
    struct key key = {.name = "test", .scopes = KEY_EXECUTE, .rate_per_minute = 100, .credits = -1};
    struct session_plan plan = {.ttl_ms = 3600000, .workspace = true, .workspaces_max = 1};
    struct error error = {0};
    char text[KEY_TEXT_LEN + 1];
    struct db *db;

    assert_int_equal(db_open(&db, stage.dir, &error), 0);
    assert_int_equal(keys_create(db, &key, text, &error), 0);
    assert_int_equal(sessions_create(db, key.row, "s", &plan, &error), 0);
    stage.plan = (struct workspace_plan){.row = row_of(db, key.row), .session_id = "s"};
    db_close(db);
}

static int setup(void **state)
{
    struct error error = {0};

    (void)state;
    memset(&stage, 0, sizeof stage);
    strcpy(stage.dir, "/tmp/codecell-row-XXXXXX");
    assert_non_null(mkdtemp(stage.dir));
    fill();
    assert_int_equal(uv_loop_init(&stage.loop), 0);
    assert_int_equal(store_open(&stage.store, &stage.loop, stage.dir, &error), 0);
    const struct workspaces_options options = {
        .store = stage.store, .data_dir = stage.dir, .stored_max = 1 << 20, .awake_max = 1};
    assert_int_equal(workspaces_open(&stage.all, &stage.loop, &options, &error), 0);
    return 0;
}

static void on_store_closed(void *arg)
{
    (void)arg;
    stage.closed = true;
}

static void on_all_closed(void *arg)
{
    (void)arg;
    store_close(stage.store, on_store_closed, NULL);
}

static int teardown(void **state)
{
    (void)state;
    workspaces_close(stage.all, 10000, on_all_closed, NULL);
    uv_run(&stage.loop, UV_RUN_DEFAULT);
    assert_true(stage.closed);
    workspaces_free(stage.all);
    assert_int_equal(uv_loop_close(&stage.loop), 0);
    return nftw(stage.dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* A use that leaves as soon as it has its turn, and notes what the workspace knew then. */
struct visit {
    struct workspace_use use;
    bool came, refused;
    struct workspace_row row;
    bool lost;
    enum workspace_state state;
    enum error_code code;
};

static void visit_on_turn(struct workspace_use *use)
{
    struct visit *visit = container_of(use, struct visit, use);

    visit->came = true;
    visit->row = use->workspace->row;
    visit->lost = use->workspace->lost;
    visit->state = use->workspace->state;
    workspace_leave(use);
}

static void visit_on_cell(struct workspace_use *use, struct cell *cell, const struct error *error)
{
    struct visit *visit = container_of(use, struct visit, use);

    assert_null(cell);
    visit->refused = true;
    visit->code = error->code;
}

static const struct workspace_use_events visit_events = {.on_turn = visit_on_turn, .on_cell = visit_on_cell};

static void enter(struct visit *visit)
{
    struct error error = {0};

    *visit = (struct visit){.use = {.events = &visit_events}};
    assert_int_equal(workspace_enter(stage.all, &stage.plan, &visit->use, &error), 0);
}

static void wait_for(const bool *what)
{
    while (!*what)
        uv_run(&stage.loop, UV_RUN_ONCE);
}

static struct workspace *in_memory(void)
{
    return workspaces_find(stage.all, stage.plan.row.row);
}

/* As a workspace writes when it has fallen, and nothing uses it. */
static void lose(const char *reason, enum workspace_kernel kernel)
{
    struct workspace_row row = stage.plan.row;

    text_copy(row.reason, sizeof row.reason, reason);
    row.kernel = kernel;
    row.saved_ms = 7;
    workspace_row_write(stage.all, &row, NULL);
}

/* The plan was made before another execution lost the workspace. */
static void test_a_plan_that_is_old(void **state)
{
    struct visit visit;

    (void)state;
    lose("why", WORKSPACE_KERNEL_LIVES);
    enter(&visit);
    assert_false(visit.came);
    wait_for(&visit.came);
    assert_true(visit.lost);
    assert_int_equal(visit.state, WORKSPACE_LOST);
    assert_string_equal(visit.row.reason, "why");
    assert_int_equal(visit.row.saved_ms, 7);
    assert_int_equal(visit.row.kernel, WORKSPACE_KERNEL_RESTARTED); /* no server but an earlier one leaves it alive */
}

/* Until the row is read, what the database says is better than what the plan says. */
static void test_a_look_while_it_is_read(void **state)
{
    struct workspace_row row = stage.plan.row, none;
    enum workspace_state of;
    struct visit visit;

    (void)state;
    enter(&visit);
    text_copy(row.reason, sizeof row.reason, "why");
    assert_int_equal(workspaces_look(stage.all, &row), WORKSPACE_LOST);
    assert_string_equal(row.reason, "why");
    assert_false(workspaces_look_by_name(stage.all, row.key_row, "s", &none, &of));
    wait_for(&visit.came);
}

/* As a workspace does that falls: it writes its row, and nobody uses it any more. */
static void on_turn_that_loses(struct workspace_use *use)
{
    struct workspace *workspace = use->workspace;

    text_copy(workspace->row.reason, sizeof workspace->row.reason, "why");
    workspace_row_write(stage.all, &workspace->row, workspace);
    visit_on_turn(use);
}

static const struct workspace_use_events loser_events = {.on_turn = on_turn_that_loses, .on_cell = visit_on_cell};

/* Whoever has read the row before a loss was committed finds the workspace in memory. */
static void test_it_is_kept_until_its_row_is_committed(void **state)
{
    struct error error = {0};
    struct visit visit = {.use = {.events = &loser_events}}, next;

    (void)state;
    assert_int_equal(workspace_enter(stage.all, &stage.plan, &visit.use, &error), 0);
    wait_for(&visit.came);
    assert_non_null(in_memory());
    struct workspace_row row = stage.plan.row;
    (void)workspaces_look(stage.all, &row);
    assert_string_equal(row.reason, "why");
    while (in_memory() != NULL)
        uv_run(&stage.loop, UV_RUN_ONCE);
    enter(&next);
    wait_for(&next.came);
    assert_string_equal(next.row.reason, "why");
}

/* A restart of the kernel does not write what it has read of the rest. */
static void test_a_restart_keeps_the_reason(void **state)
{
    struct visit visit;

    (void)state;
    lose("why", WORKSPACE_KERNEL_LOST);
    enter(&visit);
    workspaces_end_kernel(stage.all, &stage.plan.row);
    wait_for(&visit.came);
    assert_string_equal(visit.row.reason, "why");
    assert_int_equal(visit.row.kernel, WORKSPACE_KERNEL_NONE);
    while (in_memory() != NULL)
        uv_run(&stage.loop, UV_RUN_ONCE);
    enter(&visit);
    wait_for(&visit.came);
    assert_string_equal(visit.row.reason, "why");
    assert_int_equal(visit.row.kernel, WORKSPACE_KERNEL_NONE);
}

static void stay(struct workspace_use *use)
{
    container_of(use, struct visit, use)->came = true;
}

static const struct workspace_use_events stay_events = {.on_turn = stay, .on_cell = visit_on_cell};

static int no_work(struct db *db, struct store_job *job, struct error *error)
{
    (void)db, (void)job, (void)error;
    return 0;
}

/* The server ends and waits no longer, while the row of a save is on its way. The save is waited for, and if it fails,
 * no other one follows. */
static void test_it_is_given_up_while_it_is_recorded(void **state)
{
    struct visit visit = {.use = {.events = &stay_events}};
    struct error error = {0};

    (void)state;
    assert_int_equal(workspace_enter(stage.all, &stage.plan, &visit.use, &error), 0);
    wait_for(&visit.came);
    struct workspace *workspace = in_memory();
    workspace->state = WORKSPACE_SAVING;
    workspace->record.work = no_work;
    workspace_give_up(workspace);
    assert_int_equal(workspace->state, WORKSPACE_SAVING);
    workspace->record.work = NULL;
    error_set(&error, ERROR_INTERNAL, "no");
    workspace_saved(workspace, &error, false);
    assert_int_equal(workspace->state, WORKSPACE_LOST);
    assert_string_equal(workspace->row.reason, "the server ended before it was saved");
    workspace_leave(&visit.use);
    while (in_memory() != NULL)
        uv_run(&stage.loop, UV_RUN_ONCE);
}

static void test_a_row_that_is_gone(void **state)
{
    struct visit visit;

    (void)state;
    stage.plan.row.row += 1;
    enter(&visit);
    wait_for(&visit.refused);
    assert_false(visit.came);
    assert_int_equal(visit.code, ERROR_NOT_FOUND);
}

/* Who gives up while the row is read is not called any more. */
static void test_a_use_that_leaves_meanwhile(void **state)
{
    struct visit visit;

    (void)state;
    enter(&visit);
    workspace_leave(&visit.use);
    while (in_memory() != NULL)
        uv_run(&stage.loop, UV_RUN_ONCE);
    assert_false(visit.came || visit.refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_plan_that_is_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_look_while_it_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_is_kept_until_its_row_is_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_restart_keeps_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_is_given_up_while_it_is_recorded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_row_that_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_use_that_leaves_meanwhile, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
