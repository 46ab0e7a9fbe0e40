#include "store/fixture.h"

#include "base/metrics.h"
#include "store/sql.h"
#include "store/store.h"
#include "store/turns.h"

/* ---- the order, without a thread ---- */

struct named {
    struct store_job job;
    char name;
};

static char take(struct turns *turns, uint64_t now_ns)
{
    enum turn turn = turns_next(turns, now_ns, false);
    if (turn == TURN_NONE)
        return '-';
    struct named *named = (struct named *)turns_take(turns, turn);
    return named ? named->name : '!';
}

/* Jobs as "Aa.": a capital is a key's reading job, a small letter stands first, a dot is upkeep. The order in which
 * they are taken, one a turn. */
static void assert_order(const char *jobs, const char *expected)
{
    struct turns turns;
    turns_init(&turns);
    static struct named named[64];
    char got[64] = {0};
    size_t count = strlen(jobs);
    for (size_t i = 0; i < count; i++) {
        bool reads = jobs[i] >= 'A' && jobs[i] <= 'Z';
        named[i] = (struct named){.job = {.reader = reads ? jobs[i] : 0, .upkeep = jobs[i] == '.'}, .name = jobs[i]};
        turns_add(&turns, &named[i].job);
    }
    for (size_t i = 0; i < count; i++)
        got[i] = take(&turns, 0);
    assert_string_equal(got, expected);
    assert_int_equal(take(&turns, 0), '-');
    assert_true(list_is_empty(&turns.first) && list_is_empty(&turns.readers) && list_is_empty(&turns.upkeep));
}

static void lines_and_keys_take_turns(void **state)
{
    (void)state;
    assert_order("", "");
    assert_order("abc", "abc");
    assert_order("AAAA", "AAAA");
    assert_order("AAAAB", "ABAAA"); /* twenty lists of one key cost another's one */
    assert_order("AAABBC", "ABCABA");
    assert_order("AAAAab", "aAbAAA");     /* what stands first waits for one of them */
    assert_order("AAA...ab", "aA.bA.A."); /* and for one slice */
    assert_order("..a", "a..");
}

static void a_key_that_comes_again_is_behind_the_others(void **state)
{
    (void)state;
    struct turns turns;
    turns_init(&turns);
    struct named a[3] = {
        {.job = {.reader = 1}, .name = 'a'}, {.job = {.reader = 1}, .name = 'b'}, {.job = {.reader = 1}, .name = 'c'}};
    struct named other = {.job = {.reader = 2}, .name = 'o'};
    turns_add(&turns, &a[0].job);
    turns_add(&turns, &a[1].job);
    assert_int_equal(take(&turns, 0), 'a');
    turns_add(&turns, &other.job);
    turns_add(&turns, &a[0].job); /* it goes on */
    turns_add(&turns, &a[2].job);
    assert_int_equal(take(&turns, 0), 'b');
    assert_int_equal(take(&turns, 0), 'o');
    assert_int_equal(take(&turns, 0), 'a');
    assert_int_equal(take(&turns, 0), 'c');
    assert_int_equal(take(&turns, 0), '-');
}

static void upkeep_rests(void **state)
{
    (void)state;
    struct turns turns;
    turns_init(&turns);
    struct named slices[2] = {{.job = {.upkeep = true}, .name = '1'}, {.job = {.upkeep = true}, .name = '2'}};
    turns_add(&turns, &slices[0].job);
    turns_add(&turns, &slices[1].job);
    assert_int_equal(take(&turns, 1000), '1');
    turns_rest(&turns, TURN_UPKEEP, 1000, 1300, false);
    assert_int_equal(take(&turns, 1899), '-');
    assert_int_equal(turns.upkeep_ns, 1900);
    assert_int_equal(turns_next(&turns, 1500, true), TURN_UPKEEP); /* but not when the store closes */
    assert_int_equal(take(&turns, 1900), '2');
    turns_rest(&turns, TURN_UPKEEP, 2000, 2300, true); /* longer while several keys ask */
    assert_int_equal(turns.upkeep_ns, 5000);
    turns_rest(&turns, TURN_UPKEEP, 0, 5000000000, true); /* but no longer than this */
    assert_int_equal(turns.upkeep_ns, 5100000000);
}

static void reading_rests_while_several_keys_ask(void **state)
{
    (void)state;
    struct turns turns;
    turns_init(&turns);
    struct named jobs[4] = {{.job = {.reader = 1}, .name = 'A'},
                            {.job = {.reader = 2}, .name = 'B'},
                            {.job = {.reader = 1}, .name = 'C'},
                            {.name = 'f'}};
    for (int i = 0; i < 4; i++)
        turns_add(&turns, &jobs[i].job);
    assert_int_equal(take(&turns, 1000), 'f');
    turns_rest(&turns, TURN_FIRST, 1000, 1100, true);
    assert_int_equal(take(&turns, 1100), 'A');
    turns_rest(&turns, TURN_READING, 1100, 1200, false);
    assert_int_equal(take(&turns, 1200), 'B');
    turns_rest(&turns, TURN_READING, 1200, 1300, true);
    assert_int_equal(turns_due(&turns), 1500);
    turns_add(&turns, &jobs[3].job);
    assert_int_equal(take(&turns, 1300), 'f'); /* short jobs do not wait for it */
    assert_int_equal(take(&turns, 1499), '-');
    assert_int_equal(turns_next(&turns, 1400, true), TURN_READING); /* no rest when the store closes */
    assert_int_equal(take(&turns, 1500), 'C');
    assert_true(turns_due(&turns) == UINT64_MAX);
    turns_rest(&turns, TURN_READING, 0, 2000000000, true); /* a statement that was ended */
    assert_int_equal(turns.reading_ns, 2020000000);
}

/* ---- on the thread ---- */

struct bench {
    uv_loop_t loop;
    struct store *store;
    uv_sem_t gate, inside;
    char order[64];
    int done, closed;
};

struct step {
    struct store_job job;
    struct bench *bench;
    char name;
    int slices; /* still to come */
    enum error_code code;
    char text[sizeof(((struct error *)NULL)->text)];
};

static void bench_open(struct bench *bench, void **state)
{
    struct error error = {0};
    *bench = (struct bench){.done = 0};
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    assert_int_equal(uv_sem_init(&bench->gate, 0), 0);
    assert_int_equal(uv_sem_init(&bench->inside, 0), 0);
    if (store_open(&bench->store, &bench->loop, ((struct fixture *)*state)->dir, &error) < 0)
        fail_msg("store_open: %s", error.text);
}

static void on_closed(void *arg)
{
    ((struct bench *)arg)->closed++;
}

static void bench_close(struct bench *bench)
{
    store_close(bench->store, on_closed, bench);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_int_equal(bench->closed, 1);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    uv_sem_destroy(&bench->gate);
    uv_sem_destroy(&bench->inside);
    metrics_reset();
}

static int step_work(struct db *db, struct store_job *job, struct error *error)
{
    struct step *step = (struct step *)job;
    size_t len = strlen(step->bench->order);
    (void)db;
    (void)error;
    step->bench->order[len] = step->name;
    return step->slices-- > 1 ? STORE_MORE : 0;
}

static int wait_at_gate(struct db *db, struct store_job *job, struct error *error)
{
    struct step *step = (struct step *)job;
    (void)db;
    (void)error;
    uv_sem_post(&step->bench->inside);
    uv_sem_wait(&step->bench->gate);
    return 0;
}

static int run_for_ever(struct db *db, struct store_job *job, struct error *error)
{
    struct statement *row;
    (void)job;
    return sql_first(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n", NULL,
                     &row, error) < 0
               ? -1
               : 0;
}

static void on_done(struct store_job *job, const struct error *error)
{
    struct step *step = (struct step *)job;
    step->bench->done++;
    step->code = error ? error->code : ERROR_NONE;
    snprintf(step->text, sizeof(step->text), "%s", error ? error->text : "");
}

static void submit(struct bench *bench, struct step *step, int (*work)(struct db *, struct store_job *, struct error *))
{
    step->bench = bench;
    step->job.work = work;
    step->job.done = on_done;
    store_submit(bench->store, &step->job);
}

static void run_until(struct bench *bench, int done)
{
    while (bench->done < done)
        uv_run(&bench->loop, UV_RUN_ONCE);
    assert_int_equal(bench->done, done);
}

/* Keys 1 and 2 read in slices, upkeep has three, and what stands first is done with at once. */
static void slices_of_several_take_turns(void **state)
{
    struct bench bench;
    struct step gate = {.job = {.reads = true}};
    struct step one = {.job = {.reader = 1}, .name = 'A', .slices = 3},
                two = {.job = {.reader = 2}, .name = 'B', .slices = 2}, first = {.name = 'f', .slices = 1},
                upkeep = {.job = {.upkeep = true}, .name = '.', .slices = 3};
    bench_open(&bench, state);
    submit(&bench, &gate, wait_at_gate);
    uv_sem_wait(&bench.inside);
    submit(&bench, &one, step_work);
    submit(&bench, &two, step_work);
    submit(&bench, &upkeep, step_work);
    submit(&bench, &first, step_work);
    assert_int_equal(store_queued(bench.store), 5);
    uv_sem_post(&bench.gate);
    run_until(&bench, 5);
    assert_int_equal(store_queued(bench.store), 0);
    assert_int_equal(strlen(bench.order), 9);
    assert_memory_equal(bench.order, "A", 1); /* the gate was of the first line */
    size_t f = strcspn(bench.order, "f");
    assert_true(f <= 2); /* one reading job and one slice before it at most */
    assert_true(strcspn(bench.order, "B") < (size_t)(strrchr(bench.order, 'A') - bench.order));
    bench_close(&bench);
}

static void upkeep_ends_when_the_store_closes(void **state)
{
    struct bench bench;
    struct step upkeep = {.job = {.upkeep = true}, .name = '.', .slices = 1000000000};
    bench_open(&bench, state);
    memset(bench.order, 0, sizeof(bench.order));
    struct step gate = {.job = {.reads = true}};
    submit(&bench, &gate, wait_at_gate);
    uv_sem_wait(&bench.inside);
    submit(&bench, &upkeep, step_work);
    store_close(bench.store, on_closed, &bench);
    uv_sem_post(&bench.gate);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    assert_int_equal(bench.closed, 1);
    assert_int_equal(upkeep.code, ERROR_NONE);
    assert_string_equal(bench.order, ".");
    assert_int_equal(uv_loop_close(&bench.loop), 0);
    uv_sem_destroy(&bench.gate);
    uv_sem_destroy(&bench.inside);
    metrics_reset();
}

/* It is ended and said; the store is not in doubt for it, and goes on. */
static void a_reader_that_takes_too_long_is_ended(void **state)
{
    struct bench bench;
    struct step endless = {.job = {.reader = 1}}, next = {.job = {.reader = 1}, .name = 'n', .slices = 1};
    bench_open(&bench, state);
    fixture_step_ns = 200000000; /* ten looks at the clock */
    submit(&bench, &endless, run_for_ever);
    run_until(&bench, 1);
    fixture_step_ns = 0;
    assert_int_equal(endless.code, ERROR_BUSY);
    assert_string_equal(endless.text, "The database took too long for this: ask for less, or again later");
    assert_false(store_trouble(bench.store, NULL));
    submit(&bench, &next, step_work);
    run_until(&bench, 2);
    assert_int_equal(next.code, ERROR_NONE);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_keys_take_turns),
        cmocka_unit_test(a_key_that_comes_again_is_behind_the_others),
        cmocka_unit_test(upkeep_rests),
        cmocka_unit_test(reading_rests_while_several_keys_ask),
        fixture_test_dir(slices_of_several_take_turns),
        fixture_test_dir(upkeep_ends_when_the_store_closes),
        fixture_test_dir(a_reader_that_takes_too_long_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
