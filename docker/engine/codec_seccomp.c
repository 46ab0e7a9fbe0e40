/* Our seccomp profile. It allows the calls that are named here, some of them with conditions. Every other call answers
 * ENOSYS, as if the kernel did not have it, because programs then try another way. Docker 20.10 does not know
 * defaultErrnoRet: it answers EPERM, and ENOSYS only for calls that are newer than all named ones. The agent's own
 * filter comes on top; for the calls that it names, it answers EPERM.
 *
 * With capsules the profile allows three calls more, and each only as the agent makes it to build a capsule: clone with
 * all new namespaces except the network's, unshare with a new user and a new mount namespace or with a new network
 * namespace, and mount. No program can make these calls,
 * because the agent's filter holds them back.
 *
 * The profile lists what is allowed, so that a call of which we did not think is refused. This costs no more than a
 * list of refusals: the profile covers the native architecture alone (a call through any other ABI kills the caller),
 * and few calls have conditions. Measured with runc, as processor time of the container until its program runs (medians
 * of 20 starts in three runs): Docker's default 33 to 38 ms, this profile 25 to 27, a list of refusals 24, no profile
 * 24 to 26.
 *
 * These are left out although a process without capabilities may call them, because much kernel code is behind them and
 * programs do without: io_uring, aio (its limit of requests counts for the whole host), keyrings, bpf, perf,
 * userfaultfd, namespaces, both generations of mount calls (except as above), file handles, fanotify, process_vm_*,
 * pidfd_getfd, kcmp, vmsplice, memfd_secret, memory policies, quotas, modify_ldt, and all sockets except unix and TCP.
 * ptrace is allowed: debuggers and LeakSanitizer need it, it reaches only the program's own processes, and the agent is
 * not dumpable. clone3 takes its flags by pointer, where a filter cannot read them: it answers ENOSYS, and C libraries
 * fall back to clone. */
#include "docker/engine/codec_seccomp.h"

#include "base/json.h"

#include <errno.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/socket.h>

#define NAMESPACES \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* What a capsule's mounts are made with; the second line repeats what the runtime has set on a mount that becomes
 * read-only. Without the others nothing is moved, and nothing spreads to or from other mount namespaces. */
#define MOUNT_FLAGS                                                                                                \
    ((uint64_t)(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_REMOUNT | MS_BIND | MS_NOATIME | MS_NODIRATIME | \
                MS_RELATIME | MS_STRICTATIME))

/* The engine ignores names that its library does not know or that its architecture does not have. */
static const char *const allowed[] = {
    /* files */
    "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3",
    "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown",
    "fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat",
    "fstatfs", "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "getxattrat", "ioctl",
    "lchown", "lgetxattr", "link", "linkat", "listxattr", "listxattrat", "llistxattr", "lremovexattr", "lseek",
    "lsetxattr", "lstat", "mkdir", "mkdirat", "mknod", "mknodat", "newfstatat", "open", "openat", "openat2", "pipe",
    "pipe2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink",
    "readlinkat", "readv", "removexattr", "removexattrat", "rename", "renameat", "renameat2", "rmdir", "sendfile",
    "setxattr", "setxattrat", "splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync", "sync_file_range",
    "syncfs", "tee", "truncate", "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes", "write", "writev",
    /* waiting */
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2",
    "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "poll", "ppoll", "pselect6", "select",
    "signalfd", "signalfd4",
    /* memory */
    "brk", "madvise", "map_shadow_stack", "memfd_create", "mincore", "mlock", "mlock2", "mlockall", "mmap", "mprotect",
    "mremap", "mseal", "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
    "process_madvise", "process_mrelease", "remap_file_pages",
    /* processes and threads */
    "arch_prctl", "capget", "capset", "execve", "execveat", "exit", "exit_group", "fork", "futex", "futex_requeue",
    "futex_wait", "futex_waitv", "futex_wake", "get_robust_list", "get_thread_area", "getcpu", "getpgid", "getpgrp",
    "getpid", "getppid", "getpriority", "getrlimit", "getrusage", "getsid", "gettid", "ioprio_get", "ioprio_set",
    "kill", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "membarrier", "pause",
    "pidfd_open", "pidfd_send_signal", "prctl", "prlimit64", "ptrace", "restart_syscall", "riscv_flush_icache",
    "riscv_hwprobe", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn",
    "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min",
    "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
    "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp",
    "set_robust_list", "set_thread_area", "set_tid_address", "setpgid", "setpriority", "setrlimit", "setsid",
    "sigaltstack", "tgkill", "tkill", "vfork", "wait4", "waitid",
    /* users */
    "getegid", "geteuid", "getgid", "getgroups", "getresgid", "getresuid", "getuid", "setfsgid", "setfsuid", "setgid",
    "setgroups", "setregid", "setresgid", "setresuid", "setreuid", "setuid",
    /* IPC, within the container's own namespace */
    "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink", "msgctl", "msgget",
    "msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop", "shmat", "shmctl", "shmdt", "shmget",
    /* sockets, once there is one */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom",
    "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    /* time and the machine */
    "adjtimex", "alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer", "getrandom", "gettimeofday",
    "nanosleep", "setitimer", "sysinfo", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
    "timer_settime", "timerfd_create", "timerfd_gettime", "timerfd_settime", "times", "uname"};

static json_t *names(const char *const *list, size_t len)
{
    json_t *array = json_array();

    for (size_t i = 0; i < len; i++)
        if (json_array_append_new(array, json_string(list[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *argument(int index, uint64_t value, uint64_t two, const char *comparison)
{
    return json_pack("{s:i, s:I, s:I, s:s}", "index", index, "value", (json_int_t)value, "valueTwo", (json_int_t)two,
                     "op", comparison);
}

/* Allows the call if all of `arguments` hold. Takes the list over. */
static json_t *allow_if(const char *name, json_t *arguments)
{
    return json_pack("{s:[s], s:s, s:o}", "names", name, "action", "SCMP_ACT_ALLOW", "args", arguments);
}

static json_t *allow_personality(uint64_t persona)
{
    return allow_if("personality", json_pack("[o]", argument(0, persona, 0, "SCMP_CMP_EQ")));
}

static json_t *allow_local(const char *call)
{
    return allow_if(call, json_pack("[o]", argument(0, AF_UNIX, 0, "SCMP_CMP_EQ")));
}

/* TCP only, as protocol 0 or by its number. For any other protocol the kernel would start the host's modprobe as root,
 * and the data in a UDP socket's queue counts for no container. The condition reads the low four bits of the type,
 * because the bits above are SOCK_CLOEXEC and SOCK_NONBLOCK. */
static json_t *allow_tcp(int family, int protocol)
{
    return allow_if("socket", json_pack("[o, o, o]", argument(0, (uint64_t)family, 0, "SCMP_CMP_EQ"),
                                        argument(1, 0xf, SOCK_STREAM, "SCMP_CMP_MASKED_EQ"),
                                        argument(2, (uint64_t)protocol, 0, "SCMP_CMP_EQ")));
}

/* Two values: the bits that the condition reads, and what they must be. */
static json_t *allow_clone(uint64_t namespaces)
{
    return allow_if("clone", json_pack("[o]", argument(0, NAMESPACES, namespaces, "SCMP_CMP_MASKED_EQ")));
}

static json_t *allow_unshare(uint64_t flags)
{
    return allow_if("unshare", json_pack("[o]", argument(0, flags, 0, "SCMP_CMP_EQ")));
}

static json_t *allow_mount(uint64_t flags)
{
    return allow_if("mount", json_pack("[o]", argument(3, UINT32_MAX & ~flags, 0, "SCMP_CMP_MASKED_EQ")));
}

static json_t *capsule_rules(void)
{
    return json_pack("[o, o, o, o]", allow_clone(NAMESPACES & ~(uint64_t)CLONE_NEWNET),
                     allow_unshare(CLONE_NEWUSER | CLONE_NEWNS), allow_unshare(CLONE_NEWNET), allow_mount(MOUNT_FLAGS));
}

static json_t *common_rules(void)
{
    json_t *none = json_pack("{s:[s, s, s, s, s], s:s, s:i}", "names", "clone3", "io_setup", "io_uring_setup",
                             "io_uring_enter", "io_uring_register", "action", "SCMP_ACT_ERRNO", "errnoRet", ENOSYS);
    json_t *free_calls =
        json_pack("{s:o, s:s}", "names", names(allowed, sizeof allowed / sizeof *allowed), "action", "SCMP_ACT_ALLOW");

    return json_pack("[o, o, o, o, o, o, o, o, o, o, o, o]", free_calls, none, allow_clone(0), allow_local("socket"),
                     allow_local("socketpair"), allow_tcp(AF_INET, 0), allow_tcp(AF_INET, IPPROTO_TCP),
                     allow_tcp(AF_INET6, 0), allow_tcp(AF_INET6, IPPROTO_TCP), allow_personality(PER_LINUX),
                     allow_personality(ADDR_NO_RANDOMIZE), /* debuggers, ThreadSanitizer */
                     allow_personality(0xffffffffu));      /* a question for the current one */
}

static json_t *rules(bool capsules)
{
    json_t *all = common_rules(), *more = capsules ? capsule_rules() : json_array();
    bool good = json_array_extend(all, more) == 0;

    json_decref(more);
    if (good)
        return all;
    json_decref(all);
    return NULL;
}

/* The engine uses the entry of its own architecture, here without the other ABIs that its kernel could run. There must
 * be such an entry: it makes runc answer ENOSYS to calls that are newer than all it knows, so that C libraries fall
 * back. */
static json_t *architectures(void)
{
    static const char *const known[] = {"SCMP_ARCH_X86_64",  "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM",
                                        "SCMP_ARCH_PPC64LE", "SCMP_ARCH_S390X",   "SCMP_ARCH_RISCV64"};
    json_t *map = json_array();

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (json_array_append_new(map, json_pack("{s:s, s:[]}", "architecture", known[i], "subArchitectures")) != 0) {
            json_decref(map);
            return NULL;
        }
    return map;
}

char *codec_seccomp(bool capsules)
{
    (void)capsules;
    json_t *profile = json_pack("{s:s, s:i, s:o, s:o}", "defaultAction", "SCMP_ACT_ERRNO", "defaultErrnoRet", ENOSYS,
                                "archMap", architectures(), "syscalls", rules(capsules));
    char *text = profile != NULL ? json_text(profile, NULL) : NULL;

    json_decref(profile);
    return text;
}
