/* Process 1 of a cell: takes one job from the attach stream, runs it, says how it went, and stays until
 * the stream ends. frame.h is what it speaks. It sits in one poll and never trusts what the program did:
 * the program's output is bytes, its pipes never block the agent, and its life is the namespace's.
 *
 *   taking ─ START ─ (clearing) ─ stepping ─ DONE or FAILED ─ over
 *        └────────── a frame that does not fit ───────────┘  (said, then the agent ends)
 *   over after DONE ─ RESET ─ taking again, or FAILED and the end
 *
 * clearing: an interpreter that was held ahead, and is not what the job asks for, is still there.
 * The end of the stream, or a failing system call of its own, ends it in any state. */
#include "docker/agent/cgroup.h"
#include "docker/agent/filter.h"
#include "docker/agent/hold.h"
#include "docker/agent/inlet.h"
#include "docker/agent/job.h"
#include "docker/agent/outlet.h"
#include "docker/agent/reset.h"
#include "docker/agent/setup.h"
#include "docker/agent/step.h"
#include "docker/agent/system.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { IN, OUT, SIGNALS, STDIN, STDOUT, STDERR, POLLED };

enum agent_state { TAKING, CLEARING, STEPPING, DONE, OVER, BROKEN, STATES };

static struct agent {
    enum agent_state state;
    int signals, folder;
    size_t fed;      /* bytes of the frame at hand that the program's stdin has taken */
    bool input_over; /* STDIN_END came */
    struct inlet inlet;
    struct outlet outlet;
    struct job jobs[2], *job; /* what PREPARE described stays while its process is held; then comes the job itself */
    struct hold hold;
    struct step step;
    struct cgroup cgroup;
} agent;

static void set_state(enum agent_state next)
{
#define TO(state) (1u << (state))
    static const unsigned after[STATES] = {
        [TAKING] = TO(CLEARING) | TO(STEPPING) | TO(OVER) | TO(BROKEN),
        [CLEARING] = TO(STEPPING) | TO(OVER) | TO(BROKEN),
        [STEPPING] = TO(STEPPING) | TO(DONE) | TO(OVER) | TO(BROKEN), /* compiled, now run */
        [DONE] = TO(TAKING) | TO(BROKEN),                             /* reset */
    };
    if (!(after[agent.state] & TO(next)))
        system_end();
#undef TO
    agent.state = next;
}

static void finish(enum frame_failure failure, int error)
{
    bool fatal = failure == FRAME_FAIL_FRAME || failure == FRAME_FAIL_RESET;
    if (failure)
        outlet_failed(&agent.outlet, failure, error);
    else
        outlet_put(&agent.outlet, FRAME_DONE, 0, NULL, 0);
    set_state(fatal ? BROKEN : failure ? OVER : DONE);
}

static const struct job_step *described(enum frame_step which)
{
    return which == FRAME_STEP_COMPILE ? &agent.job->compile : &agent.job->run;
}

static enum frame_step first_step(void)
{
    return agent.job->compile.present ? FRAME_STEP_COMPILE : FRAME_STEP_RUN;
}

static void start_step(enum frame_step which)
{
    struct spawn_failure failure;
    set_state(STEPPING);
    if (step_start(&agent.step, which, described(which), agent.job->envp, &failure) < 0)
        finish(failure.failure, failure.error);
    else if (which == FRAME_STEP_COMPILE)
        step_input_end(&agent.step);
}

/* Nothing lives in the cell but the agent. */
static void start_steps(void)
{
    if (agent.job->failure)
        finish(agent.job->failure, agent.job->error);
    else
        start_step(first_step());
}

/* Goes on in the process that was held for such a job. False: there is none. */
static bool adopt(void)
{
    struct hold_released released;
    if (!hold_fits(&agent.hold, agent.job) || agent.job->failure || !hold_release(&agent.hold, &released))
        return false;
    set_state(STEPPING);
    step_adopt(&agent.step, first_step(), described(first_step()), &released);
    if (first_step() == FRAME_STEP_COMPILE)
        step_input_end(&agent.step);
    return true;
}

static void start_job(void)
{
    if (agent.hold.state == HOLD_NONE) {
        start_steps();
    } else if (!adopt()) {
        hold_end(&agent.hold);
        set_state(CLEARING);
    }
}

static void say_ready(void)
{
    uint8_t version[FRAME_READY_SIZE];
    frame_ready_put(version, FRAME_VERSION);
    outlet_put(&agent.outlet, FRAME_READY, 0, version, sizeof version);
}

static void open_job(bool first)
{
    agent.job = &agent.jobs[first ? 0 : 1];
    job_open(agent.job, agent.folder, first);
}

static void prepare(void)
{
    hold_start(&agent.hold, agent.job);
    open_job(false);
}

static void step_ended(void)
{
    if (agent.step.which == FRAME_STEP_COMPILE && agent.step.end.exit_code == 0)
        start_step(FRAME_STEP_RUN);
    else
        finish(0, 0);
}

/* Whether the stdin frames that wait may go on their way; before, they hold the server back. */
static bool running(void)
{
    return agent.state == STEPPING && agent.step.which == FRAME_STEP_RUN;
}

/* A frame behind START. False: not now. */
static bool take_input(const struct frame *frame)
{
    bool end = frame->type == FRAME_STDIN_END;
    if ((!end && frame->type != FRAME_STDIN) || (end && frame->length) || frame->step || frame->channel ||
        agent.input_over) {
        finish(FRAME_FAIL_FRAME, 0);
        return false;
    }
    if (!running())
        return false;
    if (!end)
        agent.fed += step_input(&agent.step, frame->payload + agent.fed, frame->length - agent.fed);
    else
        step_input_end(&agent.step);
    agent.input_over = end;
    return agent.fed == (end ? 0 : frame->length);
}

/* Takes the frame; false where it has to wait, or is none. */
static bool take(const struct frame *frame)
{
    if (agent.job->phase == JOB_STARTED) {
        if (!take_input(frame))
            return false;
        agent.fed = 0;
    } else if (!job_take(agent.job, frame)) {
        finish(FRAME_FAIL_FRAME, 0);
        return false;
    } else if (agent.job->phase == JOB_STARTED) {
        start_job();
    } else if (agent.job->phase == JOB_PREPARED) {
        prepare();
    }
    inlet_take(&agent.inlet, frame);
    return true;
}

static void take_reset(void)
{
    int error;
    if (!reset(&agent.folder, &error)) {
        finish(FRAME_FAIL_RESET, error);
        return;
    }
    agent.step.state = STEP_IDLE;
    agent.fed = 0;
    agent.input_over = false;
    open_job(true);
    set_state(TAKING);
    say_ready();
}

/* A frame behind DONE: what is left of the stdin, which is for nobody, then RESET. */
static bool take_after(const struct frame *frame)
{
    bool plain = frame->step == 0 && frame->channel == 0;
    bool empty = plain && frame->length == 0, input = plain && !agent.input_over;
    inlet_take(&agent.inlet, frame);
    if (empty && frame->type == FRAME_RESET)
        take_reset();
    else if (empty && input && frame->type == FRAME_STDIN_END)
        agent.input_over = true;
    else if (!input || frame->type != FRAME_STDIN)
        finish(FRAME_FAIL_FRAME, 0);
    return true;
}

static void take_frames(void)
{
    struct frame frame;
    int found = 0;
    while (agent.state < OVER && (found = inlet_peek(&agent.inlet, &frame)) > 0 &&
           (agent.state == DONE ? take_after(&frame) : take(&frame)))
        ;
    if (agent.state < OVER && found < 0)
        finish(FRAME_FAIL_FRAME, 0);
    if (agent.state >= OVER)
        inlet_clear(&agent.inlet); /* what still comes is for nobody */
}

/* Whether a frame of stdin waits for the program to take more. */
static bool input_waits(void)
{
    struct frame frame;
    return running() && inlet_peek(&agent.inlet, &frame) > 0;
}

static short when(bool wanted, short events)
{
    return wanted ? events : 0;
}

static int wanted_output(int i)
{
    const struct step_stream *stream = &agent.step.streams[i];
    return agent.state == STEPPING && step_wants(&agent.step, stream) ? stream->fd : -1;
}

static uint64_t how_long(void)
{
    if (agent.state == STEPPING)
        return step_patience(&agent.step);
    return agent.state < STEPPING ? hold_patience(&agent.hold) : STEP_FOREVER;
}

/* Waits until something can be done, or the time for it is up. */
static void await(struct pollfd set[POLLED])
{
    uint64_t output = outlet_patience(&agent.outlet), patience = how_long();
    set[IN] = (struct pollfd){STDIN_FILENO, (short)(POLLRDHUP | when(!inlet_full(&agent.inlet), POLLIN)), 0};
    set[OUT] = (struct pollfd){STDOUT_FILENO, when(output == 0, POLLOUT), 0};
    set[SIGNALS] = (struct pollfd){agent.signals, POLLIN, 0};
    set[STDIN] = (struct pollfd){agent.state == STEPPING ? agent.step.input : -1, when(input_waits(), POLLOUT), 0};
    set[STDOUT] = (struct pollfd){wanted_output(0), POLLIN, 0};
    set[STDERR] = (struct pollfd){wanted_output(1), POLLIN, 0};
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
        step_input_end(&agent.step); /* nobody reads it any more */
    for (int i = 0; i < 2; i++)
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
    if (agent.state == CLEARING && agent.hold.state == HOLD_NONE)
        start_steps();
}

static void turn(void)
{
    struct pollfd set[POLLED];
    await(set);
    if (set[IN].revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL) || set[OUT].revents & (POLLERR | POLLNVAL))
        system_end();
    if (set[SIGNALS].revents)
        take_signals();
    if (agent.state == STEPPING)
        serve_step(set);
    else if (agent.state < STEPPING)
        serve_hold(set[SIGNALS].revents != 0);
    if (set[IN].revents && inlet_read(&agent.inlet, STDIN_FILENO) < 0)
        system_end();
    take_frames();
    if (outlet_flush(&agent.outlet, STDOUT_FILENO) < 0 || (agent.state == BROKEN && outlet_empty(&agent.outlet)))
        system_end();
}

int main(void)
{
    setup();
    agent.signals = setup_signals();
    agent.folder = setup_folder();
    open_job(true);
    cgroup_open(&agent.cgroup);
    filter_build();
    agent.step.cgroup = agent.hold.cgroup = &agent.cgroup;
    agent.step.outlet = agent.hold.outlet = &agent.outlet;
    agent.step.trace = &agent.hold.trace;
    reset_open();
    say_ready();
    if (outlet_flush(&agent.outlet, STDOUT_FILENO) < 0)
        system_end();
    for (;;)
        turn();
}
