/* A job's way: worker_queue -> the queue -> worker_thread: run() -> on_worker_woken -> on_worker_closed: over(). */
#include "base/worker.h"

#include "base/container_of.h"
#include "base/pace.h"

#include <assert.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t came = PTHREAD_COND_INITIALIZER;
static struct list jobs; /* that wait */
static bool ending;
static pthread_t threads[WORKER_THREADS];
static unsigned threads_len;

static struct worker_job *job_of(struct list *node)
{
    return node != NULL ? container_of(node, struct worker_job, node) : NULL;
}

/* NULL: the process ends. */
static struct worker_job *next_job(void)
{
    pthread_mutex_lock(&mutex);
    while (list_is_empty(&jobs) && !ending)
        pthread_cond_wait(&came, &mutex);
    struct worker_job *job = ending ? NULL : job_of(list_shift(&jobs));
    pthread_mutex_unlock(&mutex);
    return job;
}

static void run_paced(struct worker_job *job)
{
    pace_begin();
    job->run(job);
    pace_end();
}

/* The loop may free the job as soon as it is woken. */
static void *worker_thread(void *arg)
{
    struct worker_job *job;

    while ((job = next_job()) != NULL) {
        run_paced(job);
        waker_wake(&job->waker);
    }
    return arg;
}

/* A forked child has no threads. */
static void forget_threads(void)
{
    threads_len = 0;
}

static void start_threads(void)
{
    list_init(&jobs);
    while (threads_len < WORKER_THREADS && pthread_create(&threads[threads_len], NULL, worker_thread, NULL) == 0)
        threads_len++;
    (void)pthread_atfork(NULL, NULL, forget_threads); /* fails for want of memory; then a child waits at its end */
}

/* When the process ends. What still waits is not done: its loop is gone. */
static void __attribute__((destructor)) end_threads(void)
{
    if (threads_len == 0) /* in a forked child the broadcast would wait for the parent's threads */
        return;
    pthread_mutex_lock(&mutex);
    ending = true;
    pthread_cond_broadcast(&came);
    pthread_mutex_unlock(&mutex);
    while (threads_len > 0)
        pthread_join(threads[--threads_len], NULL);
}

static void on_worker_closed(struct waker *waker)
{
    struct worker_job *job = container_of(waker, struct worker_job, waker);

    job->over(job);
}

static void on_worker_woken(struct waker *waker)
{
    waker_close(waker, on_worker_closed);
}

static void run_by_uv(uv_work_t *work)
{
    run_paced(container_of(work, struct worker_job, work));
}

static void over_by_uv(uv_work_t *work, int status)
{
    struct worker_job *job = container_of(work, struct worker_job, work);

    (void)status; /* never cancelled */
    job->over(job);
}

void worker_queue(uv_loop_t *loop, struct worker_job *job, void (*run)(struct worker_job *job),
                  void (*over)(struct worker_job *job))
{
    pthread_once(&once, start_threads);
    *job = (struct worker_job){.run = run, .over = over};
    if (threads_len == 0 || waker_init(&job->waker, loop, on_worker_woken) != 0) {
        int result = uv_queue_work(loop, &job->work, run_by_uv, over_by_uv);
        assert(result == 0); /* libuv refuses only work without a function */
        (void)result;
        return;
    }
    pthread_mutex_lock(&mutex);
    list_push(&jobs, &job->node);
    pthread_cond_signal(&came);
    pthread_mutex_unlock(&mutex);
}
