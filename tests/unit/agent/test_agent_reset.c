/* RESET: what a job leaves is gone for the next one in the same agent, or the agent says that it cannot tell
 * and ends. */
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

static const struct trial_options sealed = {.sealed = true};

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

/* An access list for other users, in the kernel's form: user::rwx, user:1:rwx, group::---, mask::rwx, other::---. */
static void set_list(const char *path, const char *name)
{
    static const struct {
        uint32_t version;
        struct {
            uint16_t tag, perm;
            uint32_t id;
        } entries[5];
    } list = {2, {{1, 7, ~0u}, {2, 7, 1}, {4, 0, ~0u}, {0x10, 7, ~0u}, {0x20, 0, ~0u}}};
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
    struct shmid_ds shm;
    for (int i = 0; i < 20; i++) {
        must(shmget(i % 2 ? IPC_PRIVATE : 100 + i, 4096, IPC_CREAT)); /* of mode 0 */
        must(semget(i % 2 ? IPC_PRIVATE : 100 + i, 2, IPC_CREAT));
        must(msgget(i % 2 ? IPC_PRIVATE : 100 + i, IPC_CREAT));
    }
    int id = must(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
    must((int)(intptr_t)shmat(id, NULL, 0) == -1 ? -1 : 0);
    must(shmctl(id, IPC_STAT, &shm));
    shm.shm_perm.uid = 7; /* given away; its maker stays its maker */
    must(shmctl(id, IPC_SET, &shm));
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
        "umask; pwd; find /tmp -maxdepth 0 -printf '%T@\\n'; find /tmp /dev -printf '%p %m %U %G %n %s\\n';"
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

/* The agent has said why and ended. */
static void expect_failed(struct trial *trial, uint32_t failure, uint32_t error)
{
    assert_true(trial->failed);
    assert_int_equal(trial->failure, failure);
    assert_int_equal(trial->error, error);
    trial_receive_all(trial);
    trial_close(trial);
}

static void test_leftovers(void **state)
{
    static const char *const plants[] = {"trees", "kinds",     "attributes", "shared",
                                         "ipc",   "processes", "cycle",      "listener"};
    (void)state;
    struct trial trial;
    trial_open(&trial, &sealed);
    char *first = view(&trial);
    expect_reset(&trial);
    for (size_t i = 0; i < 2 * sizeof plants / sizeof *plants; i++) {
        trial_self(&trial, plants[i / 2]);
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

/* Sockets that were there at the agent's start, of what set the container up, are gone at the end of the first job. */
static void test_fewer_sockets_than_at_first(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &(struct trial_options){.sealed = true, .socket = true});
    for (int round = 0; round < 2; round++) {
        trial_sh(&trial, "exit 0");
        trial_expect(&trial, 0, 0, 0);
        expect_reset(&trial);
    }
    trial_close(&trial);
}

/* The test above can fail: the look sees what is planted. */
static void test_look_sees(void **state)
{
    static const char *const scripts[] = {"touch /tmp/x",
                                          "touch /dev/shm/x",
                                          "chmod 711 /tmp",
                                          "touch -d @1 /tmp",
                                          "chmod 755 /tmp/work",
                                          "mkdir /tmp/work/y",
                                          "head -c 9999 /dev/zero > /dev/shm/z"};
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct trial trial;
        char command[256];
        trial_open(&trial, &sealed);
        char *first = view(&trial);
        expect_reset(&trial);
        snprintf(command, sizeof command, "%s; exec " TRIAL_SELF " as look", scripts[i]);
        trial_sh(&trial, command);
        assert_string_not_equal(trial_text(&trial, FRAME_STDOUT), first);
        free(first);
        trial_close(&trial);
    }
}

static void test_many_jobs(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &sealed);
    for (int i = 0; i < 100; i++) {
        char text[32];
        snprintf(text, sizeof text, "%d", i);
        trial_env(&trial, i % 2 ? "ODD=yes" : "EVEN=yes");
        trial_file(&trial, "number", 0600, text, strlen(text));
        trial_sh(&trial, "cat number; echo \" $ODD$EVEN\"; ls; touch left /dev/shm/left; sleep 1000 & exit 3");
        trial_expect(&trial, 3, 0, 0);
        snprintf(text, sizeof text, "%d yes\nnumber\n", i);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), text);
        expect_reset(&trial);
    }
    trial_close(&trial);
}

/* Neither what a job did not read of its input nor what was dropped of its output comes to the next one. */
static void test_streams(void **state)
{
    static uint8_t input[400000];
    (void)state;
    struct trial trial;
    trial_open(&trial, &sealed);
    memset(input, 'i', sizeof input);
    for (int i = 0; i < 3; i++) {
        trial_step(&trial, FRAME_STEP_RUN, i == 1 ? 100 : 60000, 1000,
                   (const char *const[]){"sh", "-c", i == 1 ? "yes" : "head -c 5000 /dev/zero; exit 4", NULL});
        trial_start(&trial, input, sizeof input);
        trial_pump(&trial, NULL);
        trial_expect(&trial, i == 1 ? 124 : 4, i == 1 ? SIGKILL : 0,
                     FRAME_STDOUT_TRUNCATED | (i == 1 ? FRAME_TIMED_OUT : 0));
        expect_reset(&trial);
        trial_sh(&trial, "cat; echo end");
        trial_expect(&trial, 0, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "end\n");
        expect_reset(&trial);
    }
    trial_close(&trial);
}

static void test_compiled(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &sealed);
    for (int i = 0; i < 4; i++) {
        trial_step(&trial, FRAME_STEP_COMPILE, 60000, 1000,
                   (const char *const[]){"sh", "-c", i % 2 ? "exit 9" : "echo compiled > out", NULL});
        trial_sh(&trial, "cat out");
        assert_true(trial.done);
        assert_int_equal(trial.end[FRAME_STEP_COMPILE].exit_code, i % 2 ? 9 : 0);
        assert_int_equal(trial.ended[FRAME_STEP_RUN], i % 2 == 0);
        expect_reset(&trial);
    }
    trial_sh(&trial, "cat out");
    trial_expect(&trial, 1, 0, 0);
    trial_close(&trial);
}

/* A path as seen from outside the agent's mounts. */
static void outside(const struct trial *trial, const char *path, char out[128])
{
    snprintf(out, 128, "/proc/%d/root%s", trial->pid, path);
}

static void test_file_of_another(void **state)
{
    static const char *const places[] = {"/dev/shm/foreign", "/dev/mqueue/foreign", "/dev/foreign"};
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct trial trial;
        char path[128];
        trial_open(&trial, &sealed);
        trial_sh(&trial, "exit 0");
        outside(&trial, places[i], path);
        int fd = open(path, O_CREAT | O_RDWR, 0600);
        assert_true(fd >= 0);
        close(fd);
        trial_reset(&trial);
        expect_failed(&trial, FRAME_FAIL_RESET, i < 2 ? EPERM : 0);
    }
}

/* What a program could do to the agent, which has its user, if the filter let it. */
static void as_agent_user(const struct trial *trial, int (*change)(pid_t agent))
{
    struct stat status;
    char path[128];
    int ended;
    outside(trial, "/tmp", path);
    assert_int_equal(stat(path, &status), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(setgid(status.st_uid) < 0 || setuid(status.st_uid) < 0 || change(trial->pid) < 0);
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
}

static int lower_files(pid_t agent)
{
    const struct rlimit files = {100, 100};
    return prlimit(agent, RLIMIT_NOFILE, &files, NULL);
}

static int lower_priority(pid_t agent)
{
    return setpriority(PRIO_PROCESS, (id_t)agent, getpriority(PRIO_PROCESS, (id_t)agent) + 1);
}

static void test_limits_changed(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &sealed);
    trial_sh(&trial, "exit 0");
    as_agent_user(&trial, lower_files);
    trial_reset(&trial);
    expect_failed(&trial, FRAME_FAIL_RESET, 0);
}

static void test_priority_changed(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &sealed);
    trial_sh(&trial, "exit 0");
    as_agent_user(&trial, lower_priority);
    trial_reset(&trial);
    expect_failed(&trial, FRAME_FAIL_RESET, 0);
}

static void test_connection_left(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &sealed);
    trial_self(&trial, "connection");
    trial_expect(&trial, 0, 0, 0);
    trial_reset(&trial);
    expect_failed(&trial, FRAME_FAIL_RESET, EADDRINUSE);
}

static void test_label_left(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &sealed);
    trial_self(&trial, "label");
    if (trial.end[FRAME_STEP_RUN].exit_code == 77) {
        trial_close(&trial);
        return;
    }
    trial_expect(&trial, 0, 0, 0);
    trial_reset(&trial);
    expect_failed(&trial, FRAME_FAIL_RESET, 0);
}

/* Where more than the known places can be written to nothing can be proved. */
static void test_not_sealed(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, NULL);
    trial_sh(&trial, "exit 0");
    trial_reset(&trial);
    expect_failed(&trial, FRAME_FAIL_RESET, trial.error);
}

static void test_reset_at_a_wrong_time(void **state)
{
    (void)state;
    for (int when = 0; when < 4; when++) {
        struct trial trial;
        trial_open(&trial, &sealed);
        if (when == 1)
            trial_env(&trial, "A=b");
        if (when >= 2) {
            trial_step(&trial, FRAME_STEP_RUN, 60000, 1000, (const char *const[]){"sleep", "1000", NULL});
            trial_frame(&trial, FRAME_START, 0, NULL, 0);
        }
        if (when == 3)
            trial_frame(&trial, FRAME_STDIN_END, 0, NULL, 0);
        trial_reset(&trial);
        trial.ready = false;
        trial_pump(&trial, NULL);
        expect_failed(&trial, FRAME_FAIL_FRAME, 0);
    }
}

static void test_unsound_resets(void **state)
{
    static const struct {
        uint8_t type, step;
        size_t len;
    } frames[] = {
        {FRAME_RESET, 0, 1}, {FRAME_RESET, FRAME_STEP_RUN, 0}, {FRAME_START, 0, 0}, {FRAME_STDIN_END, 0, 0},
        {FRAME_ENV, 0, 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        struct trial trial;
        trial_open(&trial, &sealed);
        trial_sh(&trial, "exit 0");
        trial.done = false;
        trial_frame(&trial, frames[i].type, frames[i].step, "A=b", frames[i].len);
        trial_pump(&trial, NULL);
        expect_failed(&trial, FRAME_FAIL_FRAME, 0);
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
        cmocka_unit_test(test_leftovers),       cmocka_unit_test(test_look_sees),
        cmocka_unit_test(test_many_jobs),       cmocka_unit_test(test_streams),
        cmocka_unit_test(test_compiled),        cmocka_unit_test(test_file_of_another),
        cmocka_unit_test(test_limits_changed),  cmocka_unit_test(test_priority_changed),
        cmocka_unit_test(test_connection_left), cmocka_unit_test(test_label_left),
        cmocka_unit_test(test_not_sealed),      cmocka_unit_test(test_reset_at_a_wrong_time),
        cmocka_unit_test(test_unsound_resets),  cmocka_unit_test(test_fewer_sockets_than_at_first),
    };
    int role = trial_main(argc, argv, roles, sizeof roles / sizeof *roles);
    return role >= 0 ? role : cmocka_run_group_tests(tests, NULL, NULL);
}
