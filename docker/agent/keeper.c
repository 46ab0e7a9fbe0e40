#include "docker/agent/keeper.h"

#include "docker/agent/network.h"
#include "docker/agent/shared.h"
#include "docker/agent/system.h"
#include "docker/wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)

uint64_t keeper_draw(void)
{
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        system_end();
    return number;
}

/* The descriptor is not blocking, because the agent shares it. */
static void keeper_write(int fd, const uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        struct pollfd set = {fd, POLLOUT, 0};
        ssize_t n = write(fd, data + at, len - at);
        if (n >= 0)
            at += (size_t)n;
        else if (errno != EAGAIN || poll(&set, 1, -1) < 0)
            system_end();
    }
}

static uint64_t held_without_cache(const struct cgroup *cgroup)
{
    struct cgroup_counts counts = cgroup_read(cgroup);
    struct cgroup_held held;
    if (!cgroup_read_held(cgroup, &held))
        return 0;
    return counts.usage > held.cache ? counts.usage - held.cache : 0;
}

void keeper_say_ready(const struct cgroup *cgroup, uint64_t number)
{
    const struct frame_ready ready = {FRAME_VERSION, number, held_without_cache(cgroup)};
    uint8_t bytes[FRAME_HEADER + FRAME_READY_SIZE];
    frame_header(bytes, FRAME_READY, 0, 0, FRAME_READY_SIZE);
    frame_ready_put(bytes + FRAME_HEADER, &ready);
    keeper_write(STDOUT_FILENO, bytes, sizeof bytes);
    keeper_write(STDERR_FILENO, bytes, sizeof bytes);
}

static noreturn void keeper_fail(struct capsule_report report)
{
    const struct frame_failed failed = {FRAME_FAIL_CAPSULE, (uint32_t)report.error, report.stage};
    uint8_t bytes[FRAME_HEADER + FRAME_FAILED_SIZE];
    frame_header(bytes, FRAME_FAILED, 0, 0, FRAME_FAILED_SIZE);
    frame_failed_put(bytes + FRAME_HEADER, &failed);
    keeper_write(STDERR_FILENO, bytes, sizeof bytes);
    system_end();
}

static noreturn void keeper_fail_at(enum frame_stage stage, int error)
{
    keeper_fail((struct capsule_report){stage, error});
}

/* Sockets that only refer to each other are freed by the kernel when any Unix socket is closed. */
static void collect_sockets(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        keeper_fail_at(FRAME_STAGE_SETTLE, errno);
    close(fd);
}

static uint64_t memory_now(const struct cgroup *cgroup)
{
    struct cgroup_held held;
    if (!cgroup_read_held(cgroup, &held))
        keeper_fail_at(FRAME_STAGE_SETTLE, ENOTSUP);
    return held.memory;
}

/* What a job has held, the kernel may free later than its processes: System V segments, and files in sockets. The next
 * job must not pay for it. */
static void settle(const struct cgroup *cgroup, uint64_t start)
{
    const struct timespec pause = {0, NS_PER_MS};
    uint64_t deadline = system_clock() + KEEPER_SETTLE_MS * NS_PER_MS;
    while (memory_now(cgroup) > start + KEEPER_SLACK) {
        if (system_clock() >= deadline)
            keeper_fail_at(FRAME_STAGE_SETTLE, ETIME);
        collect_sockets();
        (void)nanosleep(&pause, NULL);
    }
}

/* Reads what the capsule tells. False: it has told nothing, and cannot any more. */
static bool take_report(int fd, struct capsule_report *report)
{
    return read(fd, report, sizeof *report) == sizeof *report;
}

/* Follows one capsule from its clone to its end. */
static void follow(const struct cgroup *cgroup, pid_t pid, int fd, uint64_t number)
{
    struct capsule_report report;
    int status;
    bool told = take_report(fd, &report);
    if (told && report.stage != CAPSULE_BUILT)
        keeper_fail(report);
    if (told)
        keeper_say_ready(cgroup, number);
    system_must(waitpid(pid, &status, 0));
    if (take_report(fd, &report))
        keeper_fail(report);
    if (!told || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        system_end();
    close(fd);
}

static void keeper_must(struct capsule_report report)
{
    if (report.stage != CAPSULE_BUILT)
        keeper_fail(report);
}

struct capsule keeper_run(const struct cgroup *cgroup)
{
    struct capsule capsule = {.uid = getuid(), .gid = getgid()};
    uint64_t start = memory_now(cgroup);
    keeper_must(shared_make(&capsule));
    for (;;) {
        int report[2];
        settle(cgroup, start);
        keeper_must(network_renew(&capsule));
        uint64_t number = keeper_draw();
        system_must(pipe2(report, O_CLOEXEC));
        long pid = syscall(SYS_clone, (long)(CAPSULE_NAMESPACES | SIGCHLD), 0l, 0l, 0l, 0l);
        if (pid < 0)
            keeper_fail_at(FRAME_STAGE_CLONE, errno);
        close(report[pid == 0 ? 0 : 1]);
        if (pid == 0) {
            capsule.number = number;
            capsule.report = report[1];
            capsule_build(&capsule);
            return capsule;
        }
        follow(cgroup, (pid_t)pid, report[0], number);
    }
}
