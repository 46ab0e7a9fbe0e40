#include "docker/agent/hold.h"

#include "docker/agent/files.h"
#include "docker/agent/look.h"
#include "docker/agent/system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define PATH_MAX_READ 1024 /* bytes with the NUL: what is longer is odd */
#define STOPS_MAX 256      /* looked at in one go */

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

static long trace(long request, pid_t pid, uintptr_t address, uintptr_t data)
{
    return syscall(SYS_ptrace, request, (long)pid, address, data);
}

static void say(struct hold *hold, bool held)
{
    uint8_t payload[FRAME_PREPARED_SIZE] = {0};
    if (!hold->owed)
        return;
    hold->owed = false;
    frame_put32(payload, held);
    frame_put64(payload + 8, held ? hold->ready.usage : 0);
    outlet_put(hold->outlet, FRAME_PREPARED, 0, payload, sizeof payload);
}

void hold_start(struct hold *hold, const struct job *job)
{
    struct spawn_failure failure;
    hold->owed = true;
    hold->job = job;
    hold->last = HOLD_NOWHERE;
    hold->backlog = false;
    hold->looked_hidden = false;
    hold->before = cgroup_read(hold->cgroup);
    hold->limits = cgroup_read_limits(hold->cgroup);
    if (spawn(job->run.argv, job->envp, true, &hold->program, &failure) < 0) {
        say(hold, false);
        return;
    }
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

/* A compile step may look around, and at its end everything is killed: what is held can't sit through it. */
bool hold_fits(struct hold *hold, const struct job *job)
{
    hold->owed = false;
    return (hold->state == HOLD_PREPARING || hold->state == HOLD_HELD) && !job->compile.present &&
           !(hold->looked_hidden && job->brings_hidden) && same(hold->job->run.argv, job->run.argv) &&
           same(hold->job->envp, job->envp) && same_limits(hold);
}

static uint64_t cpu_time(pid_t pid)
{
    clockid_t clock;
    struct timespec used = {0};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        return 0;
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* A fresh process would be counted from the memory that there is now, without the held one's. While it is
 * still preparing nobody knows how much of what was added is its own: all of it, then. */
static struct cgroup_counts count_from(const struct hold *hold)
{
    struct cgroup_counts now = cgroup_read(hold->cgroup);
    uint64_t own = hold->ready.usage > hold->before.usage ? hold->ready.usage - hold->before.usage : 0;
    if (hold->state == HOLD_PREPARING)
        now.usage = hold->before.usage;
    else
        now.usage -= own < now.usage ? own : now.usage;
    now.peak = hold->before.peak;
    return now;
}

bool hold_release(struct hold *hold, struct hold_released *out)
{
    *out = (struct hold_released){
        .program = hold->program, .before = count_from(hold), .cpu_ns = cpu_time(hold->program.pid)};
    out->program.started = system_clock();
    if (hold->state == HOLD_HELD && trace(PTRACE_DETACH, hold->program.pid, 0, 0) < 0)
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
    hold->backlog = true;
}

/* What its other threads may have written; the working folder has the job's files by now. */
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

/* The string at `address` in the process's memory. False where it is too long, or not to be read. */
static bool read_path(pid_t pid, uintptr_t address, char out[PATH_MAX_READ])
{
    for (size_t n = 0; n < PATH_MAX_READ; n += sizeof(long)) {
        long word;
        if (trace(PTRACE_PEEKDATA, pid, address + n, (uintptr_t)&word) < 0)
            return false;
        memcpy(out + n, &word, sizeof word);
        if (memchr(out + n, '\0', sizeof word))
            return true;
    }
    return false;
}

enum stop { GO_ON, STAY, GIVE_UP };

static enum stop at_call(struct hold *hold)
{
    struct __ptrace_syscall_info info = {0};
    char path[PATH_MAX_READ];
    uint64_t address = 0;
    pid_t pid = hold->program.pid;
    hold->last = hold->last == HOLD_INSIDE ? HOLD_OUTSIDE : HOLD_INSIDE;
    if (hold->last == HOLD_OUTSIDE)
        return GO_ON;
    if (trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, (uintptr_t)&info) < 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY || info.arch != ARCHITECTURE)
        return GIVE_UP;
    if (hold->job->hold == FRAME_HOLD_GETUID && info.entry.nr == SYS_getuid)
        return STAY;
    struct look_call call = {.number = info.entry.nr};
    memcpy(call.args, info.entry.args, sizeof call.args);
    enum look look = look_call(&call, &address);
    if (look == LOOK_PATH)
        look = read_path(pid, address, path) ? look_path(&call, path) : LOOK_YES;
    hold->looked_hidden |= look == LOOK_HIDDEN;
    return look == LOOK_YES ? STAY : GO_ON;
}

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

/* The first stop is the one after exec, and tells what the later ones are to look like. */
static enum stop at_start(struct hold *hold, int status)
{
    hold->last = HOLD_OUTSIDE;
    if (WSTOPSIG(status) != SIGTRAP || trace(PTRACE_SETOPTIONS, hold->program.pid, 0, OPTIONS) < 0)
        return GIVE_UP;
    return GO_ON;
}

static bool stops_the_process(int number)
{
    return number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

/* What a stop of the process means; *number is the signal to go on with. */
static enum stop at_stop(struct hold *hold, int status, int *number)
{
    *number = 0;
    if (hold->last == HOLD_NOWHERE)
        return at_start(hold, status);
    if (WSTOPSIG(status) == (SIGTRAP | 0x80))
        return at_call(hold);
    if (status >> 16 == PTRACE_EVENT_EXEC)
        return GO_ON;
    *number = WSTOPSIG(status);
    return stops_the_process(*number) ? GIVE_UP : GO_ON;
}

static void held(struct hold *hold)
{
    hold->ready = cgroup_read(hold->cgroup);
    set_state(hold, HOLD_HELD);
    say(hold, true);
}

static void take_stop(struct hold *hold, int status)
{
    int number;
    switch (at_stop(hold, status, &number)) {
    case STAY:
        held(hold);
        return;
    case GO_ON: /* where it fails the process is being killed: that comes next */
        (void)trace(PTRACE_SYSCALL, hold->program.pid, 0, (uintptr_t)number);
        return;
    case GIVE_UP:
        hold_end(hold);
    }
}

static void take_child(struct hold *hold, pid_t pid, int status)
{
    if (hold->state == HOLD_ENDING)
        return; /* the signal is on its way */
    if (hold->state != HOLD_PREPARING || pid != hold->program.pid || !WIFSTOPPED(status))
        hold_end(hold);
    else
        take_stop(hold, status);
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
