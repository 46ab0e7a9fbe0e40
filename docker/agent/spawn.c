#include "docker/agent/spawn.h"

#include "docker/agent/filter.h"
#include "docker/agent/system.h"
#include "docker/agent/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE_BYTES 262144 /* wanted; the kernel gives 64 KiB if the user's pipes have reached their limit */

#define STACK_LEAST ((rlim_t)8 << 20) /* Linux's default */

#define CHILD_STACK 131072 /* execvp() copies argv to it if the program is a script without #! */

enum { READ, WRITE };

/* ends[0..2] become the program's 0, 1 and 2. */
struct plumbing {
    int ends[3][2];
};

/* What the child needs, in memory that it shares with the agent until exec. */
struct child {
    const struct spawn_options *options;
    struct plumbing pipes;        /* all closed: it gets the terminal */
    struct terminal terminal;     /* only then */
    struct spawn_failure failure; /* error 0: exec succeeded */
};

static void shut_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void shut_all(struct plumbing *p)
{
    for (int i = 0; i < 3; i++) {
        shut_end(&p->ends[i][READ]);
        shut_end(&p->ends[i][WRITE]);
    }
}

static int lay_pipes(struct plumbing *p)
{
    for (int i = 0; i < 3; i++) {
        if (pipe2(p->ends[i], O_CLOEXEC) < 0)
            return -1;
        int ours = p->ends[i][i == 0 ? WRITE : READ];
        if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
            return -1;
        (void)fcntl(ours, F_SETPIPE_SZ, PIPE_BYTES);
    }
    return 0;
}

static int ask_for_tracer(void)
{
    return (int)syscall(SYS_ptrace, (long)PTRACE_TRACEME, 0l, 0l, 0l);
}

/* The stack's limit is finite because glibc gives each new thread a stack of that size, but only 2 MB if it is
 * unlimited. It is below the memory limit, so that endless recursion is a crash of the program itself. */
static int set_stack(uint64_t memory)
{
    struct rlimit stack;
    rlim_t wanted = memory - memory / 8;
    if (memory == 0)
        return 0;
    if (getrlimit(RLIMIT_STACK, &stack) < 0)
        return -1;
    wanted = wanted > STACK_LEAST ? wanted : STACK_LEAST;
    stack.rlim_cur = wanted < stack.rlim_max ? wanted : stack.rlim_max;
    return setrlimit(RLIMIT_STACK, &stack);
}

static bool has_terminal(const struct spawn_options *options)
{
    return options->size.columns > 0;
}

static int enter_pipes(const struct plumbing *p)
{
    for (int i = 0; i < 3; i++)
        if (dup2(p->ends[i][i == 0 ? READ : WRITE], i) < 0)
            return -1;
    return 0;
}

/* dup2() to the same number would leave it to be closed at exec. */
static int enter_channel(int channel)
{
    if (channel == 0)
        return 0;
    return channel == SPAWN_CHANNEL ? fcntl(channel, F_SETFD, 0) : dup2(channel, SPAWN_CHANNEL);
}

static int become_program(const struct child *child)
{
    sigset_t none;
    sigemptyset(&none);
    umask(022);
    if (setsid() < 0 || signal(SIGPIPE, SIG_DFL) == SIG_ERR)
        return -1;
    if ((has_terminal(child->options) ? terminal_enter(child->terminal.theirs) : enter_pipes(&child->pipes)) < 0)
        return -1;
    if (enter_channel(child->options->channel) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0)
        return -1;
    return child->options->traced && ask_for_tracer() < 0 ? -1 : filter_apply();
}

/* A path goes to execve(), because execvp() would run a file that is not a program in a shell. */
static void execute(char *const argv[])
{
    if (strchr(argv[0], '/'))
        execve(argv[0], argv, environ);
    else
        execvp(argv[0], argv);
}

static int child_main(void *arg)
{
    struct child *child = arg;
    if (set_stack(child->options->memory) == 0 && become_program(child) == 0) {
        child->failure.failure = FRAME_FAIL_EXEC;
        execute(child->options->argv);
    }
    child->failure.error = errno;
    _exit(127);
}

/* Like vfork(): the agent stops until the child has called exec or ended. No memory is copied, and the agent can read
 * what the child wrote into `child`. */
static pid_t start_child(struct child *child)
{
    static _Alignas(16) char stack[CHILD_STACK];
    char **own = environ;
    environ = (char **)child->options->envp; /* so that execvp() uses the job's PATH */
    pid_t pid = clone(child_main, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, child);
    if (pid < 0)
        child->failure.error = errno;
    environ = own;
    return pid;
}

static int lay(struct child *child)
{
    if (has_terminal(child->options))
        return terminal_open(&child->terminal, &child->options->size);
    return lay_pipes(&child->pipes);
}

/* 0, or -1: there is no process. */
static int spawn_start(struct child *child, struct spawn *out)
{
    if (lay(child) < 0) {
        child->failure.error = errno;
        return -1;
    }
    out->started = system_clock();
    out->pid = start_child(child);
    if (out->pid > 0 && child->failure.error)
        system_must(waitpid(out->pid, NULL, 0));
    return child->failure.error ? -1 : 0;
}

static void hand_terminal(struct child *child, struct spawn *out)
{
    out->out = child->terminal.ours;
    out->in = (int)system_must(fcntl(out->out, F_DUPFD_CLOEXEC, 3));
    out->err = -1;
    out->theirs = child->terminal.theirs;
    out->kept = -1;
}

static void hand_pipes(struct child *child, struct spawn *out)
{
    int(*pipes)[2] = child->pipes.ends;
    out->in = pipes[0][WRITE];
    out->out = pipes[1][READ];
    out->err = pipes[2][READ];
    out->theirs = out->kept = -1;
    pipes[0][WRITE] = pipes[1][READ] = pipes[2][READ] = -1;
    if (child->options->channel > 0) {
        out->kept = pipes[0][READ];
        pipes[0][READ] = -1;
    }
    shut_all(&child->pipes);
}

int spawn(const struct spawn_options *options, struct spawn *out, struct spawn_failure *failure)
{
    struct child child = {.options = options,
                          .pipes = {{{-1, -1}, {-1, -1}, {-1, -1}}},
                          .terminal = {-1, -1},
                          .failure = {.failure = FRAME_FAIL_SYSTEM}};
    if (spawn_start(&child, out) < 0) {
        *failure = child.failure;
        shut_all(&child.pipes);
        terminal_shut(&child.terminal);
        return -1;
    }
    if (has_terminal(options))
        hand_terminal(&child, out);
    else
        hand_pipes(&child, out);
    return 0;
}
