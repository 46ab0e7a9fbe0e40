#include "agent_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void append(struct trial_bytes *bytes, const void *data, size_t len)
{
    if (!bytes->data || bytes->max - bytes->len < len + 1) {
        bytes->max = 2 * bytes->max + len + 1;
        if (bytes->max <= len) /* too large to be counted */
            abort();
        bytes->data = realloc(bytes->data, bytes->max);
        assert_non_null(bytes->data);
    }
    if (len > 0)
        memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
    bytes->data[bytes->len] = '\0';
}

static void check(int result, const char *what)
{
    if (result >= 0)
        return;
    perror(what);
    _exit(3);
}

static void make_device(const char *path, unsigned minor)
{
    check(mknod(path, S_IFCHR, makedev(1, minor)), path);
    check(chmod(path, 0666), path);
}

/* Makes what there is read-only, and a /dev like the engine's on it. */
static void seal(void)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    check(ioctl(fd, SIOCSIFFLAGS, &loopback), "loopback");
    close(fd);
    check(mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attributes, sizeof attributes), "read-only mounts");
    check(mount("none", "/dev", "tmpfs", MS_NOSUID, "mode=0755"), "tmpfs on /dev");
    make_device("/dev/null", 3);
    make_device("/dev/zero", 5);
    make_device("/dev/urandom", 9);
    check(mkdir("/dev/shm", 0755), "/dev/shm");
    check(mkdir("/dev/mqueue", 0755), "/dev/mqueue");
    check(mount("none", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=16m"), "tmpfs on /dev/shm");
    check(mount("none", "/dev/mqueue", "mqueue", 0, NULL), "mqueue");
}

/* In the child: a world for the agent. The agent and this program may lie below /tmp, so they are taken
 * along before it is covered. */
static void make_world(const struct trial_options *options, uid_t user)
{
    char data[128], self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    check((int)len, "own path");
    self[len] = '\0';
    check(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
    if (options->sealed)
        seal();
    check(mount("proc", "/proc", "proc", 0, NULL), "proc");
    check(mount("none", "/mnt", "tmpfs", 0, "mode=0755"), "tmpfs on /mnt");
    check(close(open("/mnt/self", O_CREAT | O_WRONLY, 0755)), "self");
    check(mount(self, "/mnt/self", NULL, MS_BIND, NULL), "bind self");
    snprintf(data, sizeof data, "mode=0700,uid=%u,%s", user, options->tmpfs ? options->tmpfs : "size=64m");
    check(mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, data), "tmpfs on /tmp");
}

static void make_cgroup(const struct trial_cgroup *cgroup, uid_t user)
{
    char path[128];
    check(mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL), "tmpfs on the cgroups");
    check(chdir("/sys/fs/cgroup"), "cgroups");
    mkdir(cgroup->folder, 0755);
    for (int i = 0; i < TRIAL_CGROUP_FILES && cgroup->names[i]; i++) {
        snprintf(path, sizeof path, "%s/%s", cgroup->folder, cgroup->names[i]);
        int fd = open(path, O_CREAT | O_WRONLY, 0644);
        check((int)write(fd, cgroup->texts[i], strlen(cgroup->texts[i])), path);
        check(fchown(fd, user, user), path);
        close(fd);
    }
}

/* Returns when the other process has its socket. */
static void make_socket(void)
{
    int ready[2];
    char byte;
    check(pipe(ready), "pipe");
    pid_t pid = fork();
    check(pid, "fork");
    if (pid == 0) {
        check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
        check((int)write(ready[1], "r", 1), "ready");
        pause();
        _exit(0);
    }
    check((int)read(ready[0], &byte, 1), "ready");
    close(ready[0]);
    close(ready[1]);
}

static void become_agent(const struct trial_options *options, uid_t user, int in, int out)
{
    const struct rlimit nproc = {options->nproc, options->nproc};
    char *argv[] = {"codecell-agent", NULL};
    char *envp[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/", "LANG=C", (char *)options->variable, NULL};
    char path[32];
    int agent = open(AGENT_PATH, O_PATH);
    check(agent, AGENT_PATH);
    check(dup2(in, 0), "in");
    check(dup2(out, 1), "out");
    make_world(options, user);
    if (options->cgroup)
        make_cgroup(options->cgroup, user);
    if (options->nproc)
        check(setrlimit(RLIMIT_NPROC, &nproc), "RLIMIT_NPROC");
    check(setgid(user), "setgid");
    check(setuid(user), "setuid");
    if (options->socket)
        make_socket();
    snprintf(path, sizeof path, "/proc/self/fd/%d", agent);
    execve(path, argv, envp);
    check(-1, "exec of the agent");
}

static bool is_ready(const struct trial *trial)
{
    return trial->ready;
}

void trial_open(struct trial *trial, const struct trial_options *options)
{
    static const struct trial_options usual;
    int in[2], out[2];
    options = options ? options : &usual;
    /* RLIMIT_NPROC counts by user, and test programs run side by side: each has a user of its own. */
    uid_t user = options->root ? 0 : 20000 + (uid_t)getpid() % 40000;
    *trial = (struct trial){0};
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    trial->pid =
        (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0);
    if (trial->pid == 0)
        become_agent(options, user, in[0], out[1]);
    assert_true(trial->pid > 0);
    close(in[0]);
    close(out[1]);
    trial->in = in[1];
    trial->out = out[0];
    fcntl(trial->in, F_SETFL, O_NONBLOCK);
    trial_pump(trial, is_ready);
    assert_true(trial->ready);
}

/* The pid is process 1's: when it has been waited for, the kernel has ended everything in the namespace. */
static void await_end(pid_t pid)
{
    siginfo_t info;
    for (int waited = 0; waited < TRIAL_LIMIT_MS; waited++) {
        info.si_pid = 0;
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG), 0);
        if (info.si_pid == pid)
            return;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    kill(pid, SIGKILL);
    fail_msg("the agent did not end with its stream");
}

void trial_await(const struct trial *trial, bool (*there)(const struct trial *trial))
{
    for (int waited = 0; !there(trial); waited++) {
        assert_in_range(waited, 0, TRIAL_LIMIT_MS);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

static void read_whole(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, size - 1);
    close(fd);
    text[n < 0 ? 0 : n] = '\0';
}

pid_t trial_program(const struct trial *trial)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)trial->pid, (int)trial->pid);
    read_whole(path, text, sizeof text);
    return (pid_t)strtol(text, NULL, 10);
}

/* The fields of /proc/PID/stat from the third on, its state: the second, its name, may hold anything. */
static const char *stat_fields(pid_t pid, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    read_whole(path, text, size);
    const char *name_end = strrchr(text, ')');
    assert_non_null(name_end);
    return name_end + 2;
}

char trial_state(pid_t pid)
{
    char text[1024];
    return *stat_fields(pid, text, sizeof text);
}

uint64_t trial_cpu_ns(pid_t pid)
{
    char text[1024];
    const char *field = stat_fields(pid, text, sizeof text);
    uint64_t ticks = 0;
    for (int number = 4; number <= 17; number++) {
        field = strchr(field, ' ');
        assert_non_null(field);
        field++;
        if (number >= 14) /* utime, stime, cutime, cstime */
            ticks += strtoull(field, NULL, 10);
    }
    return ticks * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

void trial_close(struct trial *trial)
{
    close(trial->in);
    close(trial->out);
    await_end(trial->pid);
    for (int step = 0; step < 3; step++)
        for (int channel = 0; channel < 4; channel++)
            free(trial->output[step][channel].data);
    free(trial->waiting.data);
    free(trial->received.data);
}

void trial_send(struct trial *trial, const void *data, size_t len)
{
    append(&trial->waiting, data, len);
}

void trial_frame(struct trial *trial, uint8_t type, uint8_t step, const void *payload, size_t len)
{
    uint8_t header[FRAME_HEADER];
    frame_header(header, type, step, 0, (uint32_t)len);
    trial_send(trial, header, sizeof header);
    trial_send(trial, payload, len);
}

void trial_env(struct trial *trial, const char *variable)
{
    trial_frame(trial, FRAME_ENV, 0, variable, strlen(variable));
}

static void send_bytes(struct trial *trial, uint8_t type, const uint8_t *data, size_t len)
{
    while (len > 0) {
        size_t part = len > FRAME_PAYLOAD_MAX ? FRAME_PAYLOAD_MAX : len;
        trial_frame(trial, type, 0, data, part);
        data += part;
        len -= part;
    }
}

void trial_file(struct trial *trial, const char *path, uint32_t mode, const void *data, size_t len)
{
    uint8_t payload[8192];
    size_t path_len = strlen(path);
    assert_true(path_len < sizeof payload - FRAME_FILE_HEAD);
    frame_file_put(payload, mode);
    memcpy(payload + FRAME_FILE_HEAD, path, path_len + 1);
    trial_frame(trial, FRAME_FILE, 0, payload, FRAME_FILE_HEAD + path_len);
    send_bytes(trial, FRAME_FILE_DATA, data, len);
}

void trial_step(struct trial *trial, enum frame_step step, uint64_t timeout_ms, uint64_t output_max,
                const char *const argv[])
{
    uint8_t payload[8192] = {0};
    struct frame_step_spec spec = {timeout_ms, output_max, trial->memory_bytes, trial->report_max};
    size_t len = FRAME_STEP_HEAD;
    frame_step_put(payload, &spec);
    for (; *argv; argv++) {
        assert_true(len + strlen(*argv) < sizeof payload);
        memcpy(payload + len, *argv, strlen(*argv) + 1);
        len += strlen(*argv) + 1;
    }
    trial_frame(trial, FRAME_STEP, (uint8_t)step, payload, len);
}

void trial_send_prepare(struct trial *trial, enum frame_step step, enum frame_hold hold, const char *const argv[])
{
    uint8_t payload[FRAME_PREPARE_SIZE];
    frame_prepare_put(payload, hold);
    trial_step(trial, step, 60000, 1048576, argv);
    trial_frame(trial, FRAME_PREPARE, 0, payload, sizeof payload);
}

void trial_start(struct trial *trial, const void *input, size_t len)
{
    trial_frame(trial, FRAME_START, 0, NULL, 0);
    send_bytes(trial, FRAME_STDIN, input, len);
    trial_frame(trial, FRAME_STDIN_END, 0, NULL, 0);
}

static void take_end(struct trial *trial, const struct frame *frame)
{
    assert_in_range(frame->step, FRAME_STEP_COMPILE, FRAME_STEP_RUN);
    assert_false(trial->ended[frame->step]);
    trial->ended[frame->step] = true;
    assert_true(frame_step_end_get(frame, &trial->end[frame->step]));
}

static void take_prepared(struct trial *trial, const struct frame *frame)
{
    struct frame_prepared prepared;
    assert_true(frame_prepared_get(frame, &prepared));
    trial->prepared++;
    trial->held = prepared.held;
    trial->prepared_bytes = prepared.bytes;
}

static void take_failed(struct trial *trial, const struct frame *frame)
{
    struct frame_failed failed;
    assert_true(frame_failed_get(frame, &failed));
    trial->failed = true;
    trial->failure = failed.failure;
    trial->error = failed.error;
}

/* A frame of the agent's: every one must make sense where it stands. */
static void take_frame(struct trial *trial, const struct frame *frame)
{
    uint32_t version;
    assert_false(trial->done || trial->failed);
    switch (frame->type) {
    case FRAME_READY:
        assert_false(trial->ready);
        assert_true(frame_ready_get(frame, &version));
        assert_int_equal(version, FRAME_VERSION);
        trial->ready = true;
        break;
    case FRAME_OUTPUT:
        assert_in_range(frame->step, FRAME_STEP_COMPILE, FRAME_STEP_RUN);
        assert_in_range(frame->channel, FRAME_STDOUT, FRAME_RESULT);
        assert_true(frame->length > 0);
        assert_false(trial->ended[frame->step]);
        append(&trial->output[frame->step][frame->channel], frame->payload, frame->length);
        break;
    case FRAME_STEP_END:
        take_end(trial, frame);
        break;
    case FRAME_PREPARED:
        take_prepared(trial, frame);
        break;
    case FRAME_DONE:
        trial->done = true;
        break;
    case FRAME_FAILED:
        take_failed(trial, frame);
        break;
    default:
        fail_msg("a frame of type %u from the agent", frame->type);
    }
}

static void receive(struct trial *trial)
{
    static uint8_t part[262144];
    struct frame frame = {0};
    size_t at = 0;
    ssize_t n = read(trial->out, part, sizeof part);
    assert_true(n >= 0);
    trial->eof = n == 0;
    append(&trial->received, part, (size_t)n);
    for (;;) {
        long len = frame_read(trial->received.data + at, trial->received.len - at, &frame);
        assert_true(len >= 0);
        if (len == 0)
            break;
        take_frame(trial, &frame);
        at += (size_t)len;
    }
    memmove(trial->received.data, trial->received.data + at, trial->received.len - at);
    trial->received.len -= at;
}

static void send_some(struct trial *trial)
{
    ssize_t n = write(trial->in, trial->waiting.data + trial->sent, trial->waiting.len - trial->sent);
    if (n < 0 && errno == EPIPE) /* the agent has ended: what it said comes yet */
        trial->sent = trial->waiting.len;
    else if (n > 0)
        trial->sent += (size_t)n;
}

static bool is_over(const struct trial *trial)
{
    return trial->done || trial->failed;
}

void trial_pump(struct trial *trial, bool (*until)(const struct trial *trial))
{
    signal(SIGPIPE, SIG_IGN);
    until = until ? until : is_over;
    while (!trial->eof && !until(trial)) {
        bool more = trial->sent < trial->waiting.len;
        struct pollfd set[] = {{trial->out, POLLIN, 0}, {more ? trial->in : -1, POLLOUT, 0}};
        int n = poll(set, 2, TRIAL_LIMIT_MS);
        assert_true(n > 0 || (n < 0 && errno == EINTR));
        if (set[0].revents)
            receive(trial);
        if (set[1].revents)
            send_some(trial);
    }
}

void trial_send_all(struct trial *trial)
{
    while (trial->sent < trial->waiting.len)
        send_some(trial);
}

void trial_receive_all(struct trial *trial)
{
    while (!trial->eof)
        receive(trial);
}

static bool is_prepared(const struct trial *trial)
{
    return trial->prepared > 0;
}

void trial_prepare(struct trial *trial, enum frame_step step, enum frame_hold hold, const char *const argv[], bool held)
{
    trial->prepared = 0;
    trial_send_prepare(trial, step, hold, argv);
    trial_pump(trial, is_prepared);
    assert_int_equal(trial->prepared, 1);
    assert_int_equal(trial->held, held);
    if (held)
        assert_true(trial->prepared_bytes > 0);
}

void trial_run(struct trial *trial, const char *const argv[])
{
    trial_step(trial, FRAME_STEP_RUN, 60000, 1048576, argv);
    trial_start(trial, NULL, 0);
    trial_pump(trial, NULL);
}

static bool is_answered(const struct trial *trial)
{
    return trial->ready || trial->failed;
}

void trial_reset(struct trial *trial)
{
    trial->ready = trial->done = trial->ended[FRAME_STEP_COMPILE] = trial->ended[FRAME_STEP_RUN] = false;
    for (int step = 0; step < 3; step++)
        for (int channel = 0; channel < 4; channel++)
            trial->output[step][channel].len = 0;
    trial_frame(trial, FRAME_RESET, 0, NULL, 0);
    trial_pump(trial, is_answered);
}

void trial_sh(struct trial *trial, const char *script)
{
    trial_run(trial, (const char *const[]){"sh", "-c", script, NULL});
}

void trial_self(struct trial *trial, const char *name)
{
    trial_env(trial, "ASAN_OPTIONS=detect_leaks=0");
    trial_run(trial, (const char *const[]){TRIAL_SELF, "as", name, NULL});
}

const char *trial_text_of(struct trial *trial, enum frame_step step, enum frame_channel channel)
{
    append(&trial->output[step][channel], NULL, 0);
    return (const char *)trial->output[step][channel].data;
}

const char *trial_text(struct trial *trial, enum frame_channel channel)
{
    return trial_text_of(trial, FRAME_STEP_RUN, channel);
}

void trial_expect_same(struct trial *a, struct trial *b)
{
    assert_true(a->done && b->done);
    assert_string_equal(trial_text(a, FRAME_STDOUT), trial_text(b, FRAME_STDOUT));
    assert_string_equal(trial_text(a, FRAME_STDERR), trial_text(b, FRAME_STDERR));
    assert_int_equal(a->end[FRAME_STEP_RUN].exit_code, b->end[FRAME_STEP_RUN].exit_code);
    assert_int_equal(a->end[FRAME_STEP_RUN].signal, b->end[FRAME_STEP_RUN].signal);
    assert_int_equal(a->end[FRAME_STEP_RUN].flags, b->end[FRAME_STEP_RUN].flags);
}

void trial_expect(const struct trial *trial, uint32_t exit_code, uint32_t signal, uint32_t flags)
{
    const struct frame_step_end *end = &trial->end[FRAME_STEP_RUN];
    if (trial->failed)
        fail_msg("FAILED %u, errno %u", trial->failure, trial->error);
    assert_true(trial->done);
    assert_true(trial->ended[FRAME_STEP_RUN]);
    if (end->exit_code != exit_code && trial->output[FRAME_STEP_RUN][FRAME_STDERR].data)
        print_message("%s\n", (const char *)trial->output[FRAME_STEP_RUN][FRAME_STDERR].data);
    assert_int_equal(end->exit_code, exit_code);
    assert_int_equal(end->signal, signal);
    assert_int_equal(end->flags, flags);
}

int trial_main(int argc, char **argv, const struct trial_role *roles, size_t len)
{
    if (argc < 3 || strcmp(argv[1], "as") != 0)
        return -1;
    for (size_t i = 0; i < len; i++)
        if (strcmp(roles[i].name, argv[2]) == 0)
            _exit(roles[i].play());
    _exit(99);
}
