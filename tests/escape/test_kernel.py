"""What a program asks of the kernel that it must not get."""
import pytest

from attempts import assert_refused, results
from codecell import serving


def test_no_privilege(server):
    out = server.output("cat /proc/self/status", "bash")
    status = dict(line.split(":\t", 1) for line in out.splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert len(set(status["Uid"].split())) == len(set(status["Gid"].split())) == 1
    assert int(status["Uid"].split()[0]) >= 10000
    assert set(status["Groups"].split()) <= {status["Gid"].split()[0]}


def test_calls_that_are_refused(server):
    with serving(server):
        found = results(server, r"""
    CALL(io_uring_setup, 8, buffer); CALL(io_setup, 8, buffer); CALL(bpf, 0, buffer, 64);
    CALL(perf_event_open, buffer, 0, -1, -1, 0);
    CALL(keyctl, 0, -3); CALL(add_key, "user", "x", "y", 1, -3); CALL(request_key, "user", "x", 0, -3);
    CALL(userfaultfd, 0); CALL(init_module, buffer, 1, ""); CALL(finit_module, 0, "", 0); CALL(delete_module, "x", 0);
    CALL(kexec_load, 0, 0, 0, 0); CALL(reboot, 0xfee1dead, 672274793, 0x89abcdef, 0); CALL(swapon, "/tmp/x", 0);
    CALL(settimeofday, buffer, 0); CALL(clock_settime, 0, buffer); CALL(sethostname, "x", 1);
    CALL(setdomainname, "x", 1); CALL(acct, "/tmp/x"); CALL(quotactl, 0, 0, 0, 0); CALL(syslog, 3, buffer, 4096);
    CALL(open_by_handle_at, -100, buffer, 0); CALL(fanotify_init, 0, 0); CALL(vhangup);
    CALL(chroot, "/tmp"); CALL(pivot_root, "/tmp", "/tmp"); CALL(mount, "none", "/tmp", "tmpfs", 0, 0);
    CALL(mount, "/tmp", "/tmp", 0, MS_REMOUNT | MS_BIND, 0); CALL(umount2, "/tmp", 2); CALL(umount2, "/proc", 2);
    CALL(fsopen, "tmpfs", 0); CALL(open_tree, -100, "/", 1); CALL(move_mount, -100, "/", -100, "/tmp", 0);
    CALL(setgroups, 1, buffer);
#ifdef SYS_iopl
    CALL(iopl, 3); CALL(ioperm, 0, 100, 1);
#endif
#ifdef SYS_modify_ldt
    CALL(modify_ldt, 1, buffer, 16);
#endif
    CALL(process_vm_readv, 1, buffer, 1, buffer, 1, 0);
""")
    assert_refused(found)


def test_no_other_user(server, isolation):
    """In a capsule there is no other: each number that is not the program's own means nothing."""
    found = results(server, r"""
    int own = (int)getuid();
    CALL(setuid, 0); CALL(setgid, 0); CALL(setreuid, 1, 1); CALL(setregid, 1, 1); CALL(setresuid, 0, 0, 0);
    CALL(setresgid, 0, 0, 0);
    TRY("setuid, next", syscall(SYS_setuid, own + 1)); TRY("setgid, next", syscall(SYS_setgid, own + 1));
    int fd = open("/tmp/own", O_CREAT | O_WRONLY, 0600);
    TRY("fchown", fchown(fd, 0, -1)); TRY("fchown, group", fchown(fd, -1, 0)); TRY("fchown, next", fchown(fd, own + 1, -1));
""")
    assert len(found) == 11 and set(found.values()) == {"EINVAL" if isolation == "capsule" else "EPERM"}, found


@pytest.mark.parametrize("flag", ["NEWNS", "NEWUSER", "NEWPID", "NEWNET", "NEWIPC", "NEWUTS", "NEWCGROUP", "NEWTIME"])
def test_no_namespace(server, flag):
    found = results(server, f"""
    TRY("unshare", syscall(SYS_unshare, CLONE_{flag}));
    {"" if flag == "NEWTIME" else f'TRY("clone", syscall(SYS_clone, CLONE_{flag} | SIGCHLD, 0, 0, 0, 0));'}
    struct clone_args args = {{.flags = CLONE_{flag}, .exit_signal = SIGCHLD}};
    TRY("clone3", syscall(SYS_clone3, &args, sizeof args));
    int ns = open("/proc/self/ns/net", O_RDONLY);
    TRY("setns", syscall(SYS_setns, ns, 0));
""")
    assert_refused(found)


def test_no_other_sockets(server):
    with serving(server):
        found = results(server, r"""
    int families[] = {AF_VSOCK, AF_NETLINK, AF_PACKET, AF_ALG, AF_BLUETOOTH, AF_CAN, AF_KEY, AF_TIPC, 44, AF_RDS,
                      AF_KCM, AF_X25, AF_AX25, AF_QIPCRTR, AF_SMC, 45};
    for (unsigned i = 0; i < sizeof families / sizeof *families; i++)
        for (int type = 1; type <= 5; type++) {
            char name[64];
            snprintf(name, sizeof name, "%d/%d", families[i], type);
            TRY(name, socket(families[i], type, 0));
        }
    TRY("raw", socket(AF_INET, SOCK_RAW, 1)); TRY("raw6", socket(AF_INET6, SOCK_RAW, 58));
    TRY("udp", socket(AF_INET, SOCK_DGRAM, 0)); TRY("udp6", socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    TRY("sctp", socket(AF_INET, SOCK_STREAM, 132)); TRY("dccp", socket(AF_INET, 6, 33));
""")
    assert_refused(found, also={"EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "EINVAL"})


def test_no_device_nodes(server):
    found = results(server, r"""
    for (int type = 0; type < 2; type++)
        for (int major = 1; major < 12; major++) {
            char name[64];
            snprintf(name, sizeof name, "/tmp/%d-%d", type, major);
            TRY(name, mknod(name, (type ? S_IFBLK : S_IFCHR) | 0666, (dev_t)((major << 8) | 1)));
        }
""")
    assert_refused(found)


def test_other_abis_are_no_way_around(server):
    """32-bit calls and the x32 bit reach other tables: refused, or the caller is killed."""
    found = results(server, r"""
#ifdef __x86_64__
    struct rlimit64 { unsigned long cur, max; } low = {16, 16};
    TRY("x32-prlimit", syscall(0x40000000 | SYS_prlimit64, 1, RLIMIT_NOFILE, &low, 0));
    TRY("x32-getpid", syscall(0x40000000 | SYS_getpid));
    TRY("x32-ptrace", syscall(0x40000000 | 521, 16, 1, 0, 0));
    long got;
#define INT80(number) ({ __asm__ volatile("int $0x80" : "=a"(got) : "a"(number), "b"(0), "c"(1), "d"(19) : "memory"); \
                         errno = (int)-got; got; })
    TRY("int80-getpid", INT80(20)); TRY("int80-setpriority", INT80(97));
#else
    puts("none EPERM");
#endif
""")
    assert_refused(found)


@pytest.mark.parametrize("program", ["su", "mount", "passwd", "chsh", "newgrp"])
def test_setuid_programs_give_nothing(server, program):
    out = server.run(f"p=$(command -v {program}) && [ -u $p ] && echo setuid; {program} </dev/null; id -u", "bash")
    assert int(out["stdout"].split()[-1]) >= 10000


def test_new_root_by_a_setuid_copy(server):
    code = "cp /usr/bin/id x; chmod 4755 x && ./x -u; chmod u+s /usr/bin/id; id -u"
    out = server.run(code, "bash")["stdout"].split()
    assert all(int(each) >= 10000 for each in out)


def test_what_is_written_runs_as_nobody_else(server):
    """/tmp holds programs, as docs/security.md says; a set-user-id bit there means nothing, and /dev/shm holds none."""
    code = ("cp /usr/bin/id x; chmod 6755 x; [ \"$(./x -u) $(./x -g)\" = \"$(id -u) $(id -g)\" ]; echo $?\n"
            "grep NoNewPrivs /proc/self/status | cut -f 2; cp x /dev/shm; /dev/shm/x 2>/dev/null; echo $?")
    assert server.run(code, "bash")["stdout"] == "0\n1\n126\n"


def test_what_programs_need_works(server):
    """The refusals are not too wide: a program may change its own affinity, limits and niceness, and has pipes and memory."""
    found = results(server, r"""
    unsigned long mask = 1;
    struct rlimit less = {64, 64};
    TRY("affinity", syscall(SYS_sched_setaffinity, 0, sizeof mask, &mask));
    TRY("affinity-tid", syscall(SYS_sched_setaffinity, syscall(SYS_gettid), sizeof mask, &mask));
    TRY("prlimit-0", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &less, 0));
    TRY("prlimit-self", syscall(SYS_prlimit64, getpid(), RLIMIT_NOFILE, &less, 0));
    TRY("prlimit-read", syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &less));
    TRY("nice", syscall(SYS_setpriority, PRIO_PROCESS, 0, 5));
    TRY("memfd", memfd_create("x", 0));
    TRY("tcp", socket(AF_INET, SOCK_STREAM, 0));
    TRY("unix", socket(AF_UNIX, SOCK_STREAM, 0));
    TRY("fifo", mkfifo("/tmp/fifo", 0600));
""")
    assert set(found.values()) == {"done"}, found
    assert server.output("import threading, subprocess, multiprocessing\nl = multiprocessing.Lock()\n"
                         "print(subprocess.run(['echo', '1'], capture_output=True).stdout)") == "b'1\\n'\n"
