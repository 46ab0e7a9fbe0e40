/* The struct of runner.h, and the functions that executions call. */
#ifndef CODECELL_RUN_RUNNER_PRIVATE_H
#define CODECELL_RUN_RUNNER_PRIVATE_H

#include "base/list.h"
#include "run/execution_private.h"
#include "run/runner.h"

struct runner {
    struct runner_options options;
    struct scheduler scheduler;
    struct list executions; /* the newest first */
    uv_timer_t timer;       /* fires at scheduler_when() or scheduler_grows() */
    bool draining, scheduling;
    uint32_t kernel_steps;             /* so many were numbered */
    const struct execution *accepting; /* runner_submit() has it in hand: a slot that it gets now was not waited for */
    void (*idle)(void *arg);
    void *idle_arg;
};

/* The execution waits for a slot. It loses its place later (execution_refuse), or 0. -1: the queue is full. */
int runner_queue(struct execution *execution, struct error *error);

/* Gives free slots to queued executions. */
void runner_schedule(struct runner *runner);

/* An execution's last step: it is taken off the list and freed. */
void runner_forget(struct execution *execution);

#endif
