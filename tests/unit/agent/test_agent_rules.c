/* The filter's program as the kernel would run it, over every number of every table of calls, and its lists. */
#include "unit.h"

#include "docker/agent/filter.h"
#include "docker/agent/filter_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/in6.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define X32 0x40000000u
#define WALKED 1024u
#define REFUSAL(number) (SECCOMP_RET_ERRNO | (unsigned)(number))

static uint32_t loaded(const struct seccomp_data *data, uint32_t offset)
{
    uint32_t value;
    assert_true(offset % 4 == 0 && offset + 4 <= sizeof *data);
    memcpy(&value, (const uint8_t *)data + offset, sizeof value);
    return value;
}

/* Whether a conditional jump's test holds. */
static bool holds(const struct sock_filter *at, uint32_t a)
{
    switch (BPF_OP(at->code)) {
    case BPF_JEQ:
        return a == at->k;
    case BPF_JGT:
        return a > at->k;
    case BPF_JGE:
        return a >= at->k;
    case BPF_JSET:
        return (a & at->k) != 0;
    default:
        fail_msg("an unknown test: %x", at->code);
        return false;
    }
}

/* What the program answers. */
static uint32_t answer(const struct seccomp_data *data)
{
    const struct sock_fprog program = filter_program();
    uint32_t a = 0;
    for (unsigned at = 0; at < program.len; at++) {
        const struct sock_filter *now = &program.filter[at];
        if (BPF_CLASS(now->code) == BPF_RET)
            return now->k;
        if (now->code == (BPF_LD | BPF_W | BPF_ABS))
            a = loaded(data, now->k);
        else if (now->code == (BPF_ALU | BPF_AND | BPF_K))
            a &= now->k;
        else if (now->code == (BPF_JMP | BPF_JA))
            at += now->k;
        else
            at += holds(now, a) ? now->jt : now->jf;
    }
    fail_msg("the program has no end");
    return 0;
}

static uint32_t ask(uint32_t architecture, uint32_t call)
{
    return answer(&(struct seccomp_data){.nr = (int)call, .arch = architecture, .args = {9, 9, 9, 9, 9, 9}});
}

static uint32_t ask_with(int call, uint64_t first, uint64_t second, uint64_t third)
{
    return answer(&(struct seccomp_data){.nr = call, .arch = ARCHITECTURE, .args = {first, second, third}});
}

static bool listed(const struct range_list *list, uint32_t value)
{
    for (unsigned i = 0; i < list->count; i++)
        if (value >= list->ranges[i].from && value <= list->ranges[i].to)
            return true;
    return false;
}

static bool ruled(uint32_t call)
{
    for (int i = 0; i < filter_rules_len; i++)
        if ((uint32_t)filter_rules[i].call == call)
            return true;
    return false;
}

/* A number is known and in no rule: allowed. Known and in a rule: what the rule says. Any other: not there. */
static void test_every_number(void **state)
{
    (void)state;
    filter_build();
    for (uint32_t call = 0; call < WALKED; call++) {
        if (!listed(&CALLS, call))
            assert_int_equal(ask(ARCHITECTURE, call), REFUSAL(ENOSYS));
        else if (!ruled(call))
            assert_int_equal(ask(ARCHITECTURE, call), SECCOMP_RET_ALLOW);
        assert_int_equal(ask(ARCHITECTURE, X32 | call), REFUSAL(ENOSYS));
        assert_int_equal(ask(AUDIT_ARCH_I386, call), SECCOMP_RET_KILL_PROCESS);
        assert_int_equal(ask(AUDIT_ARCH_ARM, call), SECCOMP_RET_KILL_PROCESS);
    }
    assert_int_equal(ask(ARCHITECTURE, UINT32_MAX), REFUSAL(ENOSYS));
}

/* The rules themselves, on arguments that nothing allows. */
static void test_every_rule(void **state)
{
    (void)state;
    filter_build();
    for (int i = 0; i < filter_rules_len; i++)
        if (filter_rules[i].check == REFUSED)
            assert_int_equal(ask(ARCHITECTURE, (uint32_t)filter_rules[i].call), REFUSAL(EPERM));
        else if (filter_rules[i].check == MISSING)
            assert_int_equal(ask(ARCHITECTURE, (uint32_t)filter_rules[i].call), REFUSAL(ENOSYS));
}

/* Both architectures' numbers, whichever this is. */
static void test_the_numbers(void **state)
{
    (void)state;
    assert_true(listed(&list_calls_x86_64, 0) && listed(&list_calls_x86_64, 334)); /* read, rseq */
    assert_false(listed(&list_calls_x86_64, 335) || listed(&list_calls_x86_64, 336));
    assert_false(listed(&list_calls_x86_64, 423) || listed(&list_calls_x86_64, 467));
    assert_true(listed(&list_calls_x86_64, 424) && listed(&list_calls_x86_64, 466));
    assert_true(listed(&list_calls_aarch64, 63) && listed(&list_calls_aarch64, 221)); /* read, execve */
    assert_false(listed(&list_calls_aarch64, 244) || listed(&list_calls_aarch64, 259));
    assert_true(listed(&list_calls_aarch64, 260) && listed(&list_calls_aarch64, 294));
    assert_false(listed(&list_calls_aarch64, 295) || listed(&list_calls_aarch64, 423));
    assert_true(listed(&list_calls_aarch64, 466) && !listed(&list_calls_aarch64, 467));
}

/* What emit_list() relies on. */
static void test_lists_ascend(void **state)
{
    static const struct range_list *const lists[] = {&list_calls_x86_64, &list_calls_aarch64, &list_ioctl, &list_fcntl,
                                                     &list_prctl,        &list_socket,        &list_tcp,   &list_ip,
                                                     &list_ip6};
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (unsigned k = 0; k < lists[i]->count; k++) {
            assert_true(lists[i]->ranges[k].from <= lists[i]->ranges[k].to);
            if (k > 0)
                assert_true(lists[i]->ranges[k - 1].to < lists[i]->ranges[k].from);
        }
}

static bool sets_buffer(int call, uint64_t level, uint32_t option)
{
    return call == SYS_setsockopt && level == SOL_SOCKET &&
           (option == SO_SNDBUF || option == SO_RCVBUF || option == SO_SNDBUFFORCE || option == SO_RCVBUFFORCE);
}

/* Each value at and beside an edge of a list gets what the list says. */
static void check_edges(int call, const struct range_list *list, int argument, uint64_t level, uint32_t refusal)
{
    for (unsigned i = 0; i < list->count; i++)
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t value = (k < 2 ? list->ranges[i].from - 1 : list->ranges[i].to) + k % 2;
            uint32_t expected = listed(list, value) ? SECCOMP_RET_ALLOW : refusal;
            uint64_t args[3] = {level, level, level};
            args[argument] = value | (UINT64_C(7) << 32); /* the kernel does not read the high half */
            if (sets_buffer(call, level, value))
                expected = REFUSAL(0);
            assert_int_equal(ask_with(call, args[0], args[1], args[2]), expected);
        }
}

static void test_arguments(void **state)
{
    (void)state;
    filter_build();
    check_edges(SYS_ioctl, &list_ioctl, 1, 0, REFUSAL(ENOTTY));
    check_edges(SYS_fcntl, &list_fcntl, 1, 0, REFUSAL(EINVAL));
    check_edges(SYS_prctl, &list_prctl, 0, 0, REFUSAL(EINVAL));
    check_edges(SYS_setsockopt, &list_socket, 2, SOL_SOCKET, REFUSAL(ENOPROTOOPT));
    check_edges(SYS_setsockopt, &list_tcp, 2, IPPROTO_TCP, REFUSAL(ENOPROTOOPT));
    check_edges(SYS_setsockopt, &list_ip, 2, IPPROTO_IP, REFUSAL(ENOPROTOOPT));
    check_edges(SYS_setsockopt, &list_ip6, 2, IPPROTO_IPV6, REFUSAL(ENOPROTOOPT));
    assert_int_equal(ask_with(SYS_setsockopt, 3, 17, 1), REFUSAL(ENOPROTOOPT)); /* of another protocol */
    assert_int_equal(ask_with(SYS_close_range, 3, 9, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(ask_with(SYS_close_range, 3, 9, 4), SECCOMP_RET_ALLOW);
    assert_int_equal(ask_with(SYS_close_range, 3, 9, 2), REFUSAL(ENOSYS));
    assert_int_equal(ask_with(SYS_clone, CLONE_VM | CLONE_FILES | CLONE_THREAD, 0, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(ask_with(SYS_clone, CLONE_VM | CLONE_VFORK, 0, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(ask_with(SYS_clone, CLONE_VM | CLONE_THREAD, 0, 0), REFUSAL(EPERM));
}

/* By name: what programs need, and what holds memory that is charged to nobody. */
static void test_what_the_lists_mean(void **state)
{
    static const uint32_t good[] = {TCGETS,      TCSETSW,    TIOCGWINSZ,   TIOCSWINSZ,      TIOCGPGRP,  TIOCSPGRP,
                                    TIOCSCTTY,   TIOCNOTTY,  FIONREAD,     FIONBIO,         FIOCLEX,    FIONCLEX,
                                    FIOASYNC,    TIOCOUTQ,   TIOCGPTN,     TIOCSPTLCK,      FICLONE,    FS_IOC_GETFLAGS,
                                    SIOCGIFCONF, SIOCATMARK, SIOCGIFINDEX, FS_IOC_SETFLAGS, TIOCGPTPEER};
    static const uint32_t bad[] = {TIOCSTI, TIOCSETD,    TIOCCONS,       TIOCLINUX,
                                   FIBMAP,  SIOCSIFADDR, SIOCDEVPRIVATE, BLKRRPART};
    static const uint32_t closed[] = {SO_ATTACH_FILTER,         SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF, SO_LOCK_FILTER,
                                      SO_ATTACH_REUSEPORT_EBPF, SO_ZEROCOPY,   SO_TIMESTAMPING};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(listed(&list_ioctl, good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(listed(&list_ioctl, bad[i]));
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        assert_false(listed(&list_socket, closed[i]));
    assert_true(listed(&list_fcntl, F_SETLK) && listed(&list_fcntl, F_SETLKW) && listed(&list_fcntl, F_ADD_SEALS));
    assert_false(listed(&list_fcntl, F_OFD_SETLK) || listed(&list_fcntl, F_OFD_SETLKW));
    assert_false(listed(&list_fcntl, F_SETLEASE) || listed(&list_fcntl, F_NOTIFY));
    assert_true(listed(&list_prctl, PR_SET_NAME) && listed(&list_prctl, PR_SET_NO_NEW_PRIVS));
    assert_false(listed(&list_prctl, PR_SET_SECCOMP) || listed(&list_prctl, PR_SET_VMA) || listed(&list_prctl, 62));
    assert_false(listed(&list_tcp, TCP_ULP) || listed(&list_tcp, TCP_MD5SIG) || listed(&list_tcp, TCP_REPAIR));
    assert_false(listed(&list_ip, IP_ADD_MEMBERSHIP) || listed(&list_ip, IP_OPTIONS) || listed(&list_ip, 64));
    assert_false(listed(&list_ip6, IPV6_FLOWLABEL_MGR) || listed(&list_ip6, IPV6_ADD_MEMBERSHIP));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_number), cmocka_unit_test(test_every_rule),
        cmocka_unit_test(test_the_numbers),  cmocka_unit_test(test_lists_ascend),
        cmocka_unit_test(test_arguments),    cmocka_unit_test(test_what_the_lists_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
