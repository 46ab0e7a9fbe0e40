#include "docker/agent/reset.h"

#include "docker/agent/places.h"
#include "docker/agent/proof.h"
#include "docker/agent/system.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)
#define SETTLE_MS 500u /* the kernel frees some things after a process's end: sockets in sockets, deleted files */

void reset_open(void)
{
    places_open();
    proof_open();
}

/* Takes a pending SIGCHLD, or waits for one for `patience` nanoseconds. */
static void take_child_signal(uint64_t patience)
{
    const struct timespec left = {(time_t)(patience / (1000 * NS_PER_MS)), (long)(patience % (1000 * NS_PER_MS))};
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (sigtimedwait(&child, NULL, &left) < 0 && errno != EAGAIN && errno != EINTR)
        system_end();
}

/* After DONE, no process should be left. If one has entered the namespace since, it is killed. The loop ends when
 * kill() finds no process except the agent. */
static int end_processes(uint64_t deadline)
{
    while (kill(-1, SIGKILL) == 0 || errno != ESRCH) {
        pid_t pid;
        while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
            ;
        uint64_t now = system_clock();
        if (now >= deadline) {
            errno = ETIME;
            return -1;
        }
        if (pid == 0 || kill(-1, 0) == 0)
            take_child_signal(NS_PER_MS);
    }
    take_child_signal(0); /* a program may have sent one SIGCHLD to the agent's process and one to its thread */
    take_child_signal(0);
    return 0;
}

static int reset_check(void)
{
    return places_check() < 0 ? -1 : proof_check();
}

/* Sockets that only refer to each other are freed by the kernel when any Unix socket is closed. */
static void collect_sockets(void)
{
    close((int)system_must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
}

/* Checks, and repeats that for SETTLE_MS while something is left. */
static int prove(void)
{
    const uint64_t settled = system_clock() + SETTLE_MS * NS_PER_MS;
    int result;
    while ((result = reset_check()) < 0 && errno == 0 && system_clock() < settled) {
        collect_sockets();
        take_child_signal(NS_PER_MS);
    }
    return result;
}

bool reset(int *folder, int *error)
{
    uint64_t deadline = system_clock() + RESET_MS * NS_PER_MS;
    bool done =
        end_processes(deadline) == 0 && proof_clear_ipc() == 0 && places_clear(folder, deadline) == 0 && prove() == 0;
    *error = done ? 0 : errno;
    return done;
}
