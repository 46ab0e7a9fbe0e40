/* Process 1 of a capsule, or of a cell without capsules. It receives a job over the attach stream
 * (docker/wire/frame.h), runs it, and reports how it ended. It serves one poll() loop and trusts nothing that the
 * program does: output is bytes, a pipe of the program never blocks the agent, and the program cannot outlive the
 * agent, which is process 1 of its namespace.
 *
 *            ┌──────────────────── another job ────────────────────┐
 *   OPEN ─ taking ── START ── (clearing) ── stepping ── DONE ── done
 *              │                               └── FAILED ── over  │
 *              └─ RESET ─ (the end) ─────────────────── RESET ─────┘
 *
 * clearing  the prewarmed process does not fit the job: the agent kills it first
 * over      the job failed; the agent ignores what still comes
 * broken    a frame breaks the rules: the agent sends FAILED and ends
 *
 * In each state the agent ends if the stream ends or one of its own system calls fails. It ends with the exit code 0
 * only after RESET, so that the keeper makes another capsule only then.
 *
 * Started with the argument "capsules", the program is the keeper (keeper.h), and the agent in each capsule. Started
 * with the argument "files", it is none of this, but a tool that a job runs (tool.h). */
#include "base/states.h"
#include "docker/agent/capsule.h"
#include "docker/agent/cgroup.h"
#include "docker/agent/changes.h"
#include "docker/agent/filter.h"
#include "docker/agent/hold.h"
#include "docker/agent/inlet.h"
#include "docker/agent/job.h"
#include "docker/agent/keeper.h"
#include "docker/agent/kernel.h"
#include "docker/agent/outlet.h"
#include "docker/agent/setup.h"
#include "docker/agent/step.h"
#include "docker/agent/system.h"
#include "docker/agent/tool.h"

#include <errno.h>
#include <poll.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { IN, OUT, SIGNALS, STDIN, STDOUT, STDERR, CHANNEL, POLLED };

enum agent_state { AGENT_TAKING, AGENT_CLEARING, AGENT_STEPPING, AGENT_DONE, AGENT_OVER, AGENT_BROKEN, AGENT_STATES };

static struct agent {
    enum agent_state state;
    bool in_capsule; /* a keeper waits for the agent's end */
    int signals, folder;
    size_t fed;       /* bytes of the current STDIN or CODE frame that the program has taken */
    bool input_begun; /* STDIN or STDIN_END came */
    bool input_over;  /* STDIN_END came */
    struct inlet inlet;
    struct outlet outlet;
    struct job jobs[2], *job; /* jobs[0]: what PREPARE ended, else the first job; jobs[1]: each other job */
    struct hold hold;
    struct step step;
    struct kernel kernel;
    struct changes changes;
    struct cgroup cgroup;
} agent;

static const struct states agent_states = {
    .next =
        (const uint32_t[AGENT_STATES]){
            [AGENT_TAKING] = STATE(AGENT_CLEARING) | STATE(AGENT_STEPPING) | STATE(AGENT_OVER) | STATE(AGENT_BROKEN),
            [AGENT_CLEARING] = STATE(AGENT_STEPPING) | STATE(AGENT_OVER) | STATE(AGENT_BROKEN),
            /* AGENT_STEPPING follows itself when the compile step has ended and the run step starts. */
            [AGENT_STEPPING] = STATE(AGENT_STEPPING) | STATE(AGENT_DONE) | STATE(AGENT_OVER) | STATE(AGENT_BROKEN),
            [AGENT_DONE] = STATE(AGENT_TAKING) | STATE(AGENT_BROKEN),
        },
    .count = AGENT_STATES,
};

static void agent_set_state(enum agent_state next)
{
    if (!states_legal(&agent_states, agent.state, next))
        system_end();
    agent.state = next;
}

static void agent_say_done(void)
{
    uint8_t payload[FRAME_DONE_SIZE];
    bool changed = !agent.job->run.spec.changes || changes_look(&agent.changes, JOB_FOLDER);
    frame_done_put(payload, &(struct frame_done){.kernel = kernel_lives(&agent.kernel), .changed = changed});
    outlet_put(&agent.outlet, FRAME_DONE, 0, payload, sizeof payload);
}

static void agent_finish(enum frame_failure failure, int error)
{
    if (failure)
        outlet_failed(&agent.outlet, failure, error);
    else
        agent_say_done();
    agent_set_state(failure == FRAME_FAIL_FRAME ? AGENT_BROKEN : failure ? AGENT_OVER : AGENT_DONE);
}

static const struct job_step *described(enum frame_step which)
{
    return which == FRAME_STEP_COMPILE ? &agent.job->compile : &agent.job->run;
}

static enum frame_step agent_first_step(void)
{
    return agent.job->compile.present ? FRAME_STEP_COMPILE : FRAME_STEP_RUN;
}

static void start_step(enum frame_step which)
{
    struct spawn_failure failure;
    agent_set_state(AGENT_STEPPING);
    if (step_start(&agent.step, which, described(which), agent.job->envp, &failure) < 0)
        agent_finish(failure.failure, failure.error);
    else if (which == FRAME_STEP_COMPILE)
        step_input_close(&agent.step);
}

/* There is no other process in the agent's namespace, except a kernel. */
static void start_steps(void)
{
    if (agent.job->failure)
        agent_finish(agent.job->failure, agent.job->error);
    else
        start_step(agent_first_step());
}

/* Starts the job in the prewarmed process. False: it does not fit the job, or cannot be released. */
static bool adopt(void)
{
    struct hold_released released;
    if (!hold_fits(&agent.hold, agent.job) || agent.job->failure || !hold_release(&agent.hold, &released))
        return false;
    agent_set_state(AGENT_STEPPING);
    step_adopt(&agent.step, agent_first_step(), described(agent_first_step()), &released);
    if (agent_first_step() == FRAME_STEP_COMPILE)
        step_input_close(&agent.step);
    return true;
}

static void agent_start_job(void)
{
    if (agent.hold.state == HOLD_NONE) {
        start_steps();
    } else if (!adopt()) {
        hold_end(&agent.hold);
        agent_set_state(AGENT_CLEARING);
    }
}

static void open_job(enum job_turn turn)
{
    agent.job = &agent.jobs[turn == JOB_FIRST ? 0 : 1];
    job_open(agent.job, agent.folder, turn);
}

static void agent_prepare(void)
{
    hold_start(&agent.hold, agent.job);
    open_job(JOB_PREPARED_FOR);
}

static void step_ended(void)
{
    if (agent.step.which == FRAME_STEP_COMPILE && agent.step.end.exit_code == 0)
        start_step(FRAME_STEP_RUN);
    else
        agent_finish(0, 0);
}

/* Whether the program that reads standard input runs. Until then, STDIN frames stay in the inlet. */
static bool running(void)
{
    return agent.state == AGENT_STEPPING && agent.step.which == FRAME_STEP_RUN;
}

/* The end must wait if a terminal does not take its character. */
static bool take_input_end(void)
{
    agent.input_over = step_input_end(&agent.step);
    return agent.input_over;
}

/* Whether it is SIGNAL or RESIZE, which it takes. */
static bool take_order(const struct frame *frame)
{
    uint32_t number;
    struct frame_size size;
    if (frame->step != 0 || frame->channel != 0)
        return false;
    if (frame->type == FRAME_SIGNAL && frame_signal_get(frame, &number)) {
        if (running())
            step_signal(&agent.step, number);
        return true;
    }
    if (frame->type != FRAME_RESIZE || agent.job->run.spec.size.columns == 0 || !frame_resize_get(frame, &size))
        return false;
    agent.job->run.spec.size = size; /* which it starts with */
    if (running())
        step_resize(&agent.step, &size);
    return true;
}

static bool is_input(const struct frame *frame)
{
    if (frame->step != 0 || frame->channel != 0 || agent.input_over)
        return false;
    if (frame->type == FRAME_CODE)
        return agent.job->run.spec.kernel && !agent.input_begun;
    return frame->type == FRAME_STDIN || (frame->type == FRAME_STDIN_END && frame->length == 0);
}

/* Takes a frame of standard input, or of a kernel's code. False: it stays in the inlet, whole or with its last bytes.
 */
static bool take_input(const struct frame *frame)
{
    if (!is_input(frame)) {
        agent_finish(FRAME_FAIL_FRAME, 0);
        return false;
    }
    agent.input_begun |= frame->type != FRAME_CODE;
    if (!running())
        return false;
    if (frame->type == FRAME_STDIN_END)
        return take_input_end();
    const uint8_t *data = frame->payload + agent.fed;
    size_t len = frame->length - agent.fed;
    agent.fed += frame->type == FRAME_CODE ? step_code(&agent.step, data, len) : step_input(&agent.step, data, len);
    return agent.fed == frame->length;
}

/* The kernel ends everything in the capsule with its process 1. */
static noreturn void leave_capsule(void)
{
    _exit(0);
}

static bool is_reset(const struct frame *frame)
{
    return agent.in_capsule && frame->type == FRAME_RESET && frame->step == 0 && frame->channel == 0 &&
           frame->length == 0;
}

/* Takes one frame. False: it stays in the inlet, or it broke the rules. */
static bool take_frame(const struct frame *frame)
{
    if (agent.state == AGENT_TAKING && is_reset(frame))
        leave_capsule();
    if (agent.job->phase == JOB_STARTED) {
        if (!take_order(frame) && !take_input(frame))
            return false;
        agent.fed = 0;
    } else if (!job_take(agent.job, frame)) {
        agent_finish(FRAME_FAIL_FRAME, 0);
        return false;
    } else if (agent.job->phase == JOB_STARTED) {
        agent_start_job();
    } else if (agent.job->phase == JOB_PREPARED) {
        agent_prepare();
    }
    inlet_take(&agent.inlet, frame);
    return true;
}

/* The working folder and /tmp stay as the last job has left them. The program may have moved the folder. */
static bool take_next_job(const struct frame *frame)
{
    agent_set_state(AGENT_TAKING);
    close(agent.folder);
    agent.folder = setup_folder();
    agent.input_begun = agent.input_over = false;
    agent.fed = 0;
    open_job(JOB_LATER);
    return take_frame(frame);
}

static bool is_kernel_end(const struct frame *frame)
{
    return agent.input_over && frame->type == FRAME_KERNEL_END && frame->step == 0 && frame->channel == 0 &&
           frame->length == 0;
}

/* Takes a frame after DONE: input that the program has not read, and orders that came too late, which are dropped; then
 * RESET, the kernel's end, or another job. */
static bool take_after(const struct frame *frame)
{
    bool late = take_order(frame), ends = is_kernel_end(frame), input = is_input(frame);
    if (is_reset(frame))
        leave_capsule();
    if (!late && !ends && agent.input_over)
        return take_next_job(frame);
    if (ends)
        kernel_end(&agent.kernel);
    else if (input && frame->type != FRAME_CODE)
        agent.input_begun = true, agent.input_over = frame->type == FRAME_STDIN_END;
    else if (!input && !late)
        agent_finish(FRAME_FAIL_FRAME, 0);
    inlet_take(&agent.inlet, frame);
    return true;
}

static void take_frames(void)
{
    struct frame frame;
    int found = 0;
    while (agent.state < AGENT_OVER && (found = inlet_peek(&agent.inlet, &frame)) > 0 &&
           (agent.state == AGENT_DONE ? take_after(&frame) : take_frame(&frame)))
        ;
    if (agent.state < AGENT_OVER && found < 0)
        agent_finish(FRAME_FAIL_FRAME, 0);
    if (agent.state >= AGENT_OVER)
        inlet_clear(&agent.inlet);
}

/* Whether a frame waits in the inlet until the program's pipe, or with `code` the kernel's channel, takes more. */
static bool input_waits(bool code)
{
    struct frame frame;
    return running() && inlet_peek(&agent.inlet, &frame) > 0 && (frame.type == FRAME_CODE) == code;
}

static short events_if(bool wanted, short events)
{
    return wanted ? events : 0;
}

static int wanted_output(int i)
{
    const struct step_stream *stream = &agent.step.streams[i];
    return agent.state == AGENT_STEPPING && step_wants(&agent.step, stream) ? stream->fd : -1;
}

static uint64_t how_long(void)
{
    if (agent.state == AGENT_STEPPING)
        return step_patience(&agent.step);
    return agent.state < AGENT_STEPPING ? hold_patience(&agent.hold) : STEP_FOREVER;
}

static struct pollfd wanted_channel(void)
{
    const struct step_stream *channel = &agent.step.streams[2];
    bool stepping = agent.state == AGENT_STEPPING && agent.step.kernels;
    bool in = stepping && step_wants(&agent.step, channel), out = stepping && input_waits(true);
    return (struct pollfd){in || out ? channel->fd : -1, (short)(events_if(in, POLLIN) | events_if(out, POLLOUT)), 0};
}

/* Waits for a descriptor, a signal, or the next deadline. */
static void agent_await(struct pollfd set[POLLED])
{
    uint64_t output = outlet_patience(&agent.outlet), patience = how_long();
    set[IN] = (struct pollfd){STDIN_FILENO, (short)(POLLRDHUP | events_if(!inlet_full(&agent.inlet), POLLIN)), 0};
    set[OUT] = (struct pollfd){STDOUT_FILENO, events_if(output == 0, POLLOUT), 0};
    set[SIGNALS] = (struct pollfd){agent.signals, POLLIN, 0};
    set[STDIN] = (struct pollfd){agent.state == AGENT_STEPPING ? agent.step.input : -1,
                                 events_if(input_waits(false), POLLOUT), 0};
    set[STDOUT] = (struct pollfd){wanted_output(0), POLLIN, 0};
    set[STDERR] = (struct pollfd){wanted_output(1), POLLIN, 0};
    set[CHANNEL] = wanted_channel();
    if (output > 0 && output < patience)
        patience = output;
    struct timespec left = {(time_t)(patience / 1000000000u), (long)(patience % 1000000000u)};
    if (ppoll(set, POLLED, patience == STEP_FOREVER ? NULL : &left, NULL) < 0 && errno != EINTR)
        system_end();
}

static void take_signals(void)
{
    struct signalfd_siginfo info;
    if (read(agent.signals, &info, sizeof info) < 0 && errno != EAGAIN)
        system_end();
}

static void serve_step(const struct pollfd set[POLLED])
{
    if (set[STDIN].revents & POLLERR)
        step_input_close(&agent.step); /* the program has closed its standard input */
    for (int i = 0; i < STEP_STREAMS; i++)
        if (set[STDOUT + i].revents)
            step_output(&agent.step, &agent.step.streams[i]);
    if (set[SIGNALS].revents || agent.step.backlog)
        step_children(&agent.step);
    step_advance(&agent.step);
    if (agent.step.state == STEP_OVER)
        step_ended();
}

static void serve_hold(bool children)
{
    hold_advance(&agent.hold, children);
    if (agent.state == AGENT_CLEARING && agent.hold.state == HOLD_NONE)
        start_steps();
}

static void agent_turn(void)
{
    struct pollfd set[POLLED];
    agent_await(set);
    if (set[IN].revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL) || set[OUT].revents & (POLLERR | POLLNVAL))
        system_end();
    if (set[SIGNALS].revents)
        take_signals();
    if (agent.state == AGENT_STEPPING)
        serve_step(set);
    else if (agent.state < AGENT_STEPPING)
        serve_hold(set[SIGNALS].revents != 0);
    if (set[IN].revents && inlet_read(&agent.inlet, STDIN_FILENO) < 0)
        system_end();
    take_frames();
    if (outlet_flush(&agent.outlet, STDOUT_FILENO) < 0 || (agent.state == AGENT_BROKEN && outlet_empty(&agent.outlet)))
        system_end();
}

/* Reads one frame of this length, and not a byte more. */
static struct frame read_exactly(uint8_t *data, size_t len)
{
    struct frame frame;
    for (size_t at = 0; at < len;) {
        struct pollfd set = {STDIN_FILENO, POLLIN, 0};
        ssize_t n = read(STDIN_FILENO, data + at, len - at);
        if (n == 0 || (n < 0 && (errno != EAGAIN || poll(&set, 1, -1) < 0)))
            system_end();
        at += n > 0 ? (size_t)n : 0;
    }
    if (frame_read(data, len, &frame) != (long)len)
        system_end();
    return frame;
}

/* Another number: the bytes are an earlier agent's. */
static struct frame_open take_open(uint64_t number)
{
    uint8_t bytes[FRAME_HEADER + FRAME_OPEN_SIZE];
    struct frame frame = read_exactly(bytes, sizeof bytes);
    struct frame_open open;
    if (frame.type != FRAME_OPEN || !frame_open_get(&frame, &open) || open.number != number)
        system_end();
    return open;
}

static void open_capsule(void)
{
    struct capsule capsule = keeper_run(&agent.cgroup);
    struct frame_open open = take_open(capsule.number);
    capsule_open(&capsule, &open);
    agent.in_capsule = true;
}

static void open_container(void)
{
    uint64_t number = keeper_draw();
    keeper_say_ready(&agent.cgroup, number);
    (void)take_open(number);
}

int main(int argc, char **argv)
{
    if (tool_is_meant(argc, argv))
        return tool_main(argc, argv);
    setup();
    cgroup_open(&agent.cgroup);
    filter_build();
    if (argc == 2 && strcmp(argv[1], "capsules") == 0)
        open_capsule();
    else
        open_container();
    setup_session();
    agent.signals = setup_signals();
    agent.folder = setup_folder();
    open_job(JOB_FIRST);
    cgroup_open_own(&agent.cgroup);
    agent.step.cgroup = agent.hold.cgroup = &agent.cgroup;
    agent.step.outlet = agent.hold.outlet = &agent.outlet;
    agent.step.trace = &agent.hold.trace;
    agent.step.kernel = &agent.kernel;
    for (;;)
        agent_turn();
}
