/* A job's way: worker_queue -> the queue -> worker_thread: run() -> on_worker_woken -> on_worker_closed: over(). */
#include "base/worker.h"

#include "base/container_of.h"
#include "base/pace.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct list jobs; /* that wait */
static bool ending;
static uv_sem_t came; /* as often as jobs came; pthread_cond_signal() may wait for the thread that it woke before */
static pthread_t threads[WORKER_THREADS];
static unsigned threads_len;

/* NULL: the process ends. */
static struct worker_job *next_job(void)
{
    uv_sem_wait(&came);
    pthread_mutex_lock(&mutex);
    struct list *node = ending ? NULL : list_shift(&jobs);
    pthread_mutex_unlock(&mutex);
    return node != NULL ? container_of(node, struct worker_job, node) : NULL;
}

/* The loop may free the job as soon as it is woken. */
static void *worker_thread(void *arg)
{
    struct worker_job *job;

    while ((job = next_job()) != NULL) {
        pace_begin();
        job->run(job);
        pace_end();
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
    if (uv_sem_init(&came, 0) != 0)
        return;
    while (threads_len < WORKER_THREADS && pthread_create(&threads[threads_len], NULL, worker_thread, NULL) == 0)
        threads_len++;
    (void)pthread_atfork(NULL, NULL, forget_threads); /* fails for want of memory; then a child waits at its end */
}

/* When the process ends. What still waits is not done: its loop is gone. */
static void __attribute__((destructor)) end_threads(void)
{
    if (threads_len == 0)
        return;
    pthread_mutex_lock(&mutex);
    ending = true;
    pthread_mutex_unlock(&mutex);
    for (unsigned i = 0; i < threads_len; i++)
        uv_sem_post(&came);
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

/* On the loop, without a thread. */

static void on_timer_closed(uv_handle_t *timer)
{
    struct worker_job *job = timer->data;

    job->over(job);
}

static void on_worker_timer(uv_timer_t *timer)
{
    struct worker_job *job = timer->data;

    job->run(job);
    uv_close((uv_handle_t *)timer, on_timer_closed);
}

static void run_on_loop(uv_loop_t *loop, struct worker_job *job)
{
    uv_timer_init(loop, &job->timer);
    job->timer.data = job;
    uv_timer_start(&job->timer, on_worker_timer, 0, 0);
}

void worker_queue(uv_loop_t *loop, struct worker_job *job, void (*run)(struct worker_job *job),
                  void (*over)(struct worker_job *job))
{
    pthread_once(&once, start_threads);
    *job = (struct worker_job){.run = run, .over = over};
    if (threads_len == 0 || waker_init(&job->waker, loop, on_worker_woken) != 0) {
        run_on_loop(loop, job);
        return;
    }
    pthread_mutex_lock(&mutex);
    list_push(&jobs, &job->node);
    pthread_mutex_unlock(&mutex);
    uv_sem_post(&came);
}
