#include "docker/agent/hold.h"

#include "base/states.h"
#include "docker/agent/files.h"
#include "docker/agent/system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOPS_MAX 256 /* handled in one turn */

static const struct states hold_states = {
    .next =
        (const uint32_t[HOLD_STATES]){
            [HOLD_NONE] = STATE(HOLD_PREPARING),
            [HOLD_PREPARING] = STATE(HOLD_HELD) | STATE(HOLD_ENDING) | STATE(HOLD_NONE),
            [HOLD_HELD] = STATE(HOLD_ENDING) | STATE(HOLD_NONE),
            [HOLD_ENDING] = STATE(HOLD_NONE),
        },
    .count = HOLD_STATES,
};

static void hold_set_state(struct hold *hold, enum hold_state next)
{
    if (!states_legal(&hold_states, hold->state, next))
        system_end();
    hold->state = next;
}

static void hold_answer(struct hold *hold, bool held)
{
    uint8_t payload[FRAME_PREPARED_SIZE];
    if (!hold->owed)
        return;
    hold->owed = false;
    frame_prepared_put(payload, &(struct frame_prepared){.held = held, .bytes = held ? hold->ready.usage : 0});
    outlet_put(hold->outlet, FRAME_PREPARED, 0, payload, sizeof payload);
}

static const struct job_step *hold_first_step(const struct job *job)
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
    const struct spawn_options options = {.argv = hold_first_step(job)->argv,
                                          .envp = job->envp,
                                          .memory = hold_first_step(job)->spec.memory_bytes,
                                          .traced = true};
    if (spawn(&options, &hold->program, &failure) < 0) {
        hold_answer(hold, false);
        return;
    }
    trace_begin(&hold->trace, hold->program.pid, job->hold);
    hold->deadline = hold->program.started + HOLD_MS * UINT64_C(1000000);
    hold_set_state(hold, HOLD_PREPARING);
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

/* Whether the held process has looked in vain for a file that the job brings. The first file does not count: it is the
 * program itself, and runtimes may look for it to learn whether they have a job. */
static bool misses_files(const struct trace *trace, const struct job *job)
{
    for (unsigned i = 1; i < job->files_len; i++)
        if (trace_asked(trace, job->names[i]))
            return true;
    return trace->looked_hidden && job->brings_hidden;
}

/* The process can only be the job's first step, because the agent kills every process at the end of a compile step. */
bool hold_fits(struct hold *hold, const struct job *job)
{
    hold->owed = false;
    return (hold->state == HOLD_PREPARING || hold->state == HOLD_HELD) &&
           hold->job->compile.present == job->compile.present && !misses_files(&hold->trace, job) &&
           same(hold_first_step(hold->job)->argv, hold_first_step(job)->argv) && same(hold->job->envp, job->envp) &&
           hold_first_step(hold->job)->spec.memory_bytes == hold_first_step(job)->spec.memory_bytes &&
           hold_first_step(job)->spec.size.columns == 0 && !hold_first_step(job)->spec.kernel && same_limits(hold);
}

#define CHILDREN_FIELD 14 /* of /proc/PID/stat after the name: cutime, then cstime, in ticks; see proc(5) */

/* CPU time of the children that `pid` has waited for. */
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

/* CPU time of all processes of the cell except the agent and `pid`, and of the children that `pid` has waited for. */
static uint64_t children_time(pid_t pid)
{
    uint64_t total = waited_time(pid);
    DIR *list = opendir("/proc");
    for (struct dirent *entry = NULL; list && (entry = readdir(list));) {
        long number = strtol(entry->d_name, NULL, 10);
        if (number > 1 && number != pid)
            total += system_cpu_ns((pid_t)number);
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
        out->cpu_ns = system_cpu_ns(hold->program.pid) + hold->children_ns;
    out->program.started = system_clock();
    if (!trace_release(&hold->trace))
        return false;
    hold_set_state(hold, HOLD_NONE);
    return true;
}

/* Before the job starts, every process of the cell belongs to the prewarmed one. */
static void hold_kill_all(void)
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
    hold_set_state(hold, HOLD_ENDING);
    hold_kill_all();
    trace_forget(&hold->trace);
    hold->backlog = true;
}

/* Deletes what the process may have made in /tmp, except the working folder, which may have the job's files by now. */
static int clear_tmp(const struct hold *hold)
{
    int tmp = openat(hold->job->folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return tmp < 0 ? -1 : files_clear(tmp, JOB_FOLDER_NAME);
}

static void hold_none_left(struct hold *hold)
{
    if (hold->state != HOLD_ENDING)
        hold_end(hold);
    system_must(clear_tmp(hold));
    hold_set_state(hold, HOLD_NONE);
    hold_answer(hold, false);
}

static void hold_stopped(struct hold *hold)
{
    hold->ready = cgroup_read(hold->cgroup);
    if (hold->job->hold == FRAME_HOLD_OPEN && hold->cgroup->used < 0)
        hold->children_ns = children_time(hold->program.pid);
    hold_set_state(hold, HOLD_HELD);
    hold_answer(hold, true);
}

/* `pid`: the process, a thread of it, or an orphaned child. */
static void take_child(struct hold *hold, pid_t pid, int status)
{
    bool lost = trace_take(&hold->trace, pid, status) == TRACE_LOST;
    if (hold->state == HOLD_ENDING)
        return; /* it has been sent SIGKILL */
    if (lost || (pid == hold->program.pid && !WIFSTOPPED(status)))
        hold_end(hold);
    else if (hold->state == HOLD_PREPARING && trace_settled(&hold->trace))
        hold_stopped(hold);
}

static void look_at_children(struct hold *hold)
{
    for (int i = 0; i < STOPS_MAX; i++) {
        int status;
        pid_t pid = wait4(-1, &status, WNOHANG | __WALL, NULL);
        hold->backlog = pid > 0;
        if (pid < 0 && errno == ECHILD)
            hold_none_left(hold);
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
        hold_kill_all();
}
