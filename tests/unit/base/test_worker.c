#include "base/worker.h"
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS = 100 };

struct trial_job {
    struct worker_job job;
    pthread_t ran_on;
    bool ran, over;
};

static struct {
    uv_loop_t loop;
    atomic_uint ran;
    unsigned over;
    pthread_t loops;
} trial;

static struct trial_job *trial_job_of(struct worker_job *job)
{
    return container_of(job, struct trial_job, job);
}

static void on_run(struct worker_job *job)
{
    atomic_fetch_add(&trial.ran, 1);
    trial_job_of(job)->ran = true;
    trial_job_of(job)->ran_on = pthread_self();
}

static void on_over(struct worker_job *job)
{
    assert_true(pthread_equal(pthread_self(), trial.loops));
    trial_job_of(job)->over = true;
    trial.over++;
}

static int setup(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof trial);
    trial.loops = pthread_self();
    return uv_loop_init(&trial.loop);
}

/* The loop has nothing else to wait for, so it ends when all jobs are over. */
static int teardown(void **state)
{
    (void)state;
    return uv_loop_close(&trial.loop);
}

static void jobs_run_on_threads_and_end_on_the_loop(void **state)
{
    static struct trial_job jobs[JOBS];

    (void)state;
    for (int i = 0; i < JOBS; i++)
        worker_queue(&trial.loop, &jobs[i].job, on_run, on_over);
    assert_int_equal(trial.over, 0);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.over, JOBS);
    assert_int_equal(trial.ran, JOBS);
    for (int i = 0; i < JOBS; i++)
        assert_true(jobs[i].ran && jobs[i].over && !pthread_equal(jobs[i].ran_on, trial.loops));
}

static void on_over_again(struct worker_job *job)
{
    if (++trial.over < 3)
        worker_queue(&trial.loop, job, on_run, on_over_again);
}

static void a_job_may_be_queued_again_at_its_end(void **state)
{
    struct trial_job job = {0};

    (void)state;
    worker_queue(&trial.loop, &job.job, on_run, on_over_again);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.over, 3);
    assert_int_equal(trial.ran, 3);
}

static void without_a_descriptor_the_loop_does_it(void **state)
{
    struct trial_job job = {0};
    struct rlimit before, none;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    worker_queue(&trial.loop, &job.job, on_run, on_over);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(job.ran);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_true(job.over && pthread_equal(job.ran_on, trial.loops));
}

/* A child has none of the threads, and does not wait for them at its end. */
static void a_forked_child_ends(void **state)
{
    struct trial_job job = {0};
    int status;

    (void)state;
    worker_queue(&trial.loop, &job.job, on_run, on_over);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    fflush(NULL); /* or both write it */
    pid_t child = fork();
    if (child == 0)
        exit(7);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(jobs_run_on_threads_and_end_on_the_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_may_be_queued_again_at_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_descriptor_the_loop_does_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_forked_child_ends, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
