/* When work rests: by a clock that the test sets. A rest is seen as a voluntary switch to another thread. */
#include "base/pace.h"
#include "base/seam.h"
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>

#define HOUR UINT64_C(3600000000000)

static _Atomic uint64_t now_ns = HOUR;

static uint64_t set_clock(void)
{
    return now_ns;
}

static int setup(void **state)
{
    static struct seam with_clock;

    (void)state;
    with_clock = seam_system;
    with_clock.monotonic_ns = set_clock;
    seam_set(&with_clock);
    now_ns += HOUR; /* past what the test before has shared */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    seam_set(&seam_system);
    return 0;
}

static bool rests(void)
{
    struct rusage before, after;

    assert_int_equal(getrusage(RUSAGE_THREAD, &before), 0);
    pace_step();
    assert_int_equal(getrusage(RUSAGE_THREAD, &after), 0);
    return after.ru_nvcsw > before.ru_nvcsw;
}

static void long_work_rests_again_and_again(void **state)
{
    (void)state;
    pace_share(now_ns + HOUR);
    pace_begin();
    assert_false(rests());
    now_ns += PACE_FREE_NS - 1;
    assert_false(rests());
    now_ns += 1;
    assert_true(rests());
    for (int i = 0; i < 3; i++) {
        now_ns += PACE_WORK_NS - 1;
        assert_false(rests());
        now_ns += 1;
        assert_true(rests());
    }
    pace_end();
}

static void the_next_piece_of_work_begins_anew(void **state)
{
    (void)state;
    pace_share(now_ns + HOUR);
    pace_begin();
    now_ns += PACE_FREE_NS;
    assert_true(rests());
    pace_end();
    pace_begin();
    now_ns += PACE_FREE_NS - 1;
    assert_false(rests());
    pace_end();
}

static void work_of_one_key_alone_does_not_rest(void **state)
{
    (void)state;
    pace_begin();
    now_ns += 100 * PACE_FREE_NS;
    assert_false(rests());
    pace_share(now_ns + PACE_WORK_NS + 1); /* another one has asked */
    assert_false(rests());                 /* the clock was looked at just now */
    now_ns += PACE_WORK_NS;
    assert_true(rests());
    now_ns += PACE_WORK_NS;
    assert_false(rests()); /* it is gone again */
    pace_end();
}

static void a_later_end_counts(void **state)
{
    (void)state;
    pace_share(now_ns + 1000);
    pace_share(now_ns + 500);
    assert_true(pace_is_shared(now_ns + 999));
    assert_false(pace_is_shared(now_ns + 1000));
}

static void *steps_on_another_thread(void *rested)
{
    *(bool *)rested = rests();
    return NULL;
}

/* The loop handles small bodies itself, in the same functions. */
static void what_is_no_work_never_rests(void **state)
{
    bool rested = true;
    pthread_t thread;

    (void)state;
    pace_share(now_ns + HOUR);
    now_ns += PACE_FREE_NS;
    assert_false(rests());
    pace_begin();
    now_ns += PACE_FREE_NS;
    assert_int_equal(pthread_create(&thread, NULL, steps_on_another_thread, &rested), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(rested);
    pace_end();
    assert_false(rests());
}

/* Of two threads one works at a time. */

struct worker {
    pthread_t thread;
    atomic_int *working, *most;
};

static void *work_for_a_while(void *arg)
{
    struct worker *worker = arg;

    pace_begin();
    int now = atomic_fetch_add(worker->working, 1) + 1;
    if (now > atomic_load(worker->most))
        atomic_store(worker->most, now);
    (void)sched_yield();
    atomic_fetch_sub(worker->working, 1);
    pace_end();
    return NULL;
}

static void so_many_work_at_a_time(void **state)
{
    struct worker workers[8];
    atomic_int working = 0, most = 0;

    (void)state;
    pace_setup(1);
    for (size_t i = 0; i < 8; i++) {
        workers[i] = (struct worker){.working = &working, .most = &most};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work_for_a_while, &workers[i]), 0);
    }
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    assert_int_equal(most, 1);
    pace_setup(4);
}

static void *note_that_it_worked(void *worked)
{
    pace_begin();
    atomic_store((atomic_bool *)worked, true);
    pace_end();
    return NULL;
}

/* While long work rests, short work has its place. */
static void short_work_goes_on_meanwhile(void **state)
{
    atomic_bool worked = false;
    pthread_t thread;

    (void)state;
    pace_setup(1);
    pace_share(now_ns + HOUR);
    pace_begin();
    assert_int_equal(pthread_create(&thread, NULL, note_that_it_worked, &worked), 0);
    assert_false(worked);
    while (!worked) {
        now_ns += PACE_FREE_NS;
        pace_step();
    }
    pace_end();
    assert_int_equal(pthread_join(thread, NULL), 0);
    pace_setup(4);
}

static void bytes_are_steps(void **state)
{
    (void)state;
    pace_bytes(PACE_BYTES); /* outside of work */
    pace_share(now_ns + HOUR);
    pace_begin();
    now_ns += PACE_FREE_NS;
    struct rusage before, after;
    assert_int_equal(getrusage(RUSAGE_THREAD, &before), 0);
    pace_bytes(PACE_BYTES - 1);
    assert_int_equal(getrusage(RUSAGE_THREAD, &after), 0);
    assert_int_equal(after.ru_nvcsw, before.ru_nvcsw);
    pace_bytes(1);
    assert_int_equal(getrusage(RUSAGE_THREAD, &after), 0);
    assert_true(after.ru_nvcsw > before.ru_nvcsw);
    pace_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(long_work_rests_again_and_again, setup, teardown),
        cmocka_unit_test_setup_teardown(the_next_piece_of_work_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(work_of_one_key_alone_does_not_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_later_end_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_work_never_rests, setup, teardown),
        cmocka_unit_test_setup_teardown(so_many_work_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(short_work_goes_on_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_are_steps, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
