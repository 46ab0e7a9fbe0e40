#include "agent_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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
    check(mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attributes, sizeof attributes), "read-only mounts");
    check(mount("none", "/dev", "tmpfs", MS_NOSUID, "mode=0755"), "tmpfs on /dev");
    make_device("/dev/null", 3);
    make_device("/dev/zero", 5);
    make_device("/dev/urandom", 9);
    check(mkdir("/dev/shm", 0755), "/dev/shm");
    check(mkdir("/dev/mqueue", 0755), "/dev/mqueue");
    check(mkdir("/dev/pts", 0755), "/dev/pts");
}

static void bring(const char *from, const char *to)
{
    check(close(open(to, O_CREAT | O_WRONLY, 0755)), to);
    check(mount(from, to, NULL, MS_BIND, NULL), from);
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
    if (options->capsules)
        seal();
    check(mount("none", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=16m"), "tmpfs on /dev/shm");
    check(mount("proc", "/proc", "proc", 0, NULL), "proc");
    check(mount("none", "/mnt", "tmpfs", 0, "mode=0755"), "tmpfs on /mnt");
    bring(self, TRIAL_SELF);
    bring(options->agent ? options->agent : AGENT_PATH, TRIAL_TOOL);
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

static const struct trial_cgroup still_cgroup = {
    .folder = "memory",
    .names = {"memory.limit_in_bytes", "memory.stat", "memory.usage_in_bytes"},
    .texts = {"650117120\n", "cache 4096\nrss 8192\nshmem 0\n", "1048576\n"},
};

static const struct trial_cgroup *cgroup_of(const struct trial_options *options)
{
    return !options->cgroup && options->capsules ? &still_cgroup : options->cgroup;
}

static void become_agent(const struct trial_options *options, uid_t user, int in, int out, int err)
{
    const struct rlimit nproc = {options->nproc, options->nproc};
    char *argv[] = {"codecell-agent", options->capsules ? "capsules" : NULL, NULL};
    char *envp[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/", "LANG=C", (char *)options->variable, NULL};
    char path[32];
    int agent = open(options->agent ? options->agent : AGENT_PATH, O_PATH);
    check(agent, "the agent");
    check(dup2(in, 0), "in");
    check(dup2(out, 1), "out");
    make_world(options, user);
    if (cgroup_of(options))
        make_cgroup(cgroup_of(options), user);
    if (options->nproc)
        check(setrlimit(RLIMIT_NPROC, &nproc), "RLIMIT_NPROC");
    check(setgid(user), "setgid");
    check(setuid(user), "setuid");
    snprintf(path, sizeof path, "/proc/self/fd/%d", agent);
    check(dup2(err, 2), "err");
    execve(path, argv, envp);
    check(-1, "exec of the agent");
}

static bool is_answered(const struct trial *trial)
{
    return trial->ready || trial->failed;
}

void trial_open(struct trial *trial, const struct trial_options *options)
{
    static const struct trial_options usual;
    int in[2], out[2], err[2];
    options = options ? options : &usual;
    /* RLIMIT_NPROC counts by user, and test programs run side by side: each has a user of its own. */
    uid_t user = options->root ? 0 : 20000 + (uid_t)getpid() % 40000;
    *trial = (struct trial){.closed = options->closed};
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    trial->pid =
        (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0);
    if (trial->pid == 0)
        become_agent(options, user, in[0], out[1], err[1]);
    assert_true(trial->pid > 0);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    trial->in = in[1];
    trial->out = out[0];
    trial->err = err[0];
    fcntl(trial->in, F_SETFL, O_NONBLOCK);
    trial_pump(trial, is_answered);
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
    close(trial->err);
    await_end(trial->pid);
    for (int step = 0; step < 3; step++)
        for (int channel = 0; channel < 4; channel++)
            free(trial->output[step][channel].data);
    free(trial->waiting.data);
    free(trial->received.data);
    free(trial->notices.data);
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
    struct frame_step_spec spec = {.timeout_ms = timeout_ms,
                                   .output_max = output_max,
                                   .memory_bytes = trial->memory_bytes,
                                   .report_max = trial->report_max};
    size_t len = FRAME_STEP_HEAD;
    if (step == FRAME_STEP_RUN) {
        spec.size = trial->size;
        spec.kernel = trial->kernel ? FRAME_KERNEL_USE : FRAME_KERNEL_NONE;
        spec.changes = trial->changes;
    }
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

void trial_signal(struct trial *trial, uint32_t number)
{
    uint8_t payload[FRAME_SIGNAL_SIZE];
    frame_signal_put(payload, number);
    trial_frame(trial, FRAME_SIGNAL, 0, payload, sizeof payload);
}

void trial_resize(struct trial *trial, uint32_t columns, uint32_t rows)
{
    uint8_t payload[FRAME_RESIZE_SIZE];
    frame_resize_put(payload, &(struct frame_size){columns, rows});
    trial_frame(trial, FRAME_RESIZE, 0, payload, sizeof payload);
}

void trial_start(struct trial *trial, const void *input, size_t len)
{
    trial_frame(trial, FRAME_START, 0, NULL, 0);
    send_bytes(trial, FRAME_STDIN, input, len);
    trial_frame(trial, FRAME_STDIN_END, 0, NULL, 0);
}

void trial_start_kernel(struct trial *trial, uint32_t number, const char *code, const char *input)
{
    uint8_t head[FRAME_MESSAGE_RUN_HEAD];
    size_t len = strlen(code);
    frame_message_put(head, &(struct frame_message){FRAME_MESSAGE_RUN, (uint32_t)(4 + len)});
    memcpy(head + FRAME_MESSAGE_HEAD, &number, sizeof number);
    trial_frame(trial, FRAME_START, 0, NULL, 0);
    for (size_t i = 0; i < sizeof head; i++) /* in pieces: the agent finds the number in any of them */
        send_bytes(trial, FRAME_CODE, head + i, 1);
    send_bytes(trial, FRAME_CODE, (const uint8_t *)code, len);
    send_bytes(trial, FRAME_STDIN, (const uint8_t *)input, strlen(input));
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
    trial->stage = failed.stage;
}

void trial_send_open(struct trial *trial, uint64_t number, uint64_t tmp_bytes)
{
    uint8_t payload[FRAME_OPEN_SIZE];
    frame_open_put(payload, &(struct frame_open){number, tmp_bytes, 16384});
    trial_frame(trial, FRAME_OPEN, 0, payload, sizeof payload);
}

/* Both streams must say the same number. */
static void take_ready(struct trial *trial, int stream, const struct frame *frame)
{
    assert_false(trial->said[stream]);
    assert_true(frame_ready_get(frame, &trial->words[stream]));
    assert_int_equal(trial->words[stream].version, FRAME_VERSION);
    trial->said[stream] = true;
    if (!trial->said[0] || !trial->said[1])
        return;
    assert_int_equal(trial->words[0].number, trial->words[1].number);
    trial->ready = true;
    if (!trial->closed)
        trial_send_open(trial, trial->words[0].number, 64u << 20);
}

static void take_notice(struct trial *trial, const struct frame *frame)
{
    if (frame->type == FRAME_READY)
        take_ready(trial, 1, frame);
    else if (frame->type == FRAME_FAILED)
        take_failed(trial, frame);
    else
        fail_msg("a frame of type %u on stderr", frame->type);
}

/* A frame of the agent's: every one must make sense where it stands. */
static void take_frame(struct trial *trial, const struct frame *frame)
{
    assert_false(trial->done || trial->failed);
    switch (frame->type) {
    case FRAME_READY:
        take_ready(trial, 0, frame);
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
        assert_true(frame_done_get(frame, &trial->last));
        trial->done = true;
        break;
    case FRAME_FAILED:
        take_failed(trial, frame);
        break;
    default:
        fail_msg("a frame of type %u from the agent", frame->type);
    }
}

/* Reads once, and hands over the frames that are whole. False: the stream has ended. */
static bool receive_from(struct trial *trial, int fd, struct trial_bytes *bytes,
                         void (*take)(struct trial *trial, const struct frame *frame))
{
    static uint8_t part[262144];
    struct frame frame = {0};
    size_t at = 0;
    ssize_t n = read(fd, part, sizeof part);
    assert_true(n >= 0);
    append(bytes, part, (size_t)n);
    for (;;) {
        long len = frame_read(bytes->data + at, bytes->len - at, &frame);
        assert_true(len >= 0);
        if (len == 0)
            break;
        take(trial, &frame);
        at += (size_t)len;
    }
    memmove(bytes->data, bytes->data + at, bytes->len - at);
    bytes->len -= at;
    return n > 0;
}

static void receive(struct trial *trial)
{
    trial->eof = !receive_from(trial, trial->out, &trial->received, take_frame);
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
        struct pollfd set[] = {{trial->out, POLLIN, 0}, {more ? trial->in : -1, POLLOUT, 0}, {trial->err, POLLIN, 0}};
        int n = poll(set, 3, TRIAL_LIMIT_MS);
        assert_true(n > 0 || (n < 0 && errno == EINTR));
        if (set[2].revents & POLLIN) /* first: what the keeper says before its end is not lost */
            (void)receive_from(trial, trial->err, &trial->notices, take_notice);
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

void trial_again(struct trial *trial)
{
    trial->done = trial->ended[FRAME_STEP_COMPILE] = trial->ended[FRAME_STEP_RUN] = false;
    for (int step = 0; step < 3; step++)
        for (int channel = 0; channel < 4; channel++)
            trial->output[step][channel].len = 0;
}

void trial_reset(struct trial *trial)
{
    trial_again(trial);
    trial->ready = trial->said[0] = trial->said[1] = false;
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
