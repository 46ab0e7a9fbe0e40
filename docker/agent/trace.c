#include "docker/agent/trace.h"

#include "docker/agent/files.h"
#include "docker/agent/look.h"
#include "docker/agent/system.h"

#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define PATH_MAX_READ 1024 /* bytes with the NUL: what is longer is odd */
#define SYSTEM_CALL (SIGTRAP | 0x80)
#define OPTIONS \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)

static void set_phase(struct trace *trace, enum trace_phase next)
{
#define TO(phase) (1u << (phase))
    static const unsigned after[TRACE_PHASES] = {
        [TRACE_NONE] = TO(TRACE_EXECUTING),
        [TRACE_EXECUTING] = TO(TRACE_STOPPING) | TO(TRACE_LEAVING),
        [TRACE_STOPPING] = TO(TRACE_FOLLOWING) | TO(TRACE_LEAVING),
        [TRACE_FOLLOWING] = TO(TRACE_SETTLING) | TO(TRACE_LEAVING),
        [TRACE_SETTLING] = TO(TRACE_LEAVING),
    };
    if (!(after[trace->phase] & TO(next)))
        system_end();
#undef TO
    trace->phase = next;
}

/* Where it fails the thread is being killed: that comes next. */
static long request(long what, pid_t id, uintptr_t address, uintptr_t data)
{
    return syscall(SYS_ptrace, what, (long)id, address, data);
}

static enum trace_news go_on(pid_t id, int number)
{
    (void)request(PTRACE_SYSCALL, id, 0, (uintptr_t)number);
    return TRACE_GOES_ON;
}

/* The threads that are known. */

static struct trace_thread *find(struct trace *trace, pid_t id)
{
    for (unsigned i = 0; i < trace->threads_len; i++)
        if (trace->threads[i].id == id)
            return &trace->threads[i];
    return NULL;
}

static bool add(struct trace *trace, pid_t id)
{
    if (find(trace, id))
        return true;
    if (trace->threads_len == TRACE_THREADS_MAX)
        return false;
    trace->threads[trace->threads_len++] = (struct trace_thread){.id = id};
    return true;
}

static void remove_thread(struct trace *trace, struct trace_thread *thread)
{
    if (!thread)
        return;
    trace->looking -= thread->looks;
    *thread = trace->threads[--trace->threads_len];
}

static void let_go(struct trace *trace, pid_t id, int number)
{
    (void)request(PTRACE_DETACH, id, 0, (uintptr_t)number);
    remove_thread(trace, find(trace, id));
}

/* A call that waits is begun again by the kernel, or ends with EINTR, as by any debugger (signal(7)). */
static void interrupt_others(struct trace *trace)
{
    for (unsigned i = 0; i < trace->threads_len; i++)
        if (!trace->threads[i].looks)
            (void)request(PTRACE_INTERRUPT, trace->threads[i].id, 0, 0);
}

/* clone() makes processes too. */
static bool is_thread(const struct trace *trace, pid_t id)
{
    return syscall(SYS_tgkill, (long)trace->pid, (long)id, 0l) == 0;
}

/* Whether a call is the one that was waited for. */

/* The string at `address` in the thread's memory. False where it is too long, or not to be read. */
static bool read_path(pid_t id, uintptr_t address, char out[PATH_MAX_READ])
{
    for (size_t n = 0; n < PATH_MAX_READ; n += sizeof(long)) {
        long word;
        if (request(PTRACE_PEEKDATA, id, address + n, (uintptr_t)&word) < 0)
            return false;
        memcpy(out + n, &word, sizeof word);
        if (memchr(out + n, '\0', sizeof word))
            return true;
    }
    return false;
}

bool trace_asked(const struct trace *trace, uint64_t name)
{
    for (unsigned i = 0; i < trace->asked_len; i++)
        if (trace->asked[i] == name)
            return true;
    return false;
}

/* What is remembered of it; a look where no more can be. */
static enum look remember(struct trace *trace, const char *path)
{
    const char *name = look_name(path);
    uint64_t hash = files_name_hash(name, strlen(name));
    if (trace_asked(trace, hash))
        return LOOK_ASKS;
    if (trace->asked_len == TRACE_ASKED_MAX)
        return LOOK_YES;
    trace->asked[trace->asked_len++] = hash;
    return LOOK_ASKS;
}

static enum look look_at(struct trace *trace, pid_t id, const struct __ptrace_syscall_info *info)
{
    struct look_call call = {.number = info->entry.nr};
    char path[PATH_MAX_READ];
    uint64_t address = 0;
    memcpy(call.args, info->entry.args, sizeof call.args);
    enum look look = look_call(&call, trace->where, &address);
    if (look != LOOK_PATH)
        return look;
    look = read_path(id, address, path) ? look_path(&call, trace->where, path) : LOOK_YES;
    return look == LOOK_ASKS ? remember(trace, path) : look;
}

static enum trace_news stay(struct trace *trace, pid_t id)
{
    find(trace, id)->looks = true;
    trace->looking++;
    if (trace->phase == TRACE_FOLLOWING) {
        set_phase(trace, TRACE_SETTLING);
        interrupt_others(trace);
    }
    return TRACE_GOES_ON;
}

/* While it settles, too: who gets to a look then stays at it. */
static enum trace_news at_call(struct trace *trace, pid_t id)
{
    struct __ptrace_syscall_info info = {0};
    if (request(PTRACE_GET_SYSCALL_INFO, id, sizeof info, (uintptr_t)&info) < 0)
        return errno == ESRCH ? TRACE_GOES_ON : TRACE_LOST;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        if (info.arch != ARCHITECTURE)
            return TRACE_LOST;
        enum look look = look_at(trace, id, &info);
        trace->looked_hidden |= look == LOOK_HIDDEN;
        if (look == LOOK_YES)
            return stay(trace, id);
    } else if (info.op != PTRACE_SYSCALL_INFO_EXIT) {
        return TRACE_LOST;
    }
    if (trace->phase == TRACE_FOLLOWING)
        return go_on(id, 0);
    let_go(trace, id, 0);
    return TRACE_GOES_ON;
}

/* Stops. */

/* PTRACE_TRACEME's way of stopping threads is with signals, which would be left behind where one is let go: so it is
 * let go here, stopped, and seized. */
static enum trace_news at_start(struct trace *trace, int status)
{
    if (WSTOPSIG(status) != SIGTRAP || request(PTRACE_DETACH, trace->pid, 0, SIGSTOP) < 0 ||
        request(PTRACE_SEIZE, trace->pid, 0, OPTIONS) < 0)
        return TRACE_LOST;
    set_phase(trace, TRACE_STOPPING);
    return TRACE_GOES_ON;
}

static bool is_group_stop(int status)
{
    return status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
}

/* Which, and that it goes on by then, cannot be seen by a program that has not begun. */
static enum trace_news at_first_stop(struct trace *trace, int status)
{
    if (!is_group_stop(status) || kill(trace->pid, SIGCONT) < 0)
        return TRACE_LOST;
    set_phase(trace, TRACE_FOLLOWING);
    return go_on(trace->pid, 0);
}

/* A new thread may have been heard of before, and may even have ended since: who can't be interrupted is not traced. */
static enum trace_news at_clone(struct trace *trace, pid_t id)
{
    unsigned long made = 0;
    if (request(PTRACE_GETEVENTMSG, id, 0, (uintptr_t)&made) == 0 && is_thread(trace, (pid_t)made) &&
        request(PTRACE_INTERRUPT, (pid_t)made, 0, 0) == 0 && !add(trace, (pid_t)made))
        return TRACE_LOST;
    return TRACE_GOES_ON;
}

/* Who executes a program is the process's first thread from then on; of the others that end is heard. */
static void at_exec(struct trace *trace)
{
    unsigned long former = 0;
    if (request(PTRACE_GETEVENTMSG, trace->pid, 0, (uintptr_t)&former) == 0 && (pid_t)former != trace->pid)
        remove_thread(trace, find(trace, (pid_t)former));
    add(trace, trace->pid);
}

static bool stops_the_process(int number)
{
    return number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

/* Of a thread that is known, but for its calls and its end. */
static enum trace_news at_stop(struct trace *trace, pid_t id, int status)
{
    switch (status >> 16) {
    case 0:
        return stops_the_process(WSTOPSIG(status)) ? TRACE_LOST : TRACE_GOES_ON;
    case PTRACE_EVENT_CLONE:
        return at_clone(trace, id);
    case PTRACE_EVENT_EXEC:
        at_exec(trace);
        return TRACE_GOES_ON;
    default:
        return is_group_stop(status) ? TRACE_LOST : TRACE_GOES_ON;
    }
}

/* One more thread, whose stop came before its maker's; or a process, which is not followed. */
static enum trace_news at_unknown(struct trace *trace, pid_t id)
{
    if (!is_thread(trace, id)) {
        let_go(trace, id, 0);
        return TRACE_GOES_ON;
    }
    return add(trace, id) ? TRACE_GOES_ON : TRACE_LOST;
}

/* It ends; who was held ends only with the others. Nothing but being let go gets it past this stop. */
static enum trace_news at_exit(struct trace *trace, pid_t id)
{
    const struct trace_thread *thread = find(trace, id);
    bool looked = thread && thread->looks;
    let_go(trace, id, 0);
    return looked ? TRACE_LOST : TRACE_GOES_ON;
}

static enum trace_news take_stop(struct trace *trace, pid_t id, int status)
{
    int number = status >> 16 == 0 && WSTOPSIG(status) != SYSTEM_CALL ? WSTOPSIG(status) : 0;
    if (!find(trace, id)) {
        enum trace_news news = at_unknown(trace, id);
        if (news == TRACE_LOST || !find(trace, id))
            return news;
    }
    if (WSTOPSIG(status) == SYSTEM_CALL)
        return at_call(trace, id);
    if (at_stop(trace, id, status) == TRACE_LOST)
        return TRACE_LOST;
    if (trace->phase == TRACE_FOLLOWING)
        return go_on(id, number);
    let_go(trace, id, number);
    return TRACE_GOES_ON;
}

/* Of anybody, also of a program's child that made us its tracer: it goes on, with the signal that it stopped for. A
 * trap is tracing's own. Where the process was seized and its stop not heard of yet, it must be told to go on. */
static enum trace_news pass_on(struct trace *trace, pid_t id, int status)
{
    bool event = status >> 16 != 0 || (WSTOPSIG(status) & ~0x80) == SIGTRAP;
    if (trace->phase == TRACE_LEAVING && trace->released_stopping && id == trace->pid && is_group_stop(status)) {
        trace->released_stopping = false;
        (void)kill(id, SIGCONT);
    }
    let_go(trace, id, event ? 0 : WSTOPSIG(status));
    return TRACE_GOES_ON;
}

static enum trace_news take_end(struct trace *trace, pid_t id)
{
    struct trace_thread *thread = find(trace, id);
    bool looked = thread && thread->looks;
    remove_thread(trace, thread);
    if (!thread || id == trace->pid)
        return TRACE_FOREIGN;
    return looked ? TRACE_LOST : TRACE_GOES_ON;
}

enum trace_news trace_take(struct trace *trace, pid_t id, int status)
{
    if (!WIFSTOPPED(status))
        return take_end(trace, id);
    if (status >> 16 == PTRACE_EVENT_EXIT)
        return at_exit(trace, id);
    switch (trace->phase) {
    case TRACE_EXECUTING:
        return at_start(trace, status);
    case TRACE_STOPPING:
        return at_first_stop(trace, status);
    case TRACE_FOLLOWING:
    case TRACE_SETTLING:
        return take_stop(trace, id, status);
    default:
        return pass_on(trace, id, status);
    }
}

bool trace_settled(const struct trace *trace)
{
    return trace->phase == TRACE_SETTLING && trace->looking > 0 && trace->looking == trace->threads_len;
}

bool trace_release(struct trace *trace)
{
    bool all = true;
    trace->released_stopping = trace->phase == TRACE_STOPPING;
    set_phase(trace, TRACE_LEAVING);
    for (unsigned i = trace->threads_len; i-- > 0;) {
        pid_t id = trace->threads[i].id;
        if (!trace->threads[i].looks)
            continue;
        all &= request(PTRACE_DETACH, id, 0, 0) == 0;
        remove_thread(trace, &trace->threads[i]);
    }
    interrupt_others(trace);
    return all;
}

void trace_begin(struct trace *trace, pid_t pid, enum frame_hold where)
{
    *trace = (struct trace){.pid = pid, .where = where};
    add(trace, pid);
    set_phase(trace, TRACE_EXECUTING);
}

void trace_forget(struct trace *trace)
{
    trace->phase = TRACE_NONE;
    trace->threads_len = trace->looking = 0;
}
