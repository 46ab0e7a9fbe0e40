/* What a program cannot ask of the kernel, and what it still can: every check is a role that plays inside
 * and exits with 0, or says which line was wrong. */
#include "agent_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRONG(what)                                                       \
    do {                                                                  \
        dprintf(2, "line %d: %s: %s\n", __LINE__, what, strerror(errno)); \
        return 1;                                                         \
    } while (0)
#define REFUSED_WITH(error, call)             \
    do {                                      \
        errno = 0;                            \
        if ((call) != -1 || errno != (error)) \
            WRONG(#call);                     \
    } while (0)
#define REFUSED(call) REFUSED_WITH(EPERM, call)
#define ALLOWED(call)     \
    do {                  \
        if ((call) == -1) \
            WRONG(#call); \
    } while (0)
#define CALL(...) syscall(__VA_ARGS__, 0L, 0L, 0L, 0L)
#define HIGH_BITS 0x700000000L /* the kernel reads a process id's low half alone */

struct attributes { /* struct sched_attr, which no header of libc's names */
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static int change_the_agent(void)
{
    struct rlimit limit = {10, 10};
    struct sched_param parameter = {0};
    struct attributes attributes = {.size = sizeof(struct attributes)};
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    REFUSED(prlimit(1, RLIMIT_NOFILE, &limit, NULL));
    REFUSED(prlimit(1, RLIMIT_NOFILE, NULL, &limit));
    REFUSED(syscall(SYS_prlimit64, HIGH_BITS + 1, (long)RLIMIT_CPU, &limit, 0L));
    REFUSED(sched_setaffinity(1, sizeof set, &set));
    REFUSED(sched_setscheduler(1, SCHED_IDLE, &parameter));
    REFUSED(sched_setparam(1, &parameter));
    REFUSED(CALL(SYS_sched_setattr, 1L, &attributes));
    REFUSED(setpriority(PRIO_PROCESS, 1, 19));
    REFUSED(setpriority(PRIO_PGRP, 1, 19));
    REFUSED(setpriority(PRIO_USER, 0, 19));
    REFUSED(setpriority(PRIO_USER, getuid(), 19));
    REFUSED(CALL(SYS_ioprio_set, 1L, 1L, 3L << 13));
    REFUSED(CALL(SYS_ioprio_set, 2L, 1L, 3L << 13));
    REFUSED(CALL(SYS_ioprio_set, 3L, (long)getuid(), 3L << 13));
    REFUSED(setpgid(0, 1)); /* its group is in another session */
    return 0;
}

/* Whether a file of process 1 can be opened and read, or written. */
static bool reaches(const char *name, int flags)
{
    char path[64], byte = '1';
    snprintf(path, sizeof path, "/proc/1/%s", name);
    int fd = open(path, flags);
    ssize_t n = fd < 0 ? -1 : flags == O_RDONLY ? read(fd, &byte, 1) : write(fd, &byte, 1);
    close(fd);
    return n >= 0;
}

static int reach_the_agent(void)
{
    static const char *const private[] = {"mem",     "environ",  "maps",  "auxv",   "stack",
                                          "syscall", "fd/0",     "fd/1",  "exe",    "root/etc/passwd",
                                          "io",      "fdinfo/1", "smaps", "pagemap"};
    static const char *const fixed[] = {"mem",        "fd/0",          "fd/1",      "oom_score_adj",  "comm",
                                        "clear_refs", "timerslack_ns", "autogroup", "coredump_filter"};
    char byte;
    struct iovec local = {&byte, 1}, remote = {&byte, 1};
    for (size_t i = 0; i < sizeof private / sizeof *private; i++)
        if (reaches(private[i], O_RDONLY))
            WRONG(private[i]);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (reaches(fixed[i], O_WRONLY))
            WRONG(fixed[i]);
    if (!reaches("status", O_RDONLY)) /* and the question was the right one */
        WRONG("status");
    REFUSED(ptrace(PTRACE_ATTACH, 1, NULL, NULL));
    REFUSED(ptrace(PTRACE_SEIZE, 1, NULL, NULL));
    REFUSED(process_vm_readv(1, &local, 1, &remote, 1, 0));
    REFUSED(process_vm_writev(1, &local, 1, &remote, 1, 0));
    REFUSED(CALL(SYS_pidfd_open, 1L));
    REFUSED(CALL(SYS_pidfd_getfd, 0L));
    REFUSED(CALL(SYS_kcmp, 1L, (long)getpid()));
    REFUSED(CALL(SYS_kcmp, (long)getpid(), 1L));
    REFUSED(CALL(SYS_migrate_pages, 1L));
    REFUSED(CALL(SYS_move_pages, 1L));
    return 0;
}

static int widen(void)
{
    REFUSED(CALL(SYS_io_setup, 1L));
    REFUSED(CALL(SYS_io_uring_setup, 1L));
    REFUSED(CALL(SYS_io_uring_enter, 0L));
    REFUSED(CALL(SYS_io_uring_register, 0L));
    REFUSED(unshare(CLONE_NEWUSER));
    REFUSED(unshare(CLONE_NEWNS));
    REFUSED(unshare(0));
    REFUSED(setns(0, 0));
    REFUSED(CALL(SYS_clone, (long)(CLONE_NEWUSER | SIGCHLD)));
    REFUSED(CALL(SYS_clone, (long)(CLONE_NEWPID | SIGCHLD)));
    REFUSED(CALL(SYS_clone, (long)(CLONE_NEWNET | SIGCHLD)));
    REFUSED_WITH(ENOSYS, CALL(SYS_clone3, 0L));
    REFUSED(mount("none", "/tmp", "tmpfs", 0, NULL));
    REFUSED(umount2("/tmp", MNT_DETACH));
    REFUSED(chroot("/tmp"));
    REFUSED(CALL(SYS_open_tree, 0L));
    REFUSED(CALL(SYS_fsopen, 0L));
    REFUSED(CALL(SYS_bpf, 0L));
    REFUSED(CALL(SYS_perf_event_open, 0L));
    REFUSED(CALL(SYS_userfaultfd, 0L));
    REFUSED(CALL(SYS_keyctl, 0L));
    REFUSED(CALL(SYS_add_key, 0L));
    REFUSED(CALL(SYS_open_by_handle_at, 0L));
    REFUSED(CALL(SYS_syslog, 3L));
    REFUSED(CALL(SYS_reboot, 0L));
    REFUSED(CALL(SYS_settimeofday, 0L));
    REFUSED(CALL(SYS_clock_settime, 0L));
    REFUSED_WITH(ENOSYS, CALL(SYS_seccomp, 0L));
    REFUSED_WITH(EINVAL, prctl(PR_SET_SECCOMP, 1));
    REFUSED_WITH(ENOSYS, CALL(467L));
    REFUSED_WITH(ENOSYS, CALL(100000L));
    REFUSED_WITH(ENOSYS, CALL(0x40000000L + 39)); /* getpid, as x32 calls it */
    REFUSED_WITH(ENOSYS, CALL(-1L));
    return 0;
}

/* Linux lets uretprobe and uprobe past every filter, and kills who makes them without a probe. */
static bool passes_filters(long call)
{
#if defined(__x86_64__)
    return call == 335 || call == 336;
#else
    (void)call;
    return false;
#endif
}

/* Numbers that nobody has given out, in the native table and with the x32 bit. */
static int walk(void)
{
    for (long call = 0; call < 1024; call++) {
        bool unknown = call > 466 || (call > 334 && call < 424);
        if (unknown && !passes_filters(call))
            REFUSED_WITH(ENOSYS, CALL(call));
        REFUSED_WITH(ENOSYS, CALL(0x40000000L + call));
    }
    return 0;
}

static int open_sockets(void)
{
    static const int loading[] = {TCP_MD5SIG, TCP_ULP, TCP_MD5SIG_EXT, 38};
    int pair[2], size = 1 << 24, before, after;
    socklen_t len = sizeof size;
    for (int family = 0; family < 64; family++) {
        int datagram = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (family == AF_UNIX ? datagram < 0 : datagram >= 0 || errno != EAFNOSUPPORT)
            WRONG("socket");
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ALLOWED(fd);
    ALLOWED(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &before, &len));
    ALLOWED(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
    ALLOWED(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &after, &len));
    if (after != before)
        WRONG("setsockopt of a buffer");
    ALLOWED(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &size, sizeof size));
    ALLOWED(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &size, sizeof size));
    for (size_t i = 0; i < sizeof loading / sizeof *loading; i++)
        REFUSED_WITH(ENOPROTOOPT, setsockopt(fd, IPPROTO_TCP, loading[i], "md5", 3));
    for (int protocol = 0; protocol < 300; protocol++) {
        int stream = socket(AF_INET, SOCK_STREAM, protocol), stream6 = socket(AF_INET6, SOCK_STREAM, protocol);
        if ((stream >= 0) != (protocol == 0 || protocol == IPPROTO_TCP) || (stream >= 0) != (stream6 >= 0))
            WRONG("a protocol");
        close(stream);
        close(stream6);
    }
    REFUSED_WITH(EAFNOSUPPORT, socketpair(AF_NETLINK, SOCK_DGRAM, 0, pair));
    ALLOWED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    return 0;
}

static volatile pid_t thread_id;
static pthread_barrier_t barrier;

static void *stand_by(void *arg)
{
    thread_id = (pid_t)syscall(SYS_gettid);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return arg;
}

/* With a limit of 0 a crash would start the host's own program for cores, if it has one. */
static int change_the_core_limit(void)
{
    struct rlimit core, none = {0, 0}, all = {RLIM_INFINITY, RLIM_INFINITY};
    ALLOWED(setrlimit(RLIMIT_CORE, &none));
    ALLOWED(setrlimit(RLIMIT_CORE, &all));
    ALLOWED(prlimit(getpid(), RLIMIT_CORE, &none, NULL));
    ALLOWED(CALL(SYS_setrlimit, (long)RLIMIT_CORE, (long)&none));
    ALLOWED(CALL(SYS_setrlimit, 0x100000000L + RLIMIT_CORE, (long)&none));
    ALLOWED(CALL(SYS_prlimit64, 0L, 0x100000000L + RLIMIT_CORE, (long)&none));
    REFUSED(prlimit(0, RLIMIT_CORE, &none, &core));
    ALLOWED(prlimit(0, RLIMIT_CORE, NULL, &core));
    if (core.rlim_cur != 1 || core.rlim_max != 1)
        WRONG("the core's limit");
    ALLOWED(setrlimit(RLIMIT_STACK, &(struct rlimit){1 << 20, 1 << 20}));
    ALLOWED(CALL(SYS_setrlimit, (long)RLIMIT_NOFILE, (long)&(struct rlimit){64, 64}));
    ALLOWED(getrlimit(RLIMIT_NOFILE, &core));
    if (core.rlim_max != 64)
        WRONG("another limit");
    return 0;
}

/* The same calls for oneself, one's threads and one's children. */
static int change_oneself(void)
{
    struct rlimit limit;
    struct sched_param parameter = {0};
    cpu_set_t set;
    pthread_t thread;
    ALLOWED(prlimit(0, RLIMIT_NOFILE, NULL, &limit));
    ALLOWED(prlimit(getpid(), RLIMIT_NOFILE, &limit, NULL));
    ALLOWED(sched_getaffinity(1, sizeof set, &set));
    ALLOWED(sched_setaffinity(0, sizeof set, &set));
    ALLOWED(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 1));
    ALLOWED(setpriority(PRIO_PGRP, 0, getpriority(PRIO_PROCESS, 0) + 1));
    ALLOWED(CALL(SYS_ioprio_set, 1L, 0L, 3L << 13));
    ALLOWED(sched_setscheduler(0, SCHED_BATCH, &parameter));
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&thread, NULL, stand_by, NULL) != 0)
        WRONG("thread");
    pthread_barrier_wait(&barrier);
    ALLOWED(sched_setaffinity(thread_id, sizeof set, &set));
    ALLOWED(setpriority(PRIO_PROCESS, (id_t)thread_id, getpriority(PRIO_PROCESS, 0) + 1));
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return 0;
}

/* A debugger's work on one's own child. */
static int trace_a_child(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        ALLOWED(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
        raise(SIGSTOP);
        _exit(7);
    }
    ALLOWED(waitpid(child, &status, 0));
    if (!WIFSTOPPED(status))
        WRONG("stop");
    ALLOWED(ptrace(PTRACE_CONT, child, NULL, NULL));
    ALLOWED(waitpid(child, &status, 0));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
        WRONG("end");
    return 0;
}

#if defined(__x86_64__)
/* getpid as 32-bit programs call it: another table of calls, so another architecture. */
static int call_as_32_bit(void)
{
    long result = 20;
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return 1;
}
#endif

static void play(const char *role, bool root)
{
    struct trial trial;
    trial_open(&trial, &(struct trial_options){.root = root});
    trial_self(&trial, role);
    trial_expect(&trial, 0, 0, 0);
    trial_close(&trial);
}

static void test_the_agent_cannot_be_changed(void **state)
{
    (void)state;
    play("change the agent", false);
}

static void test_the_agent_cannot_be_reached(void **state)
{
    (void)state;
    play("reach the agent", false);
}

/* Once more where nothing but the filter says no. */
static void test_doors_are_shut(void **state)
{
    (void)state;
    play("widen", false);
    play("widen", true);
}

static void test_unknown_calls_are_not_there(void **state)
{
    (void)state;
    play("walk", false);
    play("walk", true);
}

static void test_socket_families(void **state)
{
    (void)state;
    play("open sockets", false);
}

static void test_own_processes_can_be_changed(void **state)
{
    (void)state;
    play("change oneself", false);
    play("change the core limit", false);
}

static void test_own_children_can_be_traced(void **state)
{
    (void)state;
    play("trace a child", false);
}

#if defined(__x86_64__)
static void test_another_architecture(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_self(&trial, "call as 32 bit");
    trial_expect(&trial, 128 + SIGSYS, SIGSYS, 0);
    trial_close(&trial);
}
#endif

int main(int argc, char **argv)
{
    static const struct trial_role roles[] = {
        {"change the agent", change_the_agent},
        {"reach the agent", reach_the_agent},
        {"widen", widen},
        {"walk", walk},
        {"open sockets", open_sockets},
        {"change oneself", change_oneself},
        {"change the core limit", change_the_core_limit},
        {"trace a child", trace_a_child},
#if defined(__x86_64__)
        {"call as 32 bit", call_as_32_bit},
#endif
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_agent_cannot_be_changed),
        cmocka_unit_test(test_the_agent_cannot_be_reached),
        cmocka_unit_test(test_doors_are_shut),
        cmocka_unit_test(test_unknown_calls_are_not_there),
        cmocka_unit_test(test_socket_families),
        cmocka_unit_test(test_own_processes_can_be_changed),
        cmocka_unit_test(test_own_children_can_be_traced),
#if defined(__x86_64__)
        cmocka_unit_test(test_another_architecture),
#endif
    };
    trial_main(argc, argv, roles, sizeof roles / sizeof *roles);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
