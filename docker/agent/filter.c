#include "docker/agent/filter.h"

#include "docker/agent/filter_private.h"
#include "docker/agent/system.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The flags of clone() that make a namespace. */
#define NAMESPACES \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

struct rule filter_rules[] = {
    /* the agent has the program's user, and these work on it although it is not dumpable */
    {SYS_prlimit64, LIMITS},
    {SYS_setrlimit, CORE}, /* it stays 1: setup.c says why */
    {SYS_sched_setaffinity, PID},
    {SYS_sched_setscheduler, PID},
    {SYS_sched_setparam, PID},
    {SYS_sched_setattr, PID},
    {SYS_setpriority, NICE},
    {SYS_ioprio_set, IO_NICE},
    /* the kernel refuses most of these already, because the agent is not dumpable */
    {SYS_ptrace, TARGET},
    {SYS_process_vm_readv, PID},
    {SYS_process_vm_writev, PID},
    {SYS_pidfd_open, PID},
    {SYS_move_pages, PID},
    {SYS_migrate_pages, PID},
    {SYS_kcmp, PAIR},
    {SYS_pidfd_getfd, REFUSED},
    /* namespaces; a filter cannot see the flags of clone3, to which its argument points */
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
    {SYS_name_to_handle_at, REFUSED},
    {SYS_sethostname, REFUSED},
    {SYS_setdomainname, REFUSED},
    {SYS_vhangup, REFUSED},
    /* large parts of the kernel that no program in a cell needs */
    {SYS_io_setup, REFUSED}, /* its limit, fs.aio-max-nr, is for the whole host */
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
    {SYS_vmsplice, REFUSED},
#if defined(__x86_64__)
    {SYS_modify_ldt, REFUSED},
#endif
    /* filters and memory policies, whose memory is charged to no cgroup */
    {SYS_seccomp, MISSING},
    {SYS_mbind, MISSING},
    {SYS_get_mempolicy, MISSING},
    {SYS_set_mempolicy, MISSING},
    {SYS_set_mempolicy_home_node, MISSING},
    /* calls with many commands, of which lists.h allows some */
    {SYS_ioctl, IOCTL},
    {SYS_fcntl, FCNTL},
    {SYS_prctl, PRCTL},
    {SYS_close_range, RANGE},
    /* the host itself */
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
    /* AF_VSOCK reaches the hypervisor, and other families are rarely used and often have bugs. Not every kernel charges
     * the data in an internet socket to the cell, so there is no UDP, and TCP's buffers stay small (wire/confine.c) */
    {SYS_socket, SOCKET},
    {SYS_socketpair, SOCKET},
    {SYS_setsockopt, OPTION},
};

#define RULES ((int)(sizeof filter_rules / sizeof *filter_rules))
const int filter_rules_len = RULES;

#define FILTER_MAX 1024
#define JUMP_MAX 255 /* the farthest that a conditional jump reaches, in instructions */

static struct sock_filter code[FILTER_MAX];
static unsigned code_len;

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
/* The low half of an argument. The kernel reads process ids, flags and families from this half only. */
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

static uint8_t jump_distance(unsigned from, unsigned to)
{
    if (to - from - 1 > JUMP_MAX)
        system_end();
    return (uint8_t)(to - from - 1);
}

/* The caller emits two instructions after this: the first runs if the value is not in the list, the second if it is. */
static void emit_list(const struct range_list *list)
{
    unsigned end = code_len + 2 * list->count;
    for (const struct range *range = list->ranges; range < list->ranges + list->count; range++) {
        emit((struct sock_filter)SKIP_IF(BPF_JGT, range->to, 1, 0));
        emit((struct sock_filter)SKIP_IF(BPF_JGE, range->from, jump_distance(code_len, end + 1),
                                         jump_distance(code_len, end)));
    }
}

/* A jump that has its check in place of the distance, until resolve(). */
static void emit_leaf(const struct rule *rule)
{
    emit((struct sock_filter)SKIP_IF(BPF_JEQ, rule->call, (uint8_t)rule->check, 0));
}

/* A binary search. When a filter is put on, the kernel runs it for every call number, to learn which ones it always
 * allows, so a deep search would slow down each start of a program. */
static void emit_search(int from, int to)
{
    if (to - from > 4) {
        int middle = from + (to - from) / 2;
        unsigned jump = code_len;
        emit((struct sock_filter)SKIP_IF(BPF_JGE, filter_rules[middle].call, 0, 0));
        emit_search(from, middle);
        code[jump].jt = jump_distance(jump, code_len);
        emit_search(middle, to);
        return;
    }
    for (int i = from; i < to; i++)
        emit_leaf(&filter_rules[i]);
    emit((struct sock_filter)ALLOW);
}

#define BLOCK(...)                                      \
    emit_all((const struct sock_filter[]){__VA_ARGS__}, \
             sizeof((const struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter))

/* The kernel reads the low half of this argument only. */
static void emit_allowed(int argument, const struct range_list *list, uint32_t error)
{
    BLOCK(LOAD_ARG(argument));
    emit_list(list);
    BLOCK(ERROR(error), ALLOW);
}

/* The options of one level. If the loaded value is another level, the block is skipped and the value stays loaded. */
static void emit_level(int level, const struct range_list *list)
{
    unsigned jump = code_len;
    BLOCK(SKIP_IF(BPF_JEQ, level, 0, 0));
    emit_allowed(2, list, ENOPROTOOPT);
    code[jump].jf = jump_distance(jump, code_len);
}

/* With cgroups of version 1 the data in a TCP socket is charged to no cell, so buffers keep the small size that
 * wire/confine.c has. */
static void emit_options(void)
{
    BLOCK(LOAD_ARG(1), SKIP_IF(BPF_JEQ, SOL_SOCKET, 0, 7), LOAD_ARG(2), SKIP_IF(BPF_JEQ, SO_SNDBUF, 4, 0),
          SKIP_IF(BPF_JEQ, SO_RCVBUF, 3, 0), SKIP_IF(BPF_JEQ, SO_SNDBUFFORCE, 2, 0),
          SKIP_IF(BPF_JEQ, SO_RCVBUFFORCE, 1, 0), SKIP_IF(BPF_JA, 1, 0, 0), ERROR(0), LOAD_ARG(1));
    emit_level(SOL_SOCKET, &list_socket);
    emit_level(IPPROTO_TCP, &list_tcp);
    emit_level(IPPROTO_IP, &list_ip);
    emit_level(IPPROTO_IPV6, &list_ip6);
    BLOCK(ERROR(ENOPROTOOPT));
}

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
    case LIMITS: /* EPERM if it changes RLIMIT_CORE and also asks for the old value, which the filter cannot give */
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JEQ, 1, 12, 0), LOAD_ARG(1), SKIP_IF(BPF_JEQ, RLIMIT_CORE, 0, 8), LOAD_ARG(2),
              SKIP_IF(BPF_JEQ, 0, 0, 2), LOAD_HIGH(2), SKIP_IF(BPF_JEQ, 0, 4, 0), LOAD_ARG(3),
              SKIP_IF(BPF_JEQ, 0, 0, 4), LOAD_HIGH(3), SKIP_IF(BPF_JEQ, 0, 1, 2), ALLOW, ERROR(0), ERROR(EPERM));
        break;
    case CORE:
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JEQ, RLIMIT_CORE, 0, 1), ERROR(0), ALLOW);
        break;
    case NICE: /* 2: PRIO_USER */
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JEQ, 2, 3, 0), LOAD_ARG(1), SKIP_IF(BPF_JEQ, 1, 1, 0), ALLOW, ERROR(EPERM));
        break;
    case IO_NICE: /* 3: IOPRIO_WHO_USER */
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JEQ, 3, 3, 0), LOAD_ARG(1), SKIP_IF(BPF_JEQ, 1, 1, 0), ALLOW, ERROR(EPERM));
        break;
    case CLONE:
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JSET, NAMESPACES, 3, 0),
              BPF_STMT(BPF_ALU | BPF_AND | BPF_K, CLONE_THREAD | CLONE_FILES), SKIP_IF(BPF_JEQ, CLONE_THREAD, 1, 0),
              ALLOW, ERROR(EPERM));
        break;
    case SOCKET: /* 0xf: the type without SOCK_CLOEXEC and SOCK_NONBLOCK */
        BLOCK(LOAD_ARG(0), SKIP_IF(BPF_JEQ, AF_UNIX, 9, 0), SKIP_IF(BPF_JEQ, AF_INET, 1, 0),
              SKIP_IF(BPF_JEQ, AF_INET6, 0, 6), LOAD_ARG(1), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
              SKIP_IF(BPF_JEQ, SOCK_STREAM, 0, 3), LOAD_ARG(2), SKIP_IF(BPF_JEQ, 0, 2, 0),
              SKIP_IF(BPF_JEQ, IPPROTO_TCP, 1, 0), ERROR(EAFNOSUPPORT), ALLOW);
        break;
    case OPTION:
        emit_options();
        break;
    case IOCTL:
        emit_allowed(1, &list_ioctl, ENOTTY);
        break;
    case FCNTL:
        emit_allowed(1, &list_fcntl, EINVAL);
        break;
    case PRCTL:
        emit_allowed(0, &list_prctl, EINVAL);
        break;
    case RANGE: /* 2: CLOSE_RANGE_UNSHARE */
        BLOCK(LOAD_ARG(2), SKIP_IF(BPF_JSET, 2, 1, 0), ALLOW, ERROR(ENOSYS));
        break;
    case CHECKS:
        break;
    }
}

static int by_call(const void *a, const void *b)
{
    return ((const struct rule *)a)->call - ((const struct rule *)b)->call;
}

/* ENOSYS for every number that is not of a known call. */
static void emit_known(void)
{
    emit_list(&CALLS);
    BLOCK(ERROR(ENOSYS));
}

/* Each leaf of the search jumps to an entry of the table, a long jump that reaches the block of its check. */
static void resolve(unsigned search, unsigned table)
{
    for (unsigned i = search; i < table; i++)
        if (code[i].code == (BPF_JMP | BPF_JEQ | BPF_K))
            code[i].jt = jump_distance(i, table + code[i].jt);
}

void filter_build(void)
{
    code_len = 0;
    qsort(filter_rules, RULES, sizeof *filter_rules, by_call);
    BLOCK(LOAD(arch), SKIP_IF(BPF_JEQ, ARCHITECTURE, 1, 0), ANSWER(SECCOMP_RET_KILL_PROCESS), LOAD(nr));
    emit_known();
    unsigned search = code_len;
    emit_search(0, RULES);
    unsigned table = code_len;
    for (int check = 0; check < CHECKS; check++)
        emit((struct sock_filter)SKIP_IF(BPF_JA, 0, 0, 0));
    for (unsigned check = 0; check < CHECKS; check++) {
        code[table + check].k = code_len - (table + check) - 1;
        emit_check((enum check)check);
    }
    resolve(search, table);
}

struct sock_fprog filter_program(void)
{
    return (struct sock_fprog){.len = (unsigned short)code_len, .filter = code};
}

static int filter_put_on(const struct sock_fprog *program)
{
    return (int)syscall(SYS_seccomp, (long)SECCOMP_SET_MODE_FILTER, 0l, program);
}

int filter_apply(void)
{
    const struct sock_fprog program = filter_program();
    return filter_put_on(&program);
}

int filter_apply_agent(void)
{
    static struct sock_filter block[] = {
        LOAD(arch),
        SKIP_IF(BPF_JEQ, ARCHITECTURE, 1, 0),
        ANSWER(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        SKIP_IF(BPF_JEQ, SYS_clone, 2, 0),
        SKIP_IF(BPF_JEQ, SYS_unshare, 4, 0),
        SKIP_IF(BPF_JEQ, SYS_mount, 3, 2),
        LOAD_ARG(0),
        SKIP_IF(BPF_JSET, NAMESPACES, 1, 0),
        ALLOW,
        ERROR(EPERM),
    };
    return filter_put_on(&(struct sock_fprog){sizeof block / sizeof *block, block});
}
