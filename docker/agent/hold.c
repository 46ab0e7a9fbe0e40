#include "docker/agent/hold.h"

#include "docker/agent/files.h"
#include "docker/agent/system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOPS_MAX 256 /* looked at in one go */

static void set_state(struct hold *hold, enum hold_state next)
{
#define TO(state) (1u << (state))
    static const unsigned after[HOLD_STATES] = {
        [HOLD_NONE] = TO(HOLD_PREPARING),
        [HOLD_PREPARING] = TO(HOLD_HELD) | TO(HOLD_ENDING) | TO(HOLD_NONE),
        [HOLD_HELD] = TO(HOLD_ENDING) | TO(HOLD_NONE),
        [HOLD_ENDING] = TO(HOLD_NONE),
    };
    if (!(after[hold->state] & TO(next)))
        system_end();
#undef TO
    hold->state = next;
}

static void say(struct hold *hold, bool held)
{
    uint8_t payload[FRAME_PREPARED_SIZE];
    if (!hold->owed)
        return;
    hold->owed = false;
    frame_prepared_put(payload, &(struct frame_prepared){.held = held, .bytes = held ? hold->ready.usage : 0});
    outlet_put(hold->outlet, FRAME_PREPARED, 0, payload, sizeof payload);
}

/* The one that a job begins with. */
static const struct job_step *first_step(const struct job *job)
{
    return job->compile.present ? &job->compile : &job->run;
}

void hold_start(struct hold *hold, const struct job *job)
{
    struct spawn_failure failure;
    hold->owed = true;
    hold->job = job;
    hold->backlog = false;
    hold->children_ns = 0;
    hold->before = cgroup_read(hold->cgroup);
    hold->limits = cgroup_read_limits(hold->cgroup);
    if (spawn(first_step(job)->argv, job->envp, first_step(job)->spec.memory_bytes, true, &hold->program, &failure) <
        0) {
        say(hold, false);
        return;
    }
    trace_begin(&hold->trace, hold->program.pid, job->hold);
    hold->deadline = hold->program.started + HOLD_MS * UINT64_C(1000000);
    set_state(hold, HOLD_PREPARING);
}

static bool same(char *const a[], char *const b[])
{
    while (*a && *b && strcmp(*a, *b) == 0)
        a++, b++;
    return !*a && !*b;
}

static bool same_limits(const struct hold *hold)
{
    struct cgroup_limits now = cgroup_read_limits(hold->cgroup);
    return now.memory == hold->limits.memory && now.processes == hold->limits.processes && now.cpu == hold->limits.cpu;
}

/* It has gone by their not being there. The first file is the program's own, for which a runtime may look to know
 * whether it has a job yet. */
static bool misses_files(const struct trace *trace, const struct job *job)
{
    for (unsigned i = 1; i < job->files_len; i++)
        if (trace_asked(trace, job->names[i]))
            return true;
    return trace->looked_hidden && job->brings_hidden;
}

/* What is held is what the job begins with: a compile step ends by killing all, so nothing could sit through it. */
bool hold_fits(struct hold *hold, const struct job *job)
{
    hold->owed = false;
    return (hold->state == HOLD_PREPARING || hold->state == HOLD_HELD) &&
           hold->job->compile.present == job->compile.present && !misses_files(&hold->trace, job) &&
           same(first_step(hold->job)->argv, first_step(job)->argv) && same(hold->job->envp, job->envp) &&
           first_step(hold->job)->spec.memory_bytes == first_step(job)->spec.memory_bytes && same_limits(hold);
}

static uint64_t cpu_time(pid_t pid)
{
    clockid_t clock;
    struct timespec used = {0};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        return 0;
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

#define CHILDREN_FIELD 14 /* of /proc/PID/stat, behind the name: cutime, then cstime, in ticks; see proc(5) */

/* Of its children that it has waited for. */
static uint64_t waited_time(pid_t pid)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = '\0';
    char *field = strrchr(text, ')'); /* the program's name may hold anything */
    for (int i = 0; field && i < CHILDREN_FIELD; i++)
        field = strchr(field + 1, ' ');
    if (!field)
        return 0;
    uint64_t ticks = strtoull(field, &field, 10);
    ticks += strtoull(field, NULL, 10);
    return ticks * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* Of all processes of the cell but the agent and `pid`, and of those that this one has waited for. */
static uint64_t children_time(pid_t pid)
{
    uint64_t total = waited_time(pid);
    DIR *list = opendir("/proc");
    for (struct dirent *entry = NULL; list && (entry = readdir(list));) {
        long number = strtol(entry->d_name, NULL, 10);
        if (number > 1 && number != pid)
            total += cpu_time((pid_t)number);
    }
    if (list)
        closedir(list);
    return total;
}

bool hold_release(struct hold *hold, struct hold_released *out)
{
    *out = (struct hold_released){.program = hold->program,
                                  .before = {.kills = cgroup_read(hold->cgroup).kills, .peak = hold->before.peak},
                                  .used = cgroup_read_used(hold->cgroup)};
    if (!out->used.known)
        out->cpu_ns = cpu_time(hold->program.pid) + hold->children_ns;
    out->program.started = system_clock();
    if (!trace_release(&hold->trace))
        return false;
    set_state(hold, HOLD_NONE);
    return true;
}

/* Nobody else lives in the cell before its job has begun. */
static void kill_all(void)
{
    if (kill(-1, SIGKILL) < 0 && errno != ESRCH)
        system_end();
}

void hold_end(struct hold *hold)
{
    if (hold->state == HOLD_ENDING)
        return;
    close(hold->program.in);
    close(hold->program.out);
    close(hold->program.err);
    set_state(hold, HOLD_ENDING);
    kill_all();
    trace_forget(&hold->trace);
    hold->backlog = true;
}

/* What it may have made there; the working folder has the job's files by now. */
static int clear_tmp(const struct hold *hold)
{
    int tmp = openat(hold->job->folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return tmp < 0 ? -1 : files_clear(tmp, JOB_FOLDER_NAME);
}

static void nobody_left(struct hold *hold)
{
    if (hold->state != HOLD_ENDING)
        hold_end(hold);
    system_must(clear_tmp(hold));
    set_state(hold, HOLD_NONE);
    say(hold, false);
}

static void held(struct hold *hold)
{
    hold->ready = cgroup_read(hold->cgroup);
    if (hold->job->hold == FRAME_HOLD_OPEN && hold->cgroup->used < 0)
        hold->children_ns = children_time(hold->program.pid);
    set_state(hold, HOLD_HELD);
    say(hold, true);
}

/* An orphan of its own may end, at any time. */
static void take_child(struct hold *hold, pid_t pid, int status)
{
    bool lost = trace_take(&hold->trace, pid, status) == TRACE_LOST;
    if (hold->state == HOLD_ENDING)
        return; /* the signal is on its way */
    if (lost || (pid == hold->program.pid && !WIFSTOPPED(status)))
        hold_end(hold);
    else if (hold->state == HOLD_PREPARING && trace_settled(&hold->trace))
        held(hold);
}

static void look_at_children(struct hold *hold)
{
    for (int i = 0; i < STOPS_MAX; i++) {
        int status;
        pid_t pid = wait4(-1, &status, WNOHANG | __WALL, NULL);
        hold->backlog = pid > 0;
        if (pid < 0 && errno == ECHILD)
            nobody_left(hold);
        if (pid <= 0)
            return;
        take_child(hold, pid, status);
    }
}

uint64_t hold_patience(const struct hold *hold)
{
    uint64_t now = system_clock();
    if (hold->state == HOLD_NONE)
        return UINT64_MAX;
    if (hold->backlog)
        return 0;
    if (hold->state != HOLD_PREPARING)
        return UINT64_MAX;
    return hold->deadline > now ? hold->deadline - now : 0;
}

void hold_advance(struct hold *hold, bool children)
{
    if (hold->state == HOLD_NONE)
        return;
    if (children || hold->backlog)
        look_at_children(hold);
    if (hold->state == HOLD_PREPARING && system_clock() >= hold->deadline)
        hold_end(hold);
    else if (hold->state == HOLD_ENDING)
        kill_all();
}
