#include "docker/agent/setup.h"

#include "docker/agent/job.h"
#include "docker/agent/system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Only process 1 of a namespace is safe from signals of the other processes in it, and only its end ends them all. */
static void check_first(void)
{
    static const char refusal[] = "codecell-agent: runs only as process 1 of a container\n";
    if (getpid() == 1)
        return;
    (void)!write(STDERR_FILENO, refusal, sizeof refusal - 1);
    system_end();
}

/* Descriptors 0, 1 and 2 must be open, or a pipe would get one of their numbers. All others are closed. */
static void set_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        system_must(fcntl(fd, F_GETFD));
    if (syscall(SYS_close_range, 3l, (long)UINT32_MAX, 0l) < 0) /* Linux before 5.9 */
        for (int fd = 3; fd < 1024; fd++)
            close(fd);
    for (int fd = 0; fd < 2; fd++)
        system_must(fcntl(fd, F_SETFL, system_must(fcntl(fd, F_GETFL)) | O_NONBLOCK));
}

static void set_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number <= SIGRTMAX; number++)
        (void)signal(number, SIG_DFL); /* fails for SIGKILL and SIGSTOP */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        system_end();
    system_must(sigprocmask(SIG_SETMASK, &none, NULL));
}

/* The limit of 1 byte prevents core dumps, because each one is larger. If the host's core_pattern names a program, the
 * kernel starts it as the host's root with any limit, even 0, except 1, which is its own sign for "no core". */
static void set_core(void)
{
    struct rlimit core;
    system_must(getrlimit(RLIMIT_CORE, &core));
    core.rlim_max = core.rlim_max < 1 ? core.rlim_max : 1;
    core.rlim_cur = core.rlim_max;
    system_must(setrlimit(RLIMIT_CORE, &core));
}

static void set_process(void)
{
    system_must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
    system_must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    set_core();
    umask(0); /* so that a file gets the mode that the job says */
}

void setup(void)
{
    check_first();
    set_process();
    set_descriptors();
    set_signals();
}

void setup_session(void)
{
    if (getpgrp() != 1)
        system_must(setsid());
}

int setup_folder(void)
{
    if (mkdir(JOB_FOLDER, 0700) < 0 && errno != EEXIST)
        system_end();
    system_must(chdir(JOB_FOLDER));
    return (int)system_must(open(JOB_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

int setup_signals(void)
{
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    system_must(sigprocmask(SIG_BLOCK, &children, NULL));
    return (int)system_must(signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
}
