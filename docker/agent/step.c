#include "docker/agent/step.h"

#include "base/states.h"
#include "docker/agent/report.h"
#include "docker/agent/system.h"
#include "docker/agent/terminal.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_TIMEOUT 124  /* as timeout(1) has it */
#define QUELL_NS 1000000u /* until the next try: what a kernel's own children do, the agent does not hear */
#define REAP_MAX 256      /* children reaped in one turn: however many end, the deadlines are checked in between */

static const struct states step_states = {
    .next =
        (const uint32_t[STEP_STATES]){
            [STEP_IDLE] = STATE(STEP_RUNNING),
            [STEP_RUNNING] = STATE(STEP_KILLING),
            [STEP_KILLING] = STATE(STEP_DRAINING),
            [STEP_DRAINING] = STATE(STEP_OVER),
            [STEP_OVER] = STATE(STEP_RUNNING),
        },
    .count = STEP_STATES,
};

static void step_set_state(struct step *step, enum step_state next)
{
    if (!states_legal(&step_states, step->state, next))
        system_end();
    step->state = next;
}

static struct step_stream step_stream(int fd, enum frame_channel channel, enum frame_flag truncated, uint64_t left)
{
    return (struct step_stream){.fd = fd, .channel = channel, .truncated = truncated, .left = left};
}

static void step_run(struct step *step, const struct job_step *what, const struct spawn *program,
                     const struct cgroup_counts *before)
{
    step->first = program->pid;
    step->input = program->in;
    step->theirs = program->theirs;
    step->typed = '\n';
    step->streams[0] = step_stream(program->out, FRAME_STDOUT, FRAME_STDOUT_TRUNCATED, what->spec.output_max);
    step->streams[1] = step_stream(program->err, FRAME_STDERR, FRAME_STDERR_TRUNCATED, what->spec.output_max);
    step->streams[2] = step_stream(-1, FRAME_RESULT, 0, what->spec.report_max);
    step->started = program->started;
    step->deadline = program->started + what->spec.timeout_ms * 1000000u;
    step->backlog = false;
    step->rss = 0;
    step->end = (struct frame_step_end){0};
    step->kills_before = before->kills;
    /* Without the kernel's figures the container's limit is the only one. */
    watch_begin(&step->watch, step->cgroup->stat < 0 ? 0 : what->spec.memory_bytes, before->peak, program->started);
    tally_begin(&step->tally, step->cgroup, program->started);
    if (kernel_lives(step->kernel) && !(step->kernels && step->kernel->fresh) && step->watch.due != UINT64_MAX)
        step->watch.due = program->started; /* the kernel holds something already */
    step_set_state(step, STEP_RUNNING);
}

/* In a step of its own a kernel has its CPU time from before. */
static int step_enter_kernel(struct step *step, const struct job_step *what, char *const envp[],
                             const struct cgroup_counts *before, struct spawn_failure *failure)
{
    struct kernel_entry entry;
    if (kernel_enter(step->kernel, what, envp, &entry, failure) < 0)
        return -1;
    step->kernels = true;
    step->which = FRAME_STEP_RUN;
    step->cpu_before = step->kernel->fresh ? 0 : system_cpu_ns(step->kernel->pid);
    step_run(step, what, &entry.program, before);
    step->streams[2].fd = entry.channel;
    return 0;
}

/* A kernel may have taken all processes that the cell may have, with its threads and with children for which it does
 * not wait. Then it makes room: without the job its workspace could not even be saved. */
static int step_spawn(struct step *step, const struct spawn_options *options, struct spawn *program,
                      struct spawn_failure *failure)
{
    int spawned = spawn(options, program, failure);
    if (spawned == 0 || failure->error != EAGAIN || !kernel_lives(step->kernel))
        return spawned;
    kernel_end(step->kernel);
    return spawn(options, program, failure);
}

int step_start(struct step *step, enum frame_step which, const struct job_step *what, char *const envp[],
               struct spawn_failure *failure)
{
    const struct spawn_options options = {
        .argv = what->argv, .envp = envp, .memory = what->spec.memory_bytes, .size = what->spec.size};
    struct spawn program;
    trace_forget(step->trace);
    struct cgroup_counts before = cgroup_read(step->cgroup);
    step->used = cgroup_read_used(step->cgroup);
    if (what->spec.kernel)
        return step_enter_kernel(step, what, envp, &before, failure);
    if (step_spawn(step, &options, &program, failure) < 0)
        return -1;
    step->kernels = false;
    step->which = which;
    step->cpu_before = 0;
    step_run(step, what, &program, &before);
    return 0;
}

/* The backlog makes the next turn look for stops of the process's threads that came before the release. */
void step_adopt(struct step *step, enum frame_step which, const struct job_step *what,
                const struct hold_released *released)
{
    step->kernels = false;
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
    if (n > 0)
        step->typed = data[n - 1];
    if (n >= 0)
        return (size_t)n;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    if (errno != EPIPE)
        system_end();
    step_input_close(step);
    return len;
}

void step_input_close(struct step *step)
{
    if (step->input >= 0)
        close(step->input);
    step->input = -1;
}

bool step_input_end(struct step *step)
{
    uint8_t end[2];
    if (step->theirs >= 0 && step->input >= 0) {
        size_t len = terminal_end_of_file(step->input, step->typed, end);
        if (step_input(step, end, len) < len)
            return false;
    }
    step_input_close(step);
    return true;
}

size_t step_code(struct step *step, const uint8_t *data, size_t len)
{
    return step->state == STEP_RUNNING ? kernel_code(step->kernel, step->streams[2].fd, data, len) : len;
}

void step_signal(const struct step *step, uint32_t number)
{
    pid_t group = step->theirs >= 0 ? terminal_foreground(step->streams[0].fd) : 0;
    if (step->state != STEP_RUNNING) /* its first process has been reaped, and its number may be another's */
        return;
    if (step->kernels)
        kernel_signal(step->kernel, number);
    else if (group <= 1 || kill(-group, (int)number) < 0)
        (void)kill(-step->first, (int)number);
}

void step_resize(const struct step *step, const struct frame_size *size)
{
    if (step->theirs >= 0)
        terminal_resize(step->streams[0].fd, size);
}

static bool is_channel(const struct step *step, const struct step_stream *stream)
{
    return step->kernels && stream == &step->streams[2];
}

bool step_wants(const struct step *step, const struct step_stream *stream)
{
    bool drops = stream->left == 0 && !is_channel(step, stream);
    return stream->fd >= 0 && !stream->dry && (drops || outlet_has_room(step->outlet));
}

static void close_stream(struct step_stream *stream)
{
    close(stream->fd);
    stream->fd = -1;
}

/* Nothing more comes now. In a pipe that no process has, the other end may still be open inside a message in a socket.
 */
static void stream_is_empty(struct step *step, struct step_stream *stream)
{
    if (step->state != STEP_DRAINING)
        return;
    if (step->kernels && kernel_stays(step->kernel))
        stream->dry = true;
    else
        close_stream(stream);
}

/* Messages from the kernel's channel. */
static void step_messages(struct step *step, struct step_stream *stream)
{
    static uint8_t came[OUTLET_PART];
    ssize_t n = read(stream->fd, came, sizeof came - FRAME_MESSAGE_HEAD);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        stream_is_empty(step, stream);
    } else if (n <= 0) { /* also ECONNRESET: it has not read all of its code */
        kernel_closed(step->kernel);
        close_stream(stream);
    } else {
        size_t relayed = kernel_take(step->kernel, came, (size_t)n, outlet_room(step->outlet));
        if (relayed > 0)
            outlet_output(step->outlet, step->which, stream->channel, relayed);
    }
}

void step_output(struct step *step, struct step_stream *stream)
{
    static uint8_t dropped[OUTLET_PART];
    if (!step_wants(step, stream)) /* the other stream may have filled the outlet in this turn */
        return;
    if (is_channel(step, stream)) {
        step_messages(step, stream);
        return;
    }
    bool drop = stream->left == 0;
    uint8_t *room = drop ? dropped : outlet_room(step->outlet);
    size_t max = drop || stream->left > OUTLET_PART ? OUTLET_PART : (size_t)stream->left;
    ssize_t n = read(stream->fd, room, max);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        stream_is_empty(step, stream);
        return;
    }
    if (n < 0 && errno == EIO && step->state == STEP_DRAINING) /* the terminal has hung up */
        n = 0;
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

/* Its kernel has said END. What it said decides, even if the kernel has ended meanwhile. */
static void kernel_ended(struct step *step)
{
    step->end.exit_code = step->kernel->exit_code;
    step->end.signal = 0;
}

static void child_ended(struct step *step, pid_t pid, int status, const struct rusage *usage)
{
    uint64_t rss = (uint64_t)usage->ru_maxrss * 1024u;
    step->end.cpu_ns += nanoseconds(usage->ru_utime) + nanoseconds(usage->ru_stime);
    step->rss = rss > step->rss ? rss : step->rss;
    if (pid == step->first && step->state == STEP_RUNNING)
        first_ended(step, status);
}

/* The cell has no other process, except a kernel that stays. */
static void step_none_left(struct step *step)
{
    if (step->state != STEP_KILLING)
        return;
    step_set_state(step, STEP_DRAINING);
    step->kernel->stop_by = 0;
    if (step->theirs >= 0)
        close(step->theirs);
    step->theirs = -1;
    if (!step->kernels && step->streams[2].left > 0)
        step->streams[2].fd = report_open(step->streams[2].left);
}

void step_children(struct step *step)
{
    for (int i = 0; i < REAP_MAX; i++) {
        int status;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, WNOHANG | __WALL | kernel_wait_options(step->kernel), &usage);
        step->backlog = pid > 0;
        if (pid < 0 && errno == ECHILD) /* orphans would be children of process 1, which the agent is */
            step_none_left(step);
        if (pid <= 0)
            return;
        if (!kernel_child(step->kernel, pid, status) && trace_take(step->trace, pid, status) == TRACE_FOREIGN)
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
    if (!watch_see(step->cgroup, step->first, &sight))
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
    bool lives = kernel_lives(step->kernel);
    if (lives ? watch_see(step->cgroup, step->kernel->pid, &sight) : watch_see_end(step->cgroup, &sight))
        (void)watch_take(&step->watch, &sight);
}

/* What is left is the kernel, which stood still before the others were looked for, and still does. */
static void step_spare_kernel(struct step *step)
{
    bool rests = kernel_quell(step->kernel);
    step_children(step);
    if (!kernel_stays(step->kernel)) /* it has ended, or will not stand still: the next turn kills all */
        step->backlog = true;
    else if (rests && step->kernel->stopped)
        step_none_left(step);
}

/* One kill() should do, because a process that forks gets the signal before its child runs. Each turn repeats it to be
 * sure. */
static void step_kill_all(struct step *step)
{
    step_input_close(step);
    if (kernel_stays(step->kernel)) {
        step_spare_kernel(step);
        return;
    }
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
        drained &= step->streams[i].fd < 0 || step->streams[i].dry;
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

/* The flags that only a kernel's step has. */
static void step_leave_kernel(struct step *step)
{
    const struct kernel *kernel = step->kernel;
    if (kernel->ended)
        kernel_ended(step);
    if (kernel_lives(kernel))
        step->end.cpu_ns += system_cpu_ns(kernel->pid);
    kernel_leave(step->kernel, step->streams[0].fd, step->streams[1].fd, step->streams[2].fd);
    step->end.flags |= (kernel->fresh ? FRAME_KERNEL_NEW : 0u) | (kernel->interrupted ? FRAME_INTERRUPTED : 0u) |
                       (kernel->left_out ? FRAME_REPORT_TRUNCATED : 0u) |
                       (kernel_lives(kernel) ? FRAME_KERNEL_LIVES : 0u);
}

static void step_report(struct step *step)
{
    uint8_t payload[FRAME_STEP_END_SIZE];
    step_watch_end(step);
    if (step->kernels)
        step_leave_kernel(step);
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
    if (step->state == STEP_KILLING && kernel_stays(step->kernel))
        return QUELL_NS;
    if (step->state != STEP_RUNNING)
        return STEP_FOREVER;
    uint64_t next = sooner(sooner(step->watch.due, step->tally.due), step->deadline);
    if (step->kernels)
        next = sooner(next, step->kernel->closed_by);
    return next > now ? next - now : 0;
}

/* A kernel's step is over when it says END. Its channel may break, and its time limit only interrupts it at first. */
static void step_look_at_kernel(struct step *step, uint64_t now)
{
    struct kernel *kernel = step->kernel;
    if (step->state != STEP_RUNNING)
        return;
    if (kernel->broken || now >= kernel->closed_by) {
        kernel->broken = true;
        step_strike(step, 0, 128 + SIGKILL);
    } else if (kernel->ended) {
        step->end.wall_ns = now - step->started;
        step_set_state(step, STEP_KILLING);
    } else if (now >= step->deadline && !(step->end.flags & FRAME_TIMED_OUT)) {
        step->end.flags |= FRAME_TIMED_OUT;
        step->deadline = now + FRAME_KERNEL_GRACE_MS * UINT64_C(1000000);
        kernel_signal(kernel, SIGINT);
    }
}

void step_advance(struct step *step)
{
    uint64_t now = system_clock();
    if (step->kernels)
        step_look_at_kernel(step, now);
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
