/* What a job leaves in its capsule is gone for the job in the next capsule of the same keeper. */
#include "agent_trial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fs.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const struct trial_options capsules = {.capsules = true};

static int must(int result)
{
    if (result < 0)
        perror("plant"), _exit(3);
    return result;
}

/* Deeper than the longest path, and deeper than there are descriptors. */
static void go_down(const char *name, mode_t last)
{
    for (int i = 0; i < 3000; i++) {
        must(mkdir(name, 0700));
        must(chdir(name));
    }
    must(close(creat("file", 0)));
    must(chmod(".", last));
    must(chdir("/tmp"));
}

static int plant_trees(void)
{
    char name[64];
    must(chdir("/tmp"));
    go_down("a-folder-of-a-deep-tree", 0);
    go_down("0", 0700); /* names that the agent may want for itself */
    for (int i = 1; i < 60; i++) {
        snprintf(name, sizeof name, "%d", i);
        must(i % 2 ? mkdir(name, 0700) : close(creat(name, 0600)));
        snprintf(name, sizeof name, "%d/%d", i | 1, i);
        must(i % 2 ? mkdir(name, 0) : 0);
    }
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "work/a rather long name of a file %d", i);
        must(close(creat(name, 0)));
    }
    return 0;
}

static int plant_kinds(void)
{
    struct sockaddr_un address = {AF_UNIX, "/tmp/work/socket"};
    must(mkfifo("fifo", 0));
    must(bind(must(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&address, sizeof address));
    must(symlink("/dev/shm", "link"));
    must(symlink("nowhere", "/tmp/dangling"));
    must(symlink("..", "/tmp/up"));
    must(mkdir("/tmp/folder", 0700));
    must(symlink("/tmp/work", "/tmp/folder/link"));
    must(link("fifo", "/tmp/folder/linked"));
    must(close(creat("/tmp/folder/\n \x01\xff*", 04777)));
    must(chmod("/tmp/folder", 0));
    return 0;
}

/* An access list, in the kernel's form: user::rwx, user:ME:rwx, group::---, mask::rwx, other::---. A capsule knows no
 * other user. */
static void set_list(const char *path, const char *name)
{
    const struct {
        uint32_t version;
        struct {
            uint16_t tag, perm;
            uint32_t id;
        } entries[5];
    } list = {2, {{1, 7, ~0u}, {2, 7, getuid()}, {4, 0, ~0u}, {0x10, 7, ~0u}, {0x20, 0, ~0u}}};
    if (setxattr(path, name, &list, sizeof list, 0) < 0 && errno != EOPNOTSUPP)
        must(-1);
}

/* What the folders themselves can carry. Kernels before 6.6 have no such attributes on a tmpfs. */
static int plant_attributes(void)
{
    static const struct timespec times[2] = {{4000000000, 1}, {4000000001, 2}};
    int flags = FS_NODUMP_FL | FS_NOATIME_FL;
    int tmp = must(open("/tmp", O_RDONLY | O_DIRECTORY));
    if (setxattr("/tmp", "user.left", "x", 1, 0) < 0 && errno != EOPNOTSUPP)
        must(-1);
    if (ioctl(tmp, FS_IOC_SETFLAGS, &flags) < 0 && errno != ENOTTY)
        must(-1);
    set_list("/tmp", "system.posix_acl_access");
    set_list("/tmp", "system.posix_acl_default");
    set_list("/tmp/work", "system.posix_acl_default");
    must(futimens(tmp, times));
    must(chmod("/tmp/work", 0));
    must(chmod("/tmp", 0));
    return 0;
}

static int plant_shared(void)
{
    struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 1};
    must(mkdir("/dev/shm/a", 0700));
    must(mkdir("/dev/shm/a/b", 0700));
    must(close(creat("/dev/shm/a/b/c", 0)));
    must(chmod("/dev/shm/a", 0));
    int fd = must(shm_open("/object", O_CREAT | O_RDWR, 0));
    must(ftruncate(fd, 1 << 20));
    must(posix_fallocate(fd, 0, 1 << 20) ? -1 : 0);
    int queue = must(mq_open("/queue", O_CREAT | O_RDWR, 0, &small));
    must(mq_send(queue, "x", 1, 0));
    must(mq_open("/other", O_CREAT | O_RDWR, 0, &small));
    return 0;
}

static int plant_ipc(void)
{
    for (int i = 0; i < 20; i++) {
        must(shmget(i % 2 ? IPC_PRIVATE : 100 + i, 4096, IPC_CREAT)); /* of mode 0 */
        must(semget(i % 2 ? IPC_PRIVATE : 100 + i, 2, IPC_CREAT));
        must(msgget(i % 2 ? IPC_PRIVATE : 100 + i, IPC_CREAT));
    }
    int id = must(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
    must((int)(intptr_t)shmat(id, NULL, 0) == -1 ? -1 : 0);
    return 0;
}

static int plant_processes(void)
{
    for (int i = 0; i < 20; i++)
        if (must(fork()) == 0) {
            setsid();
            signal(SIGTERM, SIG_IGN);
            for (;;)
                pause();
        }
    for (int number = 1; number <= SIGRTMAX; number++) /* process 1 takes none */
        for (int i = 0; i < 3; i++)
            if (number < 32 || number >= SIGRTMIN) {
                must(kill(1, number));
                must((int)syscall(SYS_tgkill, 1, 1, number));
            }
    return 0;
}

/* Sends `what` into the socket. */
static void put_into(int sock, int what)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec byte = {"x", 1};
    struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memcpy(CMSG_DATA(&control.header), &what, sizeof what);
    must((int)sendmsg(sock, &message, 0));
}

/* Sockets that hold each other, a name and a deleted file: the kernel finds them some time after their process's
 * end. */
static int plant_cycle(void)
{
    struct sockaddr_un name = {AF_UNIX, "\0left"};
    int pair[2], named = must(socket(AF_UNIX, SOCK_STREAM, 0));
    int file = must(open("/tmp/held", O_CREAT | O_RDWR, 0600));
    must(bind(named, (struct sockaddr *)&name, 7));
    must(listen(named, 1));
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    must(posix_fallocate(file, 0, 1 << 20) ? -1 : 0);
    must(unlink("/tmp/held"));
    put_into(pair[0], pair[1]);
    put_into(pair[1], pair[0]);
    put_into(pair[0], named);
    put_into(pair[0], file);
    return 0;
}

/* The side that closes first keeps its end of the connection for a minute. */
static int plant_connection(void)
{
    struct sockaddr_in address = {AF_INET, htons(7000), {htonl(INADDR_LOOPBACK)}, {0}};
    int server = must(socket(AF_INET, SOCK_STREAM, 0)), client = must(socket(AF_INET, SOCK_STREAM, 0));
    char byte;
    must(bind(server, (struct sockaddr *)&address, sizeof address));
    must(listen(server, 1));
    must(connect(client, (struct sockaddr *)&address, sizeof address));
    int peer = must(accept(server, NULL, NULL));
    must(close(client));
    must((int)read(peer, &byte, 1));
    must(close(peer));
    return 0;
}

/* A listener and a connection that are open at the end go with their process where neither closes in order. */
static int plant_listener(void)
{
    struct sockaddr_in address = {AF_INET, htons(7000), {htonl(INADDR_LOOPBACK)}, {0}};
    int server = must(socket(AF_INET, SOCK_STREAM, 0));
    must(bind(server, (struct sockaddr *)&address, sizeof address)); /* refused where something is left of it */
    return must(listen(server, 1));
}

/* A label of IPv6 may outlive its socket. */
static int plant_label(void)
{
    struct {
        struct in6_addr to;
        uint32_t label;
        uint8_t action, share;
        uint16_t flags, expires, linger;
        uint32_t pad;
    } request = {IN6ADDR_LOOPBACK_INIT, htonl(0x12345), 0, 255, 1, 60, 60, 0};
    int sock = socket(AF_INET6, SOCK_STREAM, 0);
    if (sock < 0 || setsockopt(sock, IPPROTO_IPV6, 32, &request, sizeof request) < 0)
        return 77; /* no IPv6 here */
    return 0;
}

static void print_attributes(const char *path)
{
    char names[256];
    int flags = -1, fd = must(open(path, O_RDONLY));
    ssize_t len = flistxattr(fd, names, sizeof names);
    (void)ioctl(fd, FS_IOC_GETFLAGS, &flags);
    printf("%s %zd %x\n", path, len, (unsigned)flags);
    fflush(stdout);
}

static int look(void)
{
    static const char script[] =
        "umask; pwd; find /tmp /dev -printf '%p %m %U %G %n %s\\n';"
        "stat -f -c '%n %f %d' /tmp /dev/shm; cat /proc/sysvipc/* /proc/net/unix /proc/net/tcp /proc/net/tcp6"
        " /proc/net/ip6_flowlabel /proc/1/limits; set -- /proc/[0-9]*; echo $#; cat /proc/1/oom_score_adj;"
        "sed -n '/^Sig/p;/^Shd/p;/allowed/p' /proc/1/status; sed -n 's/[^,]*: used//p' /proc/net/sockstat";
    print_attributes("/tmp");
    print_attributes("/tmp/work");
    print_attributes("/dev/shm");
    execlp("sh", "sh", "-c", script, NULL);
    return 1;
}

/* What a job sees of the place it is in. */
static char *view(struct trial *trial)
{
    trial_self(trial, "look");
    trial_expect(trial, 0, 0, 0);
    char *text = strdup(trial_text(trial, FRAME_STDOUT));
    assert_non_null(text);
    return text;
}

static void expect_reset(struct trial *trial)
{
    trial_reset(trial);
    if (trial->failed)
        fail_msg("FAILED %u, errno %u", trial->failure, trial->error);
    assert_true(trial->ready);
}

static void test_leftovers(void **state)
{
    static const char *const plants[] = {"trees",     "kinds", "attributes", "shared",     "ipc",
                                         "processes", "cycle", "listener",   "connection", "label"};
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    char *first = view(&trial);
    expect_reset(&trial);
    for (size_t i = 0; i < 2 * sizeof plants / sizeof *plants; i++) {
        trial_self(&trial, plants[i / 2]);
        if (trial.end[FRAME_STEP_RUN].exit_code != 77)
            trial_expect(&trial, 0, 0, 0);
        expect_reset(&trial);
        char *now = view(&trial);
        assert_string_equal(now, first);
        free(now);
        expect_reset(&trial);
    }
    free(first);
    trial_close(&trial);
}

/* The test above can fail: the look sees what is planted. */
static void test_look_sees(void **state)
{
    static const char *const scripts[] = {"touch /tmp/x",      "touch /dev/shm/x",
                                          "chmod 711 /tmp",    "chmod 755 /tmp/work",
                                          "mkdir /tmp/work/y", "head -c 9999 /dev/zero > /dev/shm/z"};
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct trial trial;
        char command[256];
        trial_open(&trial, &capsules);
        char *first = view(&trial);
        expect_reset(&trial);
        snprintf(command, sizeof command, "%s; exec " TRIAL_SELF " as look", scripts[i]);
        trial_sh(&trial, command);
        assert_string_not_equal(trial_text(&trial, FRAME_STDOUT), first);
        free(first);
        trial_close(&trial);
    }
}

int main(int argc, char **argv)
{
    static const struct trial_role roles[] = {
        {"trees", plant_trees},
        {"kinds", plant_kinds},
        {"attributes", plant_attributes},
        {"shared", plant_shared},
        {"ipc", plant_ipc},
        {"processes", plant_processes},
        {"cycle", plant_cycle},
        {"listener", plant_listener},
        {"connection", plant_connection},
        {"label", plant_label},
        {"look", look},
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_look_sees),
    };
    int role = trial_main(argc, argv, roles, sizeof roles / sizeof *roles);
    return role >= 0 ? role : cmocka_run_group_tests(tests, NULL, NULL);
}
