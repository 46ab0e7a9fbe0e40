#include "docker/agent/filter.h"

#include "docker/agent/system.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the agent's filter knows x86_64 and aarch64"
#endif

/* removexattrat of Linux 6.13. What is newer is unknown here, so it is "not there": programs ask again in
 * an older way. The numbers with the x32 bit are all above it. */
#define NEWEST_CALL 466

#define TCP_AO_KEY 38 /* TCP_AO_ADD_KEY of Linux 6.7: its key's algorithm is any that a module may have */

/* Every flag of clone() that makes a namespace. */
#define NAMESPACES \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* What is asked about a call; a short block of instructions each, at the filter's end. */
enum check {
    REFUSED, /* EPERM */
    MISSING, /* ENOSYS: libc then does it in the way that can be checked */
    PID,     /* EPERM where the first argument is the agent */
    TARGET,  /* EPERM where the second is */
    PAIR,    /* EPERM where either is */
    LIMITS,  /* prlimit64: EPERM where it means the agent; of the core's limit nothing is changed, and 0 answered */
    CORE,    /* setrlimit: likewise */
    NICE,    /* setpriority: EPERM where it means the agent, its group, or a whole user */
    IO_NICE, /* ioprio_set: likewise */
    CLONE,   /* EPERM where it makes a namespace */
    SOCKET,  /* EAFNOSUPPORT but for local sockets and TCP: a protocol that is unknown has the host load a module */
    BUFFERS, /* setsockopt of a buffer's size: nothing is done, and 0 answered; ENOPROTOOPT for what has the host load a
              * module: keys of TCP, and its upper protocols */
    CHECKS
};

static struct rule {
    int call;
    enum check check;
} rules[] = {
    /* the agent has the program's user: being not dumpable does not keep these from it */
    {SYS_prlimit64, LIMITS},
    {SYS_setrlimit, CORE}, /* it stays 1, see setup.c */
    {SYS_sched_setaffinity, PID},
    {SYS_sched_setscheduler, PID},
    {SYS_sched_setparam, PID},
    {SYS_sched_setattr, PID},
    {SYS_setpriority, NICE},
    {SYS_ioprio_set, IO_NICE},
    /* these it does; twice holds better */
    {SYS_ptrace, TARGET},
    {SYS_process_vm_readv, PID},
    {SYS_process_vm_writev, PID},
    {SYS_pidfd_open, PID},
    {SYS_move_pages, PID},
    {SYS_migrate_pages, PID},
    {SYS_kcmp, PAIR},
    {SYS_pidfd_getfd, REFUSED},
    /* namespaces; clone3 hides its flags behind a pointer */
    {SYS_clone, CLONE},
    {SYS_clone3, MISSING},
    {SYS_unshare, REFUSED},
    {SYS_setns, REFUSED},
    /* mounts and roots */
    {SYS_mount, REFUSED},
    {SYS_umount2, REFUSED},
    {SYS_pivot_root, REFUSED},
    {SYS_chroot, REFUSED},
    {SYS_open_tree, REFUSED},
    {SYS_move_mount, REFUSED},
    {SYS_fsopen, REFUSED},
    {SYS_fsconfig, REFUSED},
    {SYS_fsmount, REFUSED},
    {SYS_fspick, REFUSED},
    {SYS_mount_setattr, REFUSED},
    {SYS_open_by_handle_at, REFUSED},
    {SYS_quotactl, REFUSED},
    {SYS_quotactl_fd, REFUSED},
    {SYS_swapon, REFUSED},
    {SYS_swapoff, REFUSED},
    {SYS_fanotify_init, REFUSED},
    /* wide doors into the kernel that no program of ours needs */
    {SYS_io_setup, REFUSED}, /* fs.aio-max-nr is one for the whole host */
    {SYS_io_uring_setup, REFUSED},
    {SYS_io_uring_enter, REFUSED},
    {SYS_io_uring_register, REFUSED},
    {SYS_bpf, REFUSED},
    {SYS_perf_event_open, REFUSED},
    {SYS_userfaultfd, REFUSED},
    {SYS_memfd_secret, REFUSED},
    {SYS_add_key, REFUSED},
    {SYS_request_key, REFUSED},
    {SYS_keyctl, REFUSED},
    /* the machine itself */
    {SYS_kexec_load, REFUSED},
    {SYS_kexec_file_load, REFUSED},
    {SYS_init_module, REFUSED},
    {SYS_finit_module, REFUSED},
    {SYS_delete_module, REFUSED},
    {SYS_reboot, REFUSED},
    {SYS_acct, REFUSED},
    {SYS_syslog, REFUSED},
    {SYS_settimeofday, REFUSED},
    {SYS_clock_settime, REFUSED},
#if defined(__x86_64__)
    {SYS_iopl, REFUSED},
    {SYS_ioperm, REFUSED},
#endif
    /* AF_VSOCK reaches the host's hypervisor; the other families are seldom used and often broken. What waits in an
     * internet socket is not charged to the cell's memory everywhere: no UDP, and TCP's buffers stay small (codec.c) */
    {SYS_socket, SOCKET},
    {SYS_socketpair, SOCKET},
    {SYS_setsockopt, BUFFERS},
};

#define RULES ((int)(sizeof rules / sizeof *rules))
#define FILTER_MAX 256 /* a conditional jump reaches 255 instructions */

static struct sock_filter code[FILTER_MAX];
static unsigned code_len;

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
/* The low half of an argument: the kernel reads process ids, flags and families from it alone. */
#define LOAD_ARG(n) LOAD(args[n]) /* both architectures are little-endian */
#define LOAD_HIGH(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, args[n]) + 4)
#define SKIP_IF(test, value, yes, no) BPF_JUMP(BPF_JMP | (test) | BPF_K, (uint32_t)(value), (yes), (no))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (uint32_t)(value))
#define ERROR(number) ANSWER(SECCOMP_RET_ERRNO | (number))
#define ALLOW ANSWER(SECCOMP_RET_ALLOW)

static void emit(struct sock_filter instruction)
{
    if (code_len == FILTER_MAX)
        system_end();
    code[code_len++] = instruction;
}

static void emit_all(const struct sock_filter *block, size_t len)
{
    for (size_t i = 0; i < len; i++)
        emit(block[i]);
}

/* A jump that is resolved later: `check` stands where the distance will. */
static void emit_leaf(const struct rule *rule)
{
    emit((struct sock_filter)SKIP_IF(BPF_JEQ, rule->call, (uint8_t)rule->check, 0));
}

/* A binary search: the kernel runs the filter over every call when it is put on, to learn which it need
 * not be asked about, so its depth is start-up time. */
static void emit_search(int from, int to)
{
    if (to - from > 4) {
        int middle = from + (to - from) / 2;
        unsigned jump = code_len;
        emit((struct sock_filter)SKIP_IF(BPF_JGE, rules[middle].call, 0, 0));
        emit_search(from, middle);
        code[jump].jt = (uint8_t)(code_len - jump - 1);
        emit_search(middle, to);
        return;
    }
    for (int i = from; i < to; i++)
        emit_leaf(&rules[i]);
    emit((struct sock_filter)ALLOW);
}

#define BLOCK(...)                                      \
    emit_all((const struct sock_filter[]){__VA_ARGS__}, \
             sizeof((const struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter))

static void emit_check(enum check check)
{
    switch (check) {
    case REFUSED:
        BLOCK(ERROR(EPERM));
        break;
    case MISSING:
        BLOCK(ERROR(ENOSYS));
        break;
    case PID:
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JEQ, 1, 1, 0), ALLOW, ERROR(EPERM));
        break;
    case TARGET:
        BLOCK(LOAD_ARG(1), SKIP_IF(BPF_JEQ, 1, 1, 0), ALLOW, ERROR(EPERM));
        break;
    case PAIR:
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JEQ, 1, 3, 0), LOAD_ARG(1), SKIP_IF(BPF_JEQ, 1, 1, 0), ALLOW, ERROR(EPERM));
        break;
    case LIMITS: /* one that asks for the old limit, too, would be told nothing: EPERM */
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JEQ, 1, 12, 0), LOAD_ARG(1), SKIP_IF(BPF_JEQ, RLIMIT_CORE, 0, 8), LOAD_ARG(2),
              SKIP_IF(BPF_JEQ, 0, 0, 2), LOAD_HIGH(2), SKIP_IF(BPF_JEQ, 0, 4, 0), LOAD_ARG(3),
              SKIP_IF(BPF_JEQ, 0, 0, 4), LOAD_HIGH(3), SKIP_IF(BPF_JEQ, 0, 1, 2), ALLOW, ERROR(0), ERROR(EPERM));
        break;
    case CORE:
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JEQ, RLIMIT_CORE, 0, 1), ERROR(0), ALLOW);
        break;
    case NICE: /* which: PRIO_USER is 2 */
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JEQ, 2, 3, 0), LOAD_ARG(1), SKIP_IF(BPF_JEQ, 1, 1, 0), ALLOW, ERROR(EPERM));
        break;
    case IO_NICE: /* which: IOPRIO_WHO_USER is 3 */
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JEQ, 3, 3, 0), LOAD_ARG(1), SKIP_IF(BPF_JEQ, 1, 1, 0), ALLOW, ERROR(EPERM));
        break;
    case CLONE:
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JSET, NAMESPACES, 1, 0), ALLOW, ERROR(EPERM));
        break;
    case SOCKET: /* the type's low half byte; above it are SOCK_CLOEXEC and SOCK_NONBLOCK */
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JEQ, AF_UNIX, 9, 0), SKIP_IF(BPF_JEQ, AF_INET, 1, 0),
              SKIP_IF(BPF_JEQ, AF_INET6, 0, 6), LOAD_ARG(1), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
              SKIP_IF(BPF_JEQ, SOCK_STREAM, 0, 3), LOAD_ARG(2), SKIP_IF(BPF_JEQ, 0, 2, 0),
              SKIP_IF(BPF_JEQ, IPPROTO_TCP, 1, 0), ERROR(EAFNOSUPPORT), ALLOW);
        break;
    case BUFFERS:
        BLOCK(LOAD_ARG(1), SKIP_IF(BPF_JEQ, SOL_SOCKET, 1, 0), SKIP_IF(BPF_JEQ, IPPROTO_TCP, 6, 13), LOAD_ARG(2),
              SKIP_IF(BPF_JEQ, SO_SNDBUF, 9, 0), SKIP_IF(BPF_JEQ, SO_RCVBUF, 8, 0),
              SKIP_IF(BPF_JEQ, SO_SNDBUFFORCE, 7, 0), SKIP_IF(BPF_JEQ, SO_RCVBUFFORCE, 6, 0), ALLOW, LOAD_ARG(2),
              SKIP_IF(BPF_JEQ, TCP_MD5SIG, 4, 0), SKIP_IF(BPF_JEQ, TCP_ULP, 3, 0),
              SKIP_IF(BPF_JEQ, TCP_MD5SIG_EXT, 2, 0), SKIP_IF(BPF_JEQ, TCP_AO_KEY, 1, 2), ERROR(0), ERROR(ENOPROTOOPT),
              ALLOW);
        break;
    case CHECKS:
        break;
    }
}

static int by_call(const void *a, const void *b)
{
    return ((const struct rule *)a)->call - ((const struct rule *)b)->call;
}

void filter_build(void)
{
    unsigned blocks[CHECKS];
    code_len = 0;
    qsort(rules, RULES, sizeof *rules, by_call);
    BLOCK(LOAD(arch), SKIP_IF(BPF_JEQ, ARCHITECTURE, 1, 0), ANSWER(SECCOMP_RET_KILL_PROCESS), LOAD(nr),
          SKIP_IF(BPF_JGT, NEWEST_CALL, 0, 1), ERROR(ENOSYS));
    unsigned search = code_len;
    emit_search(0, RULES);
    unsigned end = code_len;
    for (int check = 0; check < CHECKS; check++) {
        blocks[check] = code_len;
        emit_check((enum check)check);
    }
    for (unsigned i = search; i < end; i++)
        if (code[i].code == (BPF_JMP | BPF_JEQ | BPF_K))
            code[i].jt = (uint8_t)(blocks[code[i].jt] - i - 1);
}

int filter_apply(void)
{
    const struct sock_fprog program = {.len = (unsigned short)code_len, .filter = code};
    return (int)syscall(SYS_seccomp, (long)SECCOMP_SET_MODE_FILTER, 0l, &program);
}
