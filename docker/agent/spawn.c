#include "docker/agent/spawn.h"

#include "docker/agent/filter.h"
#include "docker/agent/system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE_BYTES 262144 /* asked for; the kernel's 64 KiB where a user's share of pipes is used up */

enum { READ, WRITE };

/* pipes[0..2] become the program's 0, 1 and 2; what goes wrong before exec comes through `report`, which
 * exec closes. */
struct plumbing {
    int pipes[3][2];
    int report[2];
};

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void shut_all(struct plumbing *p)
{
    for (int i = 0; i < 3; i++) {
        shut(&p->pipes[i][READ]);
        shut(&p->pipes[i][WRITE]);
    }
    shut(&p->report[READ]);
    shut(&p->report[WRITE]);
}

static int lay(struct plumbing *p)
{
    *p = (struct plumbing){{{-1, -1}, {-1, -1}, {-1, -1}}, {-1, -1}};
    for (int i = 0; i < 3; i++) {
        if (pipe2(p->pipes[i], O_CLOEXEC) < 0)
            return -1;
        int ours = p->pipes[i][i == 0 ? WRITE : READ];
        if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
            return -1;
        (void)fcntl(ours, F_SETPIPE_SZ, PIPE_BYTES);
    }
    return pipe2(p->report, O_CLOEXEC);
}

/* The kernel looks for the highest oom_score_adj first, so the program dies before the agent. The file
 * is the user's only while the process is dumpable, which nobody is there to make use of. */
static int die_first(void)
{
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
        return -1;
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, "1000", 4);
    close(fd);
    return n == 4 ? 0 : -1;
}

static int become_program(const struct plumbing *p)
{
    sigset_t none;
    sigemptyset(&none);
    umask(022);
    if (setsid() < 0 || die_first() < 0 || signal(SIGPIPE, SIG_DFL) == SIG_ERR)
        return -1;
    for (int i = 0; i < 3; i++)
        if (dup2(p->pipes[i][i == 0 ? READ : WRITE], i) < 0)
            return -1;
    if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
        return -1;
    return filter_apply();
}

static noreturn void child(const struct plumbing *p, char *const argv[], char *const envp[])
{
    struct spawn_failure failure = {.failure = FRAME_FAIL_SYSTEM};
    if (become_program(p) == 0) {
        failure.failure = FRAME_FAIL_EXEC;
        environ = (char **)envp; /* the job's PATH is the one that counts */
        execvp(argv[0], argv);
    }
    failure.error = errno;
    (void)!write(p->report[WRITE], &failure, sizeof failure);
    _exit(127);
}

/* Waits for exec, which closes the report unread. 0, or -1 and what the child said. */
static int await_exec(struct plumbing *p, pid_t pid, struct spawn_failure *failure)
{
    ssize_t n;
    shut(&p->report[WRITE]);
    do
        n = read(p->report[READ], failure, sizeof *failure);
    while (n < 0 && errno == EINTR);
    if (system_must(n) == 0)
        return 0;
    system_must(waitpid(pid, NULL, 0));
    return -1;
}

int spawn(char *const argv[], char *const envp[], struct spawn *out, struct spawn_failure *failure)
{
    struct plumbing p;
    *failure = (struct spawn_failure){.failure = FRAME_FAIL_SYSTEM};
    *out = (struct spawn){.pid = -1};
    if (lay(&p) == 0) {
        out->started = system_clock();
        out->pid = fork();
    }
    if (out->pid == 0)
        child(&p, argv, envp);
    failure->error = errno;
    if (out->pid < 0 || await_exec(&p, out->pid, failure) < 0) {
        shut_all(&p);
        return -1;
    }
    out->in = p.pipes[0][WRITE];
    out->out = p.pipes[1][READ];
    out->err = p.pipes[2][READ];
    p.pipes[0][WRITE] = p.pipes[1][READ] = p.pipes[2][READ] = -1;
    shut_all(&p);
    return 0;
}
