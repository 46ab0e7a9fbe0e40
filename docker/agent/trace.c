#include "docker/agent/trace.h"

#include "base/states.h"
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

#define PATH_MAX_READ 1024 /* bytes with the NUL; a longer path is a look */
#define SYSTEM_CALL (SIGTRAP | 0x80)
#define OPTIONS \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)

/* trace_forget() may end each phase. */
static const struct states trace_phases = {
    .next =
        (const uint32_t[TRACE_PHASES]){
            [TRACE_NONE] = STATE(TRACE_EXECUTING),
            [TRACE_EXECUTING] = STATE(TRACE_STOPPING) | STATE(TRACE_LEAVING) | STATE(TRACE_NONE),
            [TRACE_STOPPING] = STATE(TRACE_FOLLOWING) | STATE(TRACE_LEAVING) | STATE(TRACE_NONE),
            [TRACE_FOLLOWING] = STATE(TRACE_SETTLING) | STATE(TRACE_LEAVING) | STATE(TRACE_NONE),
            [TRACE_SETTLING] = STATE(TRACE_LEAVING) | STATE(TRACE_NONE),
            [TRACE_LEAVING] = STATE(TRACE_NONE),
        },
    .count = TRACE_PHASES,
};

static void trace_set_phase(struct trace *trace, enum trace_phase next)
{
    if (!states_legal(&trace_phases, trace->phase, next))
        system_end();
    trace->phase = next;
}

/* If it fails because the thread is being killed, wait4() will report that. */
static long ptrace_request(long what, pid_t id, uintptr_t address, uintptr_t data)
{
    return syscall(SYS_ptrace, what, (long)id, address, data);
}

static enum trace_news trace_go_on(pid_t id, int number)
{
    (void)ptrace_request(PTRACE_SYSCALL, id, 0, (uintptr_t)number);
    return TRACE_GOES_ON;
}

/* The traced threads. */

static struct trace_thread *trace_find(struct trace *trace, pid_t id)
{
    for (unsigned i = 0; i < trace->threads_len; i++)
        if (trace->threads[i].id == id)
            return &trace->threads[i];
    return NULL;
}

static bool trace_add(struct trace *trace, pid_t id)
{
    if (trace_find(trace, id))
        return true;
    if (trace->threads_len == TRACE_THREADS_MAX)
        return false;
    trace->threads[trace->threads_len++] = (struct trace_thread){.id = id};
    return true;
}

static void trace_remove(struct trace *trace, struct trace_thread *thread)
{
    if (!thread)
        return;
    trace->looking -= thread->looks;
    *thread = trace->threads[--trace->threads_len];
}

static void trace_let_go(struct trace *trace, pid_t id, int number)
{
    (void)ptrace_request(PTRACE_DETACH, id, 0, (uintptr_t)number);
    trace_remove(trace, trace_find(trace, id));
}

/* An interrupted call is restarted by the kernel or fails with EINTR, as under any debugger (signal(7)). */
static void interrupt_others(struct trace *trace)
{
    for (unsigned i = 0; i < trace->threads_len; i++)
        if (!trace->threads[i].looks)
            (void)ptrace_request(PTRACE_INTERRUPT, trace->threads[i].id, 0, 0);
}

/* Whether the id is of a thread of the process; clone() also makes processes. */
static bool is_thread(const struct trace *trace, pid_t id)
{
    return syscall(SYS_tgkill, (long)trace->pid, (long)id, 0l) == 0;
}

/* Whether a call is a look. */

/* Reads the string at `address` in the thread's memory. False: it is too long or unreadable. */
static bool trace_read_path(pid_t id, uintptr_t address, char out[PATH_MAX_READ])
{
    for (size_t n = 0; n < PATH_MAX_READ; n += sizeof(long)) {
        long word;
        if (ptrace_request(PTRACE_PEEKDATA, id, address + n, (uintptr_t)&word) < 0)
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

/* Remembers the name that the process has asked for. If there is no room for it, this is a look. */
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

static enum look trace_look(struct trace *trace, pid_t id, const struct __ptrace_syscall_info *info)
{
    struct look_call call = {.number = info->entry.nr};
    char path[PATH_MAX_READ];
    uint64_t address = 0;
    memcpy(call.args, info->entry.args, sizeof call.args);
    enum look look = look_call(&call, trace->where, &address);
    if (look != LOOK_PATH)
        return look;
    look = trace_read_path(id, address, path) ? look_path(&call, trace->where, path) : LOOK_YES;
    return look == LOOK_ASKS ? remember(trace, path) : look;
}

static enum trace_news trace_hold(struct trace *trace, pid_t id)
{
    trace_find(trace, id)->looks = true;
    trace->looking++;
    if (trace->phase == TRACE_FOLLOWING) {
        trace_set_phase(trace, TRACE_SETTLING);
        interrupt_others(trace);
    }
    return TRACE_GOES_ON;
}

/* A thread has stopped at a system call. In the phase settling, a second thread may come to a look, and stays there. */
static enum trace_news at_call(struct trace *trace, pid_t id)
{
    struct __ptrace_syscall_info info = {0};
    if (ptrace_request(PTRACE_GET_SYSCALL_INFO, id, sizeof info, (uintptr_t)&info) < 0)
        return errno == ESRCH ? TRACE_GOES_ON : TRACE_LOST;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        if (info.arch != ARCHITECTURE)
            return TRACE_LOST;
        enum look look = trace_look(trace, id, &info);
        trace->looked_hidden |= look == LOOK_HIDDEN;
        if (look == LOOK_YES)
            return trace_hold(trace, id);
    } else if (info.op != PTRACE_SYSCALL_INFO_EXIT) {
        return TRACE_LOST;
    }
    if (trace->phase == TRACE_FOLLOWING)
        return trace_go_on(id, 0);
    trace_let_go(trace, id, 0);
    return TRACE_GOES_ON;
}

/* Stops. */

/* The process has stopped after exec. PTRACE_TRACEME can stop threads only by signals, and a signal could remain
 * pending after a thread is detached. So the process is detached, stopped, and attached again with PTRACE_SEIZE. */
static enum trace_news at_start(struct trace *trace, int status)
{
    if (WSTOPSIG(status) != SIGTRAP || ptrace_request(PTRACE_DETACH, trace->pid, 0, SIGSTOP) < 0 ||
        ptrace_request(PTRACE_SEIZE, trace->pid, 0, OPTIONS) < 0)
        return TRACE_LOST;
    trace_set_phase(trace, TRACE_STOPPING);
    return TRACE_GOES_ON;
}

static bool is_group_stop(int status)
{
    return status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
}

/* The process has stopped for SIGSTOP. It cannot notice SIGSTOP and SIGCONT, because it has not begun yet. */
static enum trace_news at_first_stop(struct trace *trace, int status)
{
    if (!is_group_stop(status) || kill(trace->pid, SIGCONT) < 0)
        return TRACE_LOST;
    trace_set_phase(trace, TRACE_FOLLOWING);
    return trace_go_on(trace->pid, 0);
}

/* A thread has made another. We may already have seen the new thread, or it may have exited. If PTRACE_INTERRUPT fails,
 * we do not trace it. */
static enum trace_news at_clone(struct trace *trace, pid_t id)
{
    unsigned long made = 0;
    if (ptrace_request(PTRACE_GETEVENTMSG, id, 0, (uintptr_t)&made) == 0 && is_thread(trace, (pid_t)made) &&
        ptrace_request(PTRACE_INTERRUPT, (pid_t)made, 0, 0) == 0 && !trace_add(trace, (pid_t)made))
        return TRACE_LOST;
    return TRACE_GOES_ON;
}

/* A thread has called exec. It now has the id of the process. wait4() reports the end of all other threads. */
static void at_exec(struct trace *trace)
{
    unsigned long former = 0;
    if (ptrace_request(PTRACE_GETEVENTMSG, trace->pid, 0, (uintptr_t)&former) == 0 && (pid_t)former != trace->pid)
        trace_remove(trace, trace_find(trace, (pid_t)former));
    trace_add(trace, trace->pid);
}

static bool stops_the_process(int number)
{
    return number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

/* A traced thread has stopped, but not at a system call or at its end. */
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

/* A new thread has stopped before its maker's clone() was reported; or a new process, which is not traced. */
static enum trace_news at_unknown(struct trace *trace, pid_t id)
{
    if (!is_thread(trace, id)) {
        trace_let_go(trace, id, 0);
        return TRACE_GOES_ON;
    }
    return trace_add(trace, id) ? TRACE_GOES_ON : TRACE_LOST;
}

/* A thread is about to end, and must be detached to do so. If it was held at a look, the whole process is ending. */
static enum trace_news at_exit(struct trace *trace, pid_t id)
{
    const struct trace_thread *thread = trace_find(trace, id);
    bool looked = thread && thread->looks;
    trace_let_go(trace, id, 0);
    return looked ? TRACE_LOST : TRACE_GOES_ON;
}

static enum trace_news take_stop(struct trace *trace, pid_t id, int status)
{
    int number = status >> 16 == 0 && WSTOPSIG(status) != SYSTEM_CALL ? WSTOPSIG(status) : 0;
    if (!trace_find(trace, id)) {
        enum trace_news news = at_unknown(trace, id);
        if (news == TRACE_LOST || !trace_find(trace, id))
            return news;
    }
    if (WSTOPSIG(status) == SYSTEM_CALL)
        return at_call(trace, id);
    if (at_stop(trace, id, status) == TRACE_LOST)
        return TRACE_LOST;
    if (trace->phase == TRACE_FOLLOWING)
        return trace_go_on(id, number);
    trace_let_go(trace, id, number);
    return TRACE_GOES_ON;
}

/* A stop in the phases none and leaving: detaches the thread, with the signal that it stopped for unless that is a trap
 * of ptrace. It may also be another process of the program that has made us its tracer. If the process was released in
 * the phase stopping, it needs SIGCONT. */
static enum trace_news pass_on(struct trace *trace, pid_t id, int status)
{
    bool event = status >> 16 != 0 || (WSTOPSIG(status) & ~0x80) == SIGTRAP;
    if (trace->phase == TRACE_LEAVING && trace->released_stopping && id == trace->pid && is_group_stop(status)) {
        trace->released_stopping = false;
        (void)kill(id, SIGCONT);
    }
    trace_let_go(trace, id, event ? 0 : WSTOPSIG(status));
    return TRACE_GOES_ON;
}

static enum trace_news take_end(struct trace *trace, pid_t id)
{
    struct trace_thread *thread = trace_find(trace, id);
    bool looked = thread && thread->looks;
    trace_remove(trace, thread);
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
    trace_set_phase(trace, TRACE_LEAVING);
    for (unsigned i = trace->threads_len; i-- > 0;) {
        pid_t id = trace->threads[i].id;
        if (!trace->threads[i].looks)
            continue;
        all &= ptrace_request(PTRACE_DETACH, id, 0, 0) == 0;
        trace_remove(trace, &trace->threads[i]);
    }
    interrupt_others(trace);
    return all;
}

void trace_begin(struct trace *trace, pid_t pid, enum frame_hold where)
{
    *trace = (struct trace){.pid = pid, .where = where};
    trace_add(trace, pid);
    trace_set_phase(trace, TRACE_EXECUTING);
}

void trace_forget(struct trace *trace)
{
    if (trace->phase != TRACE_NONE)
        trace_set_phase(trace, TRACE_NONE);
    trace->threads_len = trace->looking = 0;
}
