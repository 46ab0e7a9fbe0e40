/* Process 1 of a cell. It receives a job over the attach stream (docker/wire/frame.h), runs it, and reports how it
 * ended. It serves one poll() loop and trusts nothing that the program does: output is bytes, a pipe of the program
 * never blocks the agent, and the program cannot outlive the agent, which is process 1 of its namespace.
 *
 *   taking ── START ── (clearing) ── stepping ── DONE ── done ── RESET ── taking
 *                                       └── FAILED ── over
 *
 * clearing  the prewarmed process does not fit the job: the agent kills it first
 * over      the job failed; the agent ignores what still comes
 * broken    a frame breaks the rules, or a reset failed: the agent sends FAILED and ends
 *
 * In each state the agent ends if the stream ends or one of its own system calls fails. */
#include "base/states.h"
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

enum agent_state { AGENT_TAKING, AGENT_CLEARING, AGENT_STEPPING, AGENT_DONE, AGENT_OVER, AGENT_BROKEN, AGENT_STATES };

static struct agent {
    enum agent_state state;
    int signals, folder;
    size_t fed;      /* bytes of the current STDIN frame that the program's pipe has taken */
    bool input_over; /* STDIN_END came */
    struct inlet inlet;
    struct outlet outlet;
    struct job jobs[2], *job; /* jobs[0]: what PREPARE ended, else the job; jobs[1]: the job after PREPARE */
    struct hold hold;
    struct step step;
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

static void agent_finish(enum frame_failure failure, int error)
{
    bool fatal = failure == FRAME_FAIL_FRAME || failure == FRAME_FAIL_RESET;
    if (failure)
        outlet_failed(&agent.outlet, failure, error);
    else
        outlet_put(&agent.outlet, FRAME_DONE, 0, NULL, 0);
    agent_set_state(fatal ? AGENT_BROKEN : failure ? AGENT_OVER : AGENT_DONE);
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
        step_input_end(&agent.step);
}

/* The agent is the only process in the cell. */
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
        step_input_end(&agent.step);
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

static void agent_prepare(void)
{
    hold_start(&agent.hold, agent.job);
    open_job(false);
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

/* Takes a frame after START. False: it stays in the inlet, whole or with its last bytes. */
static bool take_input(const struct frame *frame)
{
    bool end = frame->type == FRAME_STDIN_END;
    if ((!end && frame->type != FRAME_STDIN) || (end && frame->length) || frame->step || frame->channel ||
        agent.input_over) {
        agent_finish(FRAME_FAIL_FRAME, 0);
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

/* Takes one frame. False: it stays in the inlet, or it broke the rules. */
static bool take_frame(const struct frame *frame)
{
    if (agent.job->phase == JOB_STARTED) {
        if (!take_input(frame))
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

static void take_reset(void)
{
    int error;
    if (!reset(&agent.folder, &error)) {
        agent_finish(FRAME_FAIL_RESET, error);
        return;
    }
    step_reset(&agent.step);
    agent.fed = 0;
    agent.input_over = false;
    open_job(true);
    agent_set_state(AGENT_TAKING);
    say_ready();
}

/* Takes a frame after DONE: STDIN that the program has not read, which is dropped, then RESET. */
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
        agent_finish(FRAME_FAIL_FRAME, 0);
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

/* Whether a frame waits in the inlet until the program's pipe takes more. */
static bool input_waits(void)
{
    struct frame frame;
    return running() && inlet_peek(&agent.inlet, &frame) > 0;
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

/* Waits for a descriptor, a signal, or the next deadline. */
static void agent_await(struct pollfd set[POLLED])
{
    uint64_t output = outlet_patience(&agent.outlet), patience = how_long();
    set[IN] = (struct pollfd){STDIN_FILENO, (short)(POLLRDHUP | events_if(!inlet_full(&agent.inlet), POLLIN)), 0};
    set[OUT] = (struct pollfd){STDOUT_FILENO, events_if(output == 0, POLLOUT), 0};
    set[SIGNALS] = (struct pollfd){agent.signals, POLLIN, 0};
    set[STDIN] =
        (struct pollfd){agent.state == AGENT_STEPPING ? agent.step.input : -1, events_if(input_waits(), POLLOUT), 0};
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
        step_input_end(&agent.step); /* the program has closed its standard input */
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
        agent_turn();
}
