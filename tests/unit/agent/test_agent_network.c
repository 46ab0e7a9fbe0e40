/* The keeper keeps the network namespace after a job that has not used it, and makes a new one after each other job. */
#include "agent_trial.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct trial_options capsules = {.capsules = true};

static int must(int result)
{
    if (result < 0)
        perror("play"), _exit(3);
    return result;
}

static struct sockaddr_in address_of(const char *host)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7000)};
    inet_pton(AF_INET, host, &address.sin_addr);
    return address;
}

static int play_nothing(void)
{
    return 0;
}

/* Sockets without a connection, and connections within AF_UNIX. */
static int play_quiet(void)
{
    struct sockaddr_in address = address_of("127.0.0.1");
    struct sockaddr_un name = {AF_UNIX, "\0left"};
    int pair[2], server = must(socket(AF_INET, SOCK_STREAM, 0)), named = must(socket(AF_UNIX, SOCK_STREAM, 0));
    must(bind(server, (struct sockaddr *)&address, sizeof address));
    must(listen(server, 1));
    must(bind(named, (struct sockaddr *)&name, 7));
    must(listen(named, 1));
    must(connect(must(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&name, 7));
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    return write(pair[0], "x", 1) == 1 ? 0 : 1;
}

/* Nobody listens there. */
static int play_refused(void)
{
    struct sockaddr_in address = address_of("127.0.0.1");
    return connect(must(socket(AF_INET, SOCK_STREAM, 0)), (struct sockaddr *)&address, sizeof address) < 0 ? 0 : 1;
}

/* Nothing is sent, because there is no way to that address. */
static int play_no_way(void)
{
    struct sockaddr_in address = address_of("192.0.2.1");
    return connect(must(socket(AF_INET, SOCK_STREAM, 0)), (struct sockaddr *)&address, sizeof address) < 0 ? 0 : 1;
}

static int play_no_way6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(7000)};
    int sock = socket(AF_INET6, SOCK_STREAM, 0);
    inet_pton(AF_INET6, "2001:db8::1", &address.sin6_addr);
    if (sock < 0)
        return 77; /* no IPv6 here */
    return connect(sock, (struct sockaddr *)&address, sizeof address) < 0 ? 0 : 1;
}

/* Sockets that hold each other, one of which has a name: they live on after the job. */
static int play_cycle(void)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control = {.header = {CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec byte = {"x", 1};
    struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct sockaddr_un name = {AF_UNIX, "\0left"};
    int pair[2], sent[2] = {0, must(socket(AF_UNIX, SOCK_STREAM, 0))};
    must(bind(sent[1], (struct sockaddr *)&name, 7));
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    sent[0] = pair[1];
    memcpy(CMSG_DATA(&control.header), sent, sizeof sent);
    must((int)sendmsg(pair[0], &message, 0));
    return 0;
}

/* The network namespace of the capsule that is ready. */
static void read_namespace(const struct trial *trial, char name[64])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/net", trial->pid);
    ssize_t n = readlink(path, name, 63);
    assert_true(n > 0);
    name[n] = '\0';
}

static void expect_reset(struct trial *trial)
{
    trial_reset(trial);
    assert_true(trial->ready);
}

/* Whether the network namespace after the job is that before it; -1: the job could not be done here. */
static int kept_after(struct trial *trial, const char *role)
{
    char before[64], after[64];
    read_namespace(trial, before);
    trial_self(trial, role);
    uint32_t code = trial->end[FRAME_STEP_RUN].exit_code;
    assert_true(code == 0 || code == 77);
    expect_reset(trial);
    read_namespace(trial, after);
    return code == 77 ? -1 : strcmp(before, after) == 0;
}

static void test_kept_if_unused(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kept_after(&trial, "nothing"), 1);
        assert_int_equal(kept_after(&trial, "quiet"), 1);
    }
    trial_close(&trial);
}

static void test_new_after_each_use(void **state)
{
    static const char *const uses[] = {"refused", "no-way", "no-way6"};
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    for (size_t i = 0; i < 2 * sizeof uses / sizeof *uses; i++) {
        assert_int_not_equal(kept_after(&trial, uses[i / 2]), 1);
        assert_int_equal(kept_after(&trial, "quiet"), 1);
    }
    trial_close(&trial);
}

/* A socket that is left has the old namespace, or is gone: its name is free in the next capsule. */
static void test_no_socket_stays(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    for (int i = 0; i < 10; i++) {
        kept_after(&trial, "cycle");
        assert_int_equal(kept_after(&trial, "quiet"), 1); /* it binds the same name */
    }
    trial_close(&trial);
}

/* A namespace that was kept has the limits of a new one, and a program cannot change them. */
static void test_settings_are_those_of_a_new_one(void **state)
{
    (void)state;
    struct trial trial;
    trial_open(&trial, &capsules);
    for (int i = 0; i < 2; i++) {
        trial_sh(&trial, "cat /proc/sys/net/ipv4/tcp_rmem /proc/sys/net/core/somaxconn;"
                         "echo 9 2> /dev/null > /proc/sys/net/core/somaxconn; grep -c 'lo:' /proc/net/dev");
        trial_expect(&trial, 0, 0, 0);
        assert_string_equal(trial_text(&trial, FRAME_STDOUT), "4096\t8192\t16384\n128\n1\n");
        expect_reset(&trial);
    }
    trial_close(&trial);
}

int main(int argc, char **argv)
{
    static const struct trial_role roles[] = {
        {"nothing", play_nothing}, {"quiet", play_quiet},     {"refused", play_refused},
        {"no-way", play_no_way},   {"no-way6", play_no_way6}, {"cycle", play_cycle},
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_if_unused),
        cmocka_unit_test(test_new_after_each_use),
        cmocka_unit_test(test_no_socket_stays),
        cmocka_unit_test(test_settings_are_those_of_a_new_one),
    };
    int role = trial_main(argc, argv, roles, sizeof roles / sizeof *roles);
    return role >= 0 ? role : cmocka_run_group_tests(tests, NULL, NULL);
}
