/* A store that cannot open, and one whose process is killed. */
#include "store/fixture.h"

#include "store/sql.h"
#include "store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void a_store_that_cannot_open_leaves_nothing(void **state)
{
    struct error error = {0};
    struct store *store;
    uv_loop_t loop;
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(store_open(&store, &loop, "/proc/nowhere", &error), -1);
    assert_null(store);
    assert_non_null(strstr(error.text, "/proc/nowhere"));
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* In a child: a loop that closes clean after the thread could not be made. */
static int open_without_threads(const char *dir)
{
    struct rlimit none = {0, 0};
    struct error error = {0};
    struct store *store;
    uv_loop_t loop;
    if (geteuid() == 0 && (chown(dir, 65534, 65534) < 0 || setuid(65534) < 0)) /* root has no such limit */
        return 1;
    if (uv_loop_init(&loop) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0)
        return 2;
    if (store_open(&store, &loop, dir, &error) == 0 || store)
        return 3;
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 && strstr(error.text, "can't start") ? 0 : 4;
}

static void a_store_without_a_thread_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(open_without_threads(fixture->dir));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* A server that tells each row that done() says is committed, until it is killed. */
struct teller {
    struct store_job job;
    struct store *store;
    int64_t value;
    int out;
};

static int tell_work(struct db *db, struct store_job *job_, struct error *error)
{
    struct teller *teller = (struct teller *)job_;
    return sql_run(db, "INSERT INTO removed (id) VALUES (?)", SQL_VALUES(SQL_I(teller->value)), error) < 0 ? -1 : 0;
}

static void tell_done(struct store_job *job_, const struct error *error)
{
    struct teller *teller = (struct teller *)job_;
    if (error || write(teller->out, &teller->value, sizeof(teller->value)) != sizeof(teller->value))
        _exit(1);
    teller->value += 4;
    store_submit(teller->store, &teller->job);
}

static void tell_for_ever(const char *dir, int out)
{
    struct error error = {0};
    struct store *store;
    struct teller tellers[4];
    uv_loop_t loop;
    if (uv_loop_init(&loop) < 0 || store_open(&store, &loop, dir, &error) < 0)
        _exit(1);
    for (int i = 0; i < 4; i++) {
        tellers[i] =
            (struct teller){.job = {.work = tell_work, .done = tell_done}, .store = store, .value = i, .out = out};
        store_submit(store, &tellers[i].job);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    _exit(1);
}

static void what_done_has_said_survives_a_kill(void **state)
{
    struct fixture *fixture = *state;
    int64_t told_count = 0, value, missing = 0;
    int told[2], status;
    static char seen[1 << 20];
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0)
        tell_for_ever(fixture->dir, told[1]);
    close(told[1]);
    while (read(told[0], &value, sizeof(value)) == sizeof(value)) {
        if (value < (int64_t)sizeof(seen))
            seen[value] = 1;
        if (++told_count == 1000)
            kill(child, SIGKILL);
    }
    close(told[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(told_count >= 1000);

    fixture->db = fixture_open(fixture->dir);
    struct statement *row;
    for (int64_t i = 0; i < (int64_t)sizeof(seen); i++) {
        if (!seen[i])
            continue;
        missing += sql_first(fixture->db, "SELECT 1 FROM removed WHERE id = ?", SQL_VALUES(SQL_I(i)), &row, NULL) != 1;
    }
    assert_int_equal(missing, 0);
    assert_int_equal(
        fixture_number(fixture->db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test_dir(a_store_that_cannot_open_leaves_nothing),
        fixture_test_dir(a_store_without_a_thread_leaves_nothing),
        fixture_test_dir(what_done_has_said_survives_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
