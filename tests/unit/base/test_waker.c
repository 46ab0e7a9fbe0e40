#include "base/waker.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WAKES = 20000 };

static struct {
    struct waker waker;
    uv_loop_t loop;
    uv_thread_t thread;
    bool threaded;       /* it wakes the loop, and may still be in waker_wake() */
    atomic_uint asked;   /* how often another thread has woken the loop */
    unsigned seen, runs; /* what `asked` was when the loop last looked; how often it looked */
    unsigned wanted;     /* closes when so much is seen */
    bool closed;
} trial;

static void on_closed(struct waker *waker)
{
    assert_ptr_equal(waker, &trial.waker);
    trial.closed = true;
}

static void on_woken(struct waker *waker)
{
    trial.seen = atomic_load(&trial.asked);
    trial.runs++;
    if (trial.seen != trial.wanted || waker_is_closing(waker))
        return;
    if (trial.threaded)
        uv_thread_join(&trial.thread);
    waker_close(waker, on_closed);
    assert_true(waker_is_closing(waker));
}

static void wake_often(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < WAKES; i++) {
        atomic_fetch_add(&trial.asked, 1);
        waker_wake(&trial.waker);
    }
}

static void open_trial(unsigned wanted)
{
    memset(&trial, 0, sizeof trial);
    trial.wanted = wanted;
    assert_int_equal(uv_loop_init(&trial.loop), 0);
    assert_int_equal(waker_init(&trial.waker, &trial.loop, on_woken), 0);
}

static void close_trial(void)
{
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_true(trial.closed);
    assert_int_equal(uv_loop_close(&trial.loop), 0);
}

/* The last one is seen, whatever the two threads do at the same time: else this test does not end. */
static void no_wake_is_lost(void **state)
{
    (void)state;
    open_trial(WAKES);
    trial.threaded = true;
    assert_int_equal(uv_thread_create(&trial.thread, wake_often, NULL), 0);
    close_trial();
    assert_int_equal(trial.seen, WAKES);
}

static void many_wakes_are_one_call(void **state)
{
    (void)state;
    open_trial(3);
    for (int i = 0; i < 3; i++) {
        atomic_fetch_add(&trial.asked, 1);
        waker_wake(&trial.waker);
    }
    close_trial();
    assert_int_equal(trial.runs, 1);
}

static void a_close_comes_before_a_wake(void **state)
{
    (void)state;
    open_trial(1);
    waker_wake(&trial.waker);
    waker_close(&trial.waker, on_closed);
    close_trial();
    assert_int_equal(trial.runs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wake_is_lost),
        cmocka_unit_test(many_wakes_are_one_call),
        cmocka_unit_test(a_close_comes_before_a_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
