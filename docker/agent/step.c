#include "docker/agent/step.h"

#include "base/states.h"
#include "docker/agent/report.h"
#include "docker/agent/system.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_TIMEOUT 124 /* as timeout(1) has it */
#define REAP_MAX 256     /* children reaped in one turn: however many end, the deadlines are checked in between */

static const struct states step_states = {
    .next =
        (const uint32_t[STEP_STATES]){
            [STEP_IDLE] = STATE(STEP_RUNNING),
            [STEP_RUNNING] = STATE(STEP_KILLING),
            [STEP_KILLING] = STATE(STEP_DRAINING),
            [STEP_DRAINING] = STATE(STEP_OVER),
            [STEP_OVER] = STATE(STEP_RUNNING) | STATE(STEP_IDLE),
        },
    .count = STEP_STATES,
};

static void step_set_state(struct step *step, enum step_state next)
{
    if (!states_legal(&step_states, step->state, next))
        system_end();
    step->state = next;
}

static void step_run(struct step *step, const struct job_step *what, const struct spawn *program,
                     const struct cgroup_counts *before)
{
    step->first = program->pid;
    step->input = program->in;
    step->streams[0] = (struct step_stream){program->out, FRAME_STDOUT, FRAME_STDOUT_TRUNCATED, what->spec.output_max};
    step->streams[1] = (struct step_stream){program->err, FRAME_STDERR, FRAME_STDERR_TRUNCATED, what->spec.output_max};
    step->streams[2] = (struct step_stream){-1, FRAME_RESULT, 0, what->spec.report_max};
    step->started = program->started;
    step->deadline = program->started + what->spec.timeout_ms * 1000000u;
    step->backlog = false;
    step->rss = 0;
    step->end = (struct frame_step_end){0};
    step->kills_before = before->kills;
    /* Without the kernel's figures the container's limit is the only one. */
    watch_begin(&step->watch, step->cgroup->stat < 0 ? 0 : what->spec.memory_bytes, before->peak, program->started);
    tally_begin(&step->tally, step->cgroup, program->started);
    step_set_state(step, STEP_RUNNING);
}

int step_start(struct step *step, enum frame_step which, const struct job_step *what, char *const envp[],
               struct spawn_failure *failure)
{
    struct spawn program;
    trace_forget(step->trace);
    struct cgroup_counts before = cgroup_read(step->cgroup);
    step->used = cgroup_read_used(step->cgroup);
    if (spawn(what->argv, envp, what->spec.memory_bytes, false, &program, failure) < 0)
        return -1;
    step->which = which;
    step->cpu_before = 0;
    step_run(step, what, &program, &before);
    return 0;
}

/* The backlog makes the next turn look for stops of the process's threads that came before the release. */
void step_adopt(struct step *step, enum frame_step which, const struct job_step *what,
                const struct hold_released *released)
{
    step->which = which;
    step->used = released->used;
    step->cpu_before = released->cpu_ns;
    step_run(step, what, &released->program, &released->before);
    step->backlog = true;
}

size_t step_input(struct step *step, const uint8_t *data, size_t len)
{
    if (step->input < 0)
        return len;
    ssize_t n = write(step->input, data, len);
    if (n >= 0)
        return (size_t)n;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    if (errno != EPIPE)
        system_end();
    step_input_end(step);
    return len;
}

void step_input_end(struct step *step)
{
    if (step->input >= 0)
        close(step->input);
    step->input = -1;
}

bool step_wants(const struct step *step, const struct step_stream *stream)
{
    return stream->fd >= 0 && (stream->left == 0 || outlet_has_room(step->outlet));
}

static void close_stream(struct step_stream *stream)
{
    close(stream->fd);
    stream->fd = -1;
}

void step_output(struct step *step, struct step_stream *stream)
{
    static uint8_t dropped[OUTLET_PART];
    if (!step_wants(step, stream)) /* the other stream may have filled the outlet in this turn */
        return;
    bool drop = stream->left == 0;
    uint8_t *room = drop ? dropped : outlet_room(step->outlet);
    size_t max = drop || stream->left > OUTLET_PART ? OUTLET_PART : (size_t)stream->left;
    ssize_t n = read(stream->fd, room, max);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        if (step->state == STEP_DRAINING) /* the pipe's other end is open only inside a message in a socket */
            close_stream(stream);
        return;
    }
    if (system_must(n) == 0) {
        close_stream(stream);
    } else if (drop) {
        step->end.flags |= stream->truncated;
    } else {
        stream->left -= (uint64_t)n;
        outlet_output(step->outlet, step->which, stream->channel, (size_t)n);
    }
}

static void first_ended(struct step *step, int status)
{
    step->end.wall_ns = system_clock() - step->started;
    step->end.signal = WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0;
    step->end.exit_code = WIFSIGNALED(status) ? 128u + step->end.signal : (uint32_t)WEXITSTATUS(status);
    step_set_state(step, STEP_KILLING);
}

static uint64_t nanoseconds(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static void child_ended(struct step *step, pid_t pid, int status, const struct rusage *usage)
{
    uint64_t rss = (uint64_t)usage->ru_maxrss * 1024u;
    step->end.cpu_ns += nanoseconds(usage->ru_utime) + nanoseconds(usage->ru_stime);
    step->rss = rss > step->rss ? rss : step->rss;
    if (pid == step->first && step->state == STEP_RUNNING)
        first_ended(step, status);
}

/* The agent has no child left, so the cell has no other process: orphans become children of process 1. */
static void step_none_left(struct step *step)
{
    if (step->state != STEP_KILLING)
        return;
    step_set_state(step, STEP_DRAINING);
    if (step->streams[2].left > 0)
        step->streams[2].fd = report_open(step->streams[2].left);
}

void step_children(struct step *step)
{
    for (int i = 0; i < REAP_MAX; i++) {
        int status;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, WNOHANG | __WALL, &usage);
        step->backlog = pid > 0;
        if (pid < 0 && errno == ECHILD)
            step_none_left(step);
        if (pid <= 0)
            return;
        if (trace_take(step->trace, pid, status) == TRACE_FOREIGN)
            child_ended(step, pid, status, &usage);
    }
}

static void step_strike(struct step *step, enum frame_flag why, uint32_t exit_code)
{
    step->end.wall_ns = system_clock() - step->started;
    step->end.exit_code = exit_code;
    step->end.signal = SIGKILL;
    step->end.flags |= why;
    step_set_state(step, STEP_KILLING);
}

static void step_watch(struct step *step)
{
    struct watch_sight sight;
    if (!watch_see(step->cgroup, &sight))
        step->watch.due = system_clock() + WATCH_LATE_NS;
    else if (watch_take(&step->watch, &sight))
        step_strike(step, FRAME_OUT_OF_MEMORY, 128 + SIGKILL);
}

static void step_tally(struct step *step)
{
    if (tally_look(&step->tally, step->cgroup, system_clock()))
        step_strike(step, FRAME_OUT_OF_MEMORY, 128 + SIGKILL);
}

static void step_watch_end(struct step *step)
{
    struct watch_sight sight;
    if (watch_see_end(step->cgroup, &sight))
        (void)watch_take(&step->watch, &sight);
}

/* One kill() should do, because a process that forks gets the signal before its child runs. Each turn repeats it to be
 * sure. */
static void step_kill_all(struct step *step)
{
    step_input_end(step);
    if (kill(-1, SIGKILL) < 0 && errno != ESRCH)
        system_end();
    step_children(step);
}

static bool step_drain(struct step *step)
{
    bool drained = true;
    for (int i = 0; i < STEP_STREAMS; i++) {
        while (step_wants(step, &step->streams[i]))
            step_output(step, &step->streams[i]);
        drained &= step->streams[i].fd < 0;
    }
    return drained;
}

/* The cgroup counts every process. wait4() misses those whose parent ignores SIGCHLD. */
static uint64_t cpu_used(const struct step *step)
{
    struct cgroup_used now = cgroup_read_used(step->cgroup);
    if (now.known && step->used.known)
        return now.ns > step->used.ns ? (uint64_t)(now.ns - step->used.ns) : 0;
    return step->end.cpu_ns > step->cpu_before ? step->end.cpu_ns - step->cpu_before : 0;
}

static void step_report(struct step *step)
{
    uint8_t payload[FRAME_STEP_END_SIZE];
    step_watch_end(step);
    step->end.cpu_ns = cpu_used(step);
    if (cgroup_read(step->cgroup).kills > step->kills_before)
        step->end.flags |= FRAME_OUT_OF_MEMORY;
    step->end.peak_bytes = watch_peak(&step->watch, step->rss);
    frame_step_end_put(payload, &step->end);
    outlet_put(step->outlet, FRAME_STEP_END, (uint8_t)step->which, payload, sizeof payload);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t step_patience(const struct step *step)
{
    uint64_t now = system_clock();
    if (step->backlog || (step->state == STEP_DRAINING && outlet_has_room(step->outlet)))
        return 0;
    if (step->state != STEP_RUNNING)
        return STEP_FOREVER;
    uint64_t next = sooner(sooner(step->watch.due, step->tally.due), step->deadline);
    return next > now ? next - now : 0;
}

void step_advance(struct step *step)
{
    uint64_t now = system_clock();
    if (step->state == STEP_RUNNING && now >= step->deadline)
        step_strike(step, FRAME_TIMED_OUT, EXIT_TIMEOUT);
    else if (step->state == STEP_RUNNING && now >= step->watch.due)
        step_watch(step);
    if (step->state == STEP_RUNNING && now >= step->tally.due)
        step_tally(step);
    if (step->state == STEP_KILLING)
        step_kill_all(step);
    if (step->state == STEP_DRAINING && step_drain(step)) {
        step_report(step);
        step_set_state(step, STEP_OVER);
    }
}

void step_reset(struct step *step)
{
    step_set_state(step, STEP_IDLE);
}
