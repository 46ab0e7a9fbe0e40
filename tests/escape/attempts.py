"""Batteries of attempts, in C: each prints "NAME RESULT", where RESULT is an errno's name or "done"."""

HEAD = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
/* Each attempt in a process of its own: one that is killed for it is refused too. */
#define TRY(name, call) do { \
    fflush(stdout); \
    pid_t pid_ = fork(); \
    if (pid_ == 0) { \
        errno = EPERM; /* for an attempt whose first half was refused */ \
        long got_ = (long)(call); \
        printf("%s %s\n", name, got_ < 0 ? strerrorname_np(errno) : "done"); \
        fflush(stdout); \
        _exit(0); \
    } \
    int status_; \
    waitpid(pid_, &status_, 0); \
    if (WIFSIGNALED(status_)) printf("%s %s\n", name, WTERMSIG(status_) == SIGSYS ? "SIGSYS" : "signal"); \
} while (0)
#define CALL(name, ...) TRY(#name, syscall(SYS_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0))
int main(void) {
    char buffer[4096] __attribute__((aligned(16))) = {0};
    (void)buffer;
"""


def battery(lines):
    """The program that makes these attempts."""
    return HEAD + lines + "\nfflush(stdout); return 0; }\n"


def results(server, lines, **fields):
    """Runs the battery; {name: result}."""
    result = server.run(battery(lines), "c", **fields)
    assert result["exit_code"] == 0 and result["stderr"] == "", result
    return dict(line.rsplit(" ", 1) for line in result["stdout"].splitlines())


REFUSED = {"EPERM", "EACCES", "ENOSYS", "SIGSYS"}


def assert_refused(found, also=()):
    """Every attempt was refused; `also` has further errnos that mean a refusal."""
    assert found
    wrong = {name: got for name, got in found.items() if got not in REFUSED | set(also)}
    assert not wrong, wrong
