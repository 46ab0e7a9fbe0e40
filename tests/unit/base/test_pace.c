/* When work rests: by a clock that the test sets. A rest is seen as a voluntary switch to another thread. */
#include "base/pace.h"
#include "base/seam.h"
#include "unit.h"

#include <pthread.h>
#include <sys/resource.h>

#define HOUR UINT64_C(3600000000000)

static uint64_t now_ns = HOUR;

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
    pace_end();
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(long_work_rests_again_and_again, setup, teardown),
        cmocka_unit_test_setup_teardown(the_next_piece_of_work_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(work_of_one_key_alone_does_not_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_later_end_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_work_never_rests, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
