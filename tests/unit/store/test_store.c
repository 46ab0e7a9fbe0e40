#include "store/fixture.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "lib/repeats.h"
#include "store/rates.h"
#include "store/sql.h"
#include "store/store_private.h"

#include <sqlite3.h>

/* A loop, a store on it, and a gate that keeps the database's thread in a job until the test opens it. */
struct bench {
    struct fixture *fixture;
    uv_loop_t loop;
    struct store *store;
    uv_sem_t gate, inside;
    int closed;
};

struct number {
    struct store_job job; /* first: free() is called on it */
    struct bench *bench;
    int64_t value;
    int result;            /* of work */
    int worked, done;      /* how often */
    enum error_code code;  /* as done() was told */
    int *order, *finished; /* where done() writes the value, and how many have */
    struct number *next;   /* submitted by done() */
};

static void bench_open(struct bench *bench, void **state)
{
    struct error error = {0};
    *bench = (struct bench){.fixture = *state};
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    assert_int_equal(uv_sem_init(&bench->gate, 0), 0);
    assert_int_equal(uv_sem_init(&bench->inside, 0), 0);
    if (store_open(&bench->store, &bench->loop, bench->fixture->dir, &error) < 0)
        fail_msg("store_open: %s", error.text);
}

static void on_closed(void *arg)
{
    ((struct bench *)arg)->closed++;
}

static void bench_close(struct bench *bench)
{
    if (!bench->closed)
        store_close(bench->store, on_closed, bench);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_int_equal(bench->closed, 1);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    uv_sem_destroy(&bench->gate);
    uv_sem_destroy(&bench->inside);
    metrics_reset();
}

static void run_until(struct bench *bench, const int *count, int wanted)
{
    while (*count < wanted)
        uv_run(&bench->loop, UV_RUN_ONCE);
    assert_int_equal(*count, wanted);
}

static int insert(struct db *db, struct store_job *job, struct error *error)
{
    struct number *number = (struct number *)job;
    number->worked++;
    if (sql_run(db, "INSERT INTO removed (id) VALUES (?)", SQL_VALUES(SQL_I(number->value)), error) < 0)
        return -1;
    return number->result < 0 ? error_set(error, ERROR_CONFLICT, "no %d", (int)number->value) : 0;
}

static int count_rows(struct db *db, struct store_job *job, struct error *error)
{
    struct number *number = (struct number *)job;
    struct statement *row;
    if (sql_first(db, "SELECT count(*) FROM removed", NULL, &row, error) != 1)
        return -1;
    number->value = statement_int(row, 0);
    statement_reset(row);
    return 0;
}

static int wait_at_gate(struct db *db, struct store_job *job, struct error *error)
{
    struct number *number = (struct number *)job;
    (void)db;
    (void)error;
    uv_sem_post(&number->bench->inside);
    uv_sem_wait(&number->bench->gate);
    return 0;
}

static void on_done(struct store_job *job, const struct error *error)
{
    struct number *number = (struct number *)job;
    number->done++;
    number->code = error ? error->code : ERROR_NONE;
    if (number->order)
        number->order[*number->finished] = (int)number->value;
    if (number->finished)
        ++*number->finished;
    if (number->next)
        store_submit(number->bench->store, &number->next->job);
}

static struct number job(struct bench *bench, int (*work)(struct db *, struct store_job *, struct error *),
                         int64_t value, int *finished)
{
    return (struct number){
        .job = {.work = work, .done = on_done}, .bench = bench, .value = value, .finished = finished};
}

/* Keeps the thread busy, so that what is submitted from now on waits together. */
static void shut_gate(struct bench *bench, struct number *at_gate)
{
    *at_gate = job(bench, wait_at_gate, 0, NULL);
    at_gate->job.reads = true;
    store_submit(bench->store, &at_gate->job);
    uv_sem_wait(&bench->inside);
}

static int64_t rows_of(struct bench *bench)
{
    int finished = 0;
    struct number rows = job(bench, count_rows, -1, &finished);
    rows.job.reads = true;
    store_submit(bench->store, &rows.job);
    run_until(bench, &finished, 1);
    return rows.value;
}

/* A value of GET /metrics. */
static double metric_value(const char *name)
{
    struct buf text;
    double value = -1;
    buf_init(&text, 1 << 20);
    assert_int_equal(metrics_text(&text), 0);
    for (const char *line = text.data; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ' ')
            value = strtod(line + strlen(name), NULL);
    }
    buf_free(&text);
    return value;
}

static void jobs_run_and_finish_in_order(void **state)
{
    enum { JOBS = 1000 };
    static struct number jobs[JOBS];
    static int order[JOBS];
    struct bench bench;
    int finished = 0;
    bench_open(&bench, state);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = job(&bench, insert, i, &finished);
        jobs[i].order = order;
        store_submit(bench.store, &jobs[i].job);
    }
    run_until(&bench, &finished, JOBS);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(order[i], i);
        assert_int_equal(jobs[i].done, 1);
        assert_int_equal(jobs[i].worked, 1);
        assert_int_equal(jobs[i].code, ERROR_NONE);
    }
    assert_int_equal(rows_of(&bench), JOBS);
    bench_close(&bench);
}

static int commits; /* on the database's thread; read once it has ended */

static int on_commit(void *arg)
{
    (void)arg;
    commits++;
    return 0;
}

static int watch_commits(struct db *db, struct store_job *watched, struct error *error)
{
    (void)watched;
    (void)error;
    sqlite3_commit_hook(driver_sqlite_handle(db_driver(db)), on_commit, NULL);
    return 0;
}

static void what_waits_together_shares_a_commit(void **state)
{
    enum { JOBS = 2 * STORE_BATCH_MAX };
    static struct number jobs[JOBS];
    struct bench bench;
    struct number watch, at_gate;
    int finished = 0, watched = 0;
    bench_open(&bench, state);
    commits = 0;
    watch = job(&bench, watch_commits, 0, &watched);
    watch.job.reads = true;
    store_submit(bench.store, &watch.job);
    run_until(&bench, &watched, 1);
    shut_gate(&bench, &at_gate);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = job(&bench, insert, i, &finished);
        store_submit(bench.store, &jobs[i].job);
    }
    assert_int_equal(store_queued(bench.store), JOBS + 1);
    assert_true(metric_value("codecell_database_queue_length") == JOBS + 1);
    uv_sem_post(&bench.gate);
    run_until(&bench, &finished, JOBS);
    assert_int_equal(store_queued(bench.store), 0);
    assert_true(metric_value("codecell_database_queue_length") == 0);
    assert_true(metric_value("codecell_database_batch_jobs_count") == 4); /* the watch, the gate, two full ones */
    assert_true(metric_value("codecell_database_batch_jobs_sum") == JOBS + 2);
    assert_true(metric_value("codecell_database_job_seconds_count") == JOBS + 2);
    assert_int_equal(rows_of(&bench), JOBS);
    bench_close(&bench);
    assert_int_equal(commits, 2); /* what only reads commits nothing */
}

static void a_job_that_fails_is_rolled_back_alone(void **state)
{
    struct bench bench;
    struct number jobs[5], at_gate;
    int finished = 0;
    bench_open(&bench, state);
    shut_gate(&bench, &at_gate);
    for (int i = 0; i < 5; i++) {
        jobs[i] = job(&bench, insert, i == 3 ? 0 : i, &finished); /* 3: a constraint fails */
        jobs[i].result = i == 1 ? -1 : 0;                         /* 1: after it has written */
        store_submit(bench.store, &jobs[i].job);
    }
    uv_sem_post(&bench.gate);
    run_until(&bench, &finished, 5);
    assert_int_equal(jobs[0].code, ERROR_NONE);
    assert_int_equal(jobs[1].code, ERROR_CONFLICT);
    assert_string_equal(jobs[1].job.error.text, "no 1");
    assert_int_equal(jobs[2].code, ERROR_NONE);
    assert_int_equal(jobs[3].code, ERROR_INTERNAL);
    assert_int_equal(jobs[4].code, ERROR_NONE);
    assert_int_equal(rows_of(&bench), 3);
    bench_close(&bench);
}

static int break_commit(struct db *db, struct store_job *broken, struct error *error)
{
    (void)broken;
    return sql_run(db, "PRAGMA defer_foreign_keys = ON", NULL, error) < 0
               ? -1
               : (int)sql_run(db, "INSERT INTO rates VALUES (12345, 1)", NULL, error) - 1;
}

static int lose_transaction(struct db *db, struct store_job *lost, struct error *error)
{
    (void)lost;
    (void)error;
    db_rollback(db);
    return 0;
}

/* Two rows, `work` between them, all in one transaction that fails. */
static void assert_all_fail(void **state, int (*work)(struct db *, struct store_job *, struct error *), int after)
{
    struct bench bench;
    struct number jobs[4], at_gate;
    int finished = 0, later = 0;
    bench_open(&bench, state);
    shut_gate(&bench, &at_gate);
    jobs[0] = job(&bench, insert, 1, &finished);
    jobs[1] = job(&bench, work, 0, &finished);
    jobs[2] = job(&bench, insert, 2, &finished);
    jobs[3] = job(&bench, insert, 1, &later);
    for (int i = 0; i < 3; i++)
        store_submit(bench.store, &jobs[i].job);
    uv_sem_post(&bench.gate);
    run_until(&bench, &finished, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(jobs[i].code, ERROR_INTERNAL);
    assert_int_equal(jobs[2].worked, after);
    store_submit(bench.store, &jobs[3].job); /* and the next one goes on as if nothing had been */
    run_until(&bench, &later, 1);
    assert_int_equal(jobs[3].code, ERROR_NONE);
    assert_int_equal(rows_of(&bench), 1);
    bench_close(&bench);
}

static void where_the_commit_fails_each_job_fails(void **state)
{
    assert_all_fail(state, break_commit, 1);
}

static void where_the_transaction_is_lost_each_job_fails(void **state)
{
    assert_all_fail(state, lose_transaction, 0);
}

static int fill_disk(struct db *db, struct store_job *full, struct error *error)
{
    (void)full;
    struct statement *limit;
    if (sql_first(db, "PRAGMA max_page_count = 1", NULL, &limit, error) != 1)
        return -1;
    statement_reset(limit);
    return (int)sql_run(db, "INSERT INTO removed (id) VALUES (hex(zeroblob(1000000)))", NULL, error);
}

static void a_full_disk_fails_who_needs_room(void **state)
{
    struct bench bench;
    struct number full, small;
    int finished = 0;
    bench_open(&bench, state);
    full = job(&bench, fill_disk, 0, &finished);
    small = job(&bench, insert, 1, &finished);
    store_submit(bench.store, &full.job);
    run_until(&bench, &finished, 1);
    assert_int_equal(full.code, ERROR_UNAVAILABLE);
    store_submit(bench.store, &small.job);
    run_until(&bench, &finished, 2);
    assert_int_equal(small.code, ERROR_NONE);
    bench_close(&bench);
}

static int patience(struct db *db, struct store_job *set, struct error *error)
{
    (void)set;
    (void)error;
    db_patience(db, 1);
    return 0;
}

static void another_writer_stops_writes_and_no_reads(void **state)
{
    struct bench bench;
    struct number set, write, again;
    struct error error = {0};
    int finished = 0;
    bench_open(&bench, state);
    set = job(&bench, patience, 0, &finished);
    write = job(&bench, insert, 1, &finished);
    again = job(&bench, insert, 2, &finished);
    store_submit(bench.store, &set.job);
    run_until(&bench, &finished, 1);
    struct db *command = fixture_open(bench.fixture->dir);
    assert_int_equal(db_begin(command, &error), 0);
    store_submit(bench.store, &write.job);
    run_until(&bench, &finished, 2);
    assert_int_equal(write.code, ERROR_UNAVAILABLE);
    assert_int_equal(write.worked, 0);
    assert_int_equal(rows_of(&bench), 0);
    db_rollback(command);
    store_submit(bench.store, &again.job);
    run_until(&bench, &finished, 3);
    assert_int_equal(again.code, ERROR_NONE);
    db_close(command);
    bench_close(&bench);
}

static void closing_runs_what_is_queued(void **state)
{
    enum { JOBS = 600 };
    static struct number jobs[JOBS];
    struct bench bench;
    struct number at_gate;
    int finished = 0;
    bench_open(&bench, state);
    shut_gate(&bench, &at_gate);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = job(&bench, insert, i, &finished);
        store_submit(bench.store, &jobs[i].job);
    }
    store_close(bench.store, on_closed, &bench);
    assert_int_equal(finished, 0); /* all of it comes from the loop */
    uv_sem_post(&bench.gate);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    assert_int_equal(bench.closed, 1);
    assert_int_equal(finished, JOBS);
    bench_close(&bench);
    struct db *db = fixture_open(bench.fixture->dir);
    assert_int_equal(fixture_number(db, "SELECT count(*) FROM removed"), JOBS);
    db_close(db);
}

static void what_comes_while_closing_is_refused(void **state)
{
    struct bench bench;
    struct number at_gate, queued, late, later;
    int finished = 0;
    bench_open(&bench, state);
    shut_gate(&bench, &at_gate);
    queued = job(&bench, insert, 1, &finished);
    late = job(&bench, insert, 2, &finished);
    later = job(&bench, insert, 3, &finished);
    store_submit(bench.store, &queued.job);
    queued.next = &later; /* from its done() */
    store_close(bench.store, on_closed, &bench);
    store_submit(bench.store, &late.job);
    assert_int_equal(finished, 0);
    uv_sem_post(&bench.gate);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    assert_int_equal(bench.closed, 1);
    assert_int_equal(finished, 3);
    assert_int_equal(queued.code, ERROR_NONE);
    assert_int_equal(late.code, ERROR_UNAVAILABLE);
    assert_int_equal(later.code, ERROR_UNAVAILABLE);
    assert_int_equal(late.worked + later.worked, 0);
    bench_close(&bench);
}

static void an_idle_store_closes_without_a_callback(void **state)
{
    struct bench bench;
    bench_open(&bench, state);
    store_close(bench.store, NULL, NULL);
    bench.closed = 1;
    bench_close(&bench);
}

static void a_full_queue_refuses(void **state)
{
    struct bench bench;
    struct number at_gate;
    int finished = 0, refused = 0, again = 0;
    struct number *jobs = calloc(STORE_QUEUE_MAX, sizeof(*jobs));
    assert_non_null(jobs);
    bench_open(&bench, state);
    shut_gate(&bench, &at_gate);
    for (int i = 0; i < STORE_QUEUE_MAX - 1; i++) { /* the one at the gate is counted */
        jobs[i] = job(&bench, count_rows, 0, &finished);
        store_submit(bench.store, &jobs[i].job);
    }
    struct number over = job(&bench, insert, 1, &refused), *unwatched = calloc(1, sizeof(*unwatched));
    unwatched->job.work = insert;
    int log = open("/dev/null", O_WRONLY | O_CLOEXEC);
    log_setup(LOG_INFO, LOG_TEXT, log);
    store_submit(bench.store, &over.job);
    store_submit(bench.store, &unwatched->job); /* freed all the same */
    assert_int_equal(refused, 0);               /* later, from the loop */
    run_until(&bench, &refused, 1);
    assert_int_equal(over.code, ERROR_UNAVAILABLE);
    assert_int_equal(over.worked, 0);
    assert_int_equal(store_queued(bench.store), STORE_QUEUE_MAX);
    uv_sem_post(&bench.gate);
    run_until(&bench, &finished, STORE_QUEUE_MAX - 1);
    over = job(&bench, insert, 1, &again);
    store_submit(bench.store, &over.job);
    run_until(&bench, &again, 1);
    assert_int_equal(over.code, ERROR_NONE);
    bench_close(&bench);
    log_setup(LOG_INFO, LOG_TEXT, 2);
    close(log);
    free(jobs);
}

static void nobody_needs_to_wait(void **state)
{
    struct bench bench;
    int log[2];
    char line[512] = "";
    bench_open(&bench, state);
    assert_int_equal(pipe2(log, O_NONBLOCK), 0);
    log_setup(LOG_INFO, LOG_TEXT, log[1]);
    for (int i = 0; i < 3; i++) {
        struct number *unwatched = calloc(1, sizeof(*unwatched));
        unwatched->job.work = insert;
        unwatched->value = i;
        unwatched->result = i == 1 ? -1 : 0;
        store_submit(bench.store, &unwatched->job);
    }
    assert_int_equal(rows_of(&bench), 2);
    bench_close(&bench);
    log_setup(LOG_INFO, LOG_TEXT, 2);
    assert_true(read(log[0], line, sizeof(line) - 1) > 0);
    assert_non_null(strstr(line, "event=database.job_failed"));
    assert_non_null(strstr(line, "no 1"));
    close(log[0]);
    close(log[1]);
}

static void a_done_may_submit_more(void **state)
{
    enum { JOBS = 50 };
    struct bench bench;
    struct number jobs[JOBS];
    int finished = 0;
    bench_open(&bench, state);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = job(&bench, insert, i, &finished);
        jobs[i].next = i + 1 < JOBS ? &jobs[i + 1] : NULL;
    }
    store_submit(bench.store, &jobs[0].job);
    run_until(&bench, &finished, JOBS);
    assert_int_equal(rows_of(&bench), JOBS);
    bench_close(&bench);
}

/* What need not wait for its commit is told once it has run, its own failure too, and is committed all the same. */
static void an_early_job_is_committed_too(void **state)
{
    enum { JOBS = 20 };
    struct bench bench;
    struct number jobs[JOBS];
    int finished = 0;
    bench_open(&bench, state);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = job(&bench, insert, i, &finished);
        jobs[i].job.early = i % 2 == 0;
        jobs[i].result = i % 5 == 0 ? -1 : 0;
        if (i % 3 == 0) /* alone in its transaction, or one of several */
            run_until(&bench, &finished, i);
        store_submit(bench.store, &jobs[i].job);
    }
    run_until(&bench, &finished, JOBS);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].done, 1);
        assert_int_equal(jobs[i].code, i % 5 == 0 ? ERROR_CONFLICT : ERROR_NONE);
    }
    assert_int_equal(rows_of(&bench), JOBS - JOBS / 5);
    bench_close(&bench);
}

static int insert_big(struct db *db, struct store_job *big, struct error *error)
{
    (void)big;
    return sql_run(db, "INSERT INTO removed (id) VALUES (hex(randomblob(500000)))", NULL, error) < 0 ? -1 : 0;
}

static void the_log_does_not_grow_for_ever(void **state)
{
    int jobs = unless_short(200, 20); /* of 260 pages each */
    struct bench bench;
    struct stat log;
    char path[128];
    int finished = 0;
    bench_open(&bench, state);
    for (int i = 0; i < jobs; i++) {
        struct number big = job(&bench, insert_big, i, &finished);
        store_submit(bench.store, &big.job);
        run_until(&bench, &finished, i + 1);
        while (i % 40 == 39 && copier_works(bench.store->copier)) /* however slow the disk is */
            usleep(1000);
    }
    snprintf(path, sizeof(path), "%s/codecell.db-wal", bench.fixture->dir);
    assert_int_equal(stat(path, &log), 0);
    assert_true(log.st_size < INT64_C(36000) * 4096); /* of 52000 pages */
    bench_close(&bench);
}

static int insert_big_again(struct db *db, struct store_job *job, struct error *error)
{
    struct number *upkeep = (struct number *)job;

    return insert_big(db, job, error) < 0 ? -1 : ++upkeep->worked < upkeep->value ? STORE_MORE : 0;
}

/* So the thread never has to copy the log itself, which would let all jobs wait for the disk. */
static void upkeep_waits_for_the_copy_of_the_log(void **state)
{
    int slices = unless_short(100, 10); /* of 260 pages each */
    struct bench bench;
    struct stat log;
    char path[128];
    int finished = 0;
    bench_open(&bench, state);
    struct number upkeep = job(&bench, insert_big_again, slices, &finished);
    upkeep.job.upkeep = true;
    store_submit(bench.store, &upkeep.job);
    run_until(&bench, &finished, 1);
    assert_int_equal(upkeep.worked, slices);
    snprintf(path, sizeof(path), "%s/codecell.db-wal", bench.fixture->dir);
    assert_int_equal(stat(path, &log), 0);
    assert_true(log.st_size < INT64_C(8000) * 4096);
    bench_close(&bench);
}

static void the_instance_is_the_files(void **state)
{
    struct bench bench;
    bench_open(&bench, state);
    struct db *db = fixture_open(bench.fixture->dir);
    assert_string_equal(store_instance(bench.store), db_instance(db));
    db_close(db);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test_dir(jobs_run_and_finish_in_order),
        fixture_test_dir(what_waits_together_shares_a_commit),
        fixture_test_dir(a_job_that_fails_is_rolled_back_alone),
        fixture_test_dir(where_the_commit_fails_each_job_fails),
        fixture_test_dir(where_the_transaction_is_lost_each_job_fails),
        fixture_test_dir(a_full_disk_fails_who_needs_room),
        fixture_test_dir(another_writer_stops_writes_and_no_reads),
        fixture_test_dir(closing_runs_what_is_queued),
        fixture_test_dir(what_comes_while_closing_is_refused),
        fixture_test_dir(an_idle_store_closes_without_a_callback),
        fixture_test_dir(a_full_queue_refuses),
        fixture_test_dir(nobody_needs_to_wait),
        fixture_test_dir(a_done_may_submit_more),
        fixture_test_dir(an_early_job_is_committed_too),
        fixture_test_dir(the_log_does_not_grow_for_ever),
        fixture_test_dir(upkeep_waits_for_the_copy_of_the_log),
        fixture_test_dir(the_instance_is_the_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
