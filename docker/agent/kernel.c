#include "docker/agent/kernel.h"

#include "base/states.h"
#include "docker/agent/system.h"
#include "docker/wire/integers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char variable[] = "CODECELL_KERNEL=3"; /* SPAWN_CHANNEL */
#define VARIABLE_NAME 16u                     /* with its '=' */

static const struct states kernel_states = {
    .next =
        (const uint32_t[KERNEL_STATES]){
            [KERNEL_NONE] = STATE(KERNEL_RUNNING),
            [KERNEL_RUNNING] = STATE(KERNEL_RESTING) | STATE(KERNEL_NONE),
            [KERNEL_RESTING] = STATE(KERNEL_RUNNING) | STATE(KERNEL_NONE),
        },
    .count = KERNEL_STATES,
};

static void kernel_set_state(struct kernel *kernel, enum kernel_state next)
{
    if (!states_legal(&kernel_states, kernel->state, next))
        system_end();
    kernel->state = next;
}

bool kernel_lives(const struct kernel *kernel)
{
    return kernel->pid > 0;
}

bool kernel_stays(const struct kernel *kernel)
{
    return kernel_lives(kernel) && !kernel->broken && (kernel->state == KERNEL_RESTING || kernel->ended);
}

/* Its start. */

static bool same_argv(const struct kernel *kernel, char *const argv[])
{
    const char *own = kernel->argv, *end = own + kernel->argv_len;
    for (; *argv && own < end && strcmp(own, *argv) == 0; argv++)
        own += strlen(own) + 1;
    return !*argv && own == end;
}

/* The strings of a STEP fit into a frame. */
static void note_argv(struct kernel *kernel, char *const argv[])
{
    char *at = kernel->argv;
    for (; *argv; argv++)
        at = stpcpy(at, *argv) + 1;
    kernel->argv_len = (size_t)(at - kernel->argv);
}

static char *const *with_variable(char *const envp[])
{
    static char *all[JOB_CONTAINER_ENV + 1 + JOB_ENV_MAX + 2];
    size_t count = 0;
    for (; *envp; envp++)
        if (strncmp(*envp, variable, VARIABLE_NAME) != 0)
            all[count++] = *envp;
    all[count++] = variable;
    all[count] = NULL;
    return all;
}

static int kernel_start(struct kernel *kernel, const struct job_step *what, char *const envp[],
                        struct kernel_entry *out, struct spawn_failure *failure)
{
    int ends[2];
    *failure = (struct spawn_failure){FRAME_FAIL_SYSTEM, 0};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        failure->error = errno;
        return -1;
    }
    const struct spawn_options options = {
        .argv = what->argv, .envp = with_variable(envp), .memory = what->spec.memory_bytes, .channel = ends[1]};
    int spawned = spawn(&options, &out->program, failure);
    close(ends[1]);
    if (spawned < 0) {
        close(ends[0]);
        return -1;
    }
    system_must(fcntl(ends[0], F_SETFL, O_NONBLOCK));
    out->channel = ends[0];
    kernel->pid = out->program.pid;
    kernel->in = out->program.kept;
    note_argv(kernel, what->argv);
    return 0;
}

/* Going on. */

/* It stands still, so nobody else reads. */
static void drop_input(const struct kernel *kernel)
{
    char dropped[4096];
    int waiting;
    while (ioctl(kernel->in, FIONREAD, &waiting) == 0 && waiting > 0)
        if (read(kernel->in, dropped, (size_t)waiting < sizeof dropped ? (size_t)waiting : sizeof dropped) <= 0)
            break;
}

/* A new writing end of its stdin: to the kernel, the input of this step ends when it is closed. */
static int open_input(const struct kernel *kernel)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", kernel->in);
    return (int)system_must(open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}

static void kernel_go_on(struct kernel *kernel, struct kernel_entry *out)
{
    drop_input(kernel);
    out->program = (struct spawn){.pid = kernel->pid,
                                  .in = open_input(kernel),
                                  .out = kernel->out,
                                  .err = kernel->err,
                                  .theirs = -1,
                                  .kept = -1,
                                  .started = system_clock()};
    out->channel = kernel->channel;
    kernel->stopped = false;
    (void)kill(kernel->pid, SIGCONT);
}

/* Whether it has ended while it rested. */
static void kernel_look(struct kernel *kernel)
{
    int status;
    while (kernel_lives(kernel) && waitpid(kernel->pid, &status, WNOHANG | kernel_wait_options(kernel)) > 0)
        (void)kernel_child(kernel, kernel->pid, status);
}

/* A message in whose middle the last step has ended is not this step's. */
static void begin_step(struct kernel *kernel, uint64_t report_max)
{
    kernel->fresh = !kernel_lives(kernel);
    kernel->ended = kernel->broken = kernel->interrupted = kernel->left_out = false;
    kernel->exit_code = 0;
    kernel->closed_by = UINT64_MAX;
    kernel->report_left = report_max;
    kernel->run_sent = kernel->stop_by = 0;
    kernel->message.relayed = false;
    if (kernel->fresh)
        kernel->message = (struct kernel_message){0}, kernel->stopped = false;
}

int kernel_enter(struct kernel *kernel, const struct job_step *what, char *const envp[], struct kernel_entry *out,
                 struct spawn_failure *failure)
{
    kernel_look(kernel);
    if (kernel_lives(kernel) && !same_argv(kernel, what->argv))
        kernel_end(kernel);
    begin_step(kernel, what->spec.report_max);
    if (!kernel->fresh)
        kernel_go_on(kernel, out);
    else if (kernel_start(kernel, what, envp, out, failure) < 0)
        return -1;
    kernel->out = kernel->err = kernel->channel = -1;
    kernel_set_state(kernel, KERNEL_RUNNING);
    return 0;
}

/* Its end. */

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void kernel_forget(struct kernel *kernel)
{
    shut(&kernel->in);
    shut(&kernel->out);
    shut(&kernel->err);
    shut(&kernel->channel);
    kernel->pid = 0;
    kernel_set_state(kernel, KERNEL_NONE);
}

void kernel_leave(struct kernel *kernel, int out, int err, int channel)
{
    kernel->out = out;
    kernel->err = err;
    kernel->channel = channel;
    if (kernel_stays(kernel))
        kernel_set_state(kernel, KERNEL_RESTING);
    else if (kernel_lives(kernel))
        kernel_end(kernel);
    else
        kernel_forget(kernel);
}

void kernel_end(struct kernel *kernel)
{
    if (!kernel_lives(kernel))
        return;
    if (kill(-1, SIGKILL) < 0 && errno != ESRCH)
        system_end();
    while (wait4(-1, NULL, __WALL, NULL) > 0 || errno == EINTR)
        ;
    kernel_forget(kernel);
}

int kernel_wait_options(const struct kernel *kernel)
{
    return kernel_lives(kernel) ? WUNTRACED | WCONTINUED : 0;
}

bool kernel_child(struct kernel *kernel, pid_t pid, int status)
{
    bool over = WIFEXITED(status) || WIFSIGNALED(status);
    if (pid != kernel->pid)
        return kernel_lives(kernel) && !over;
    if (!over)
        kernel->stopped = WIFSTOPPED(status);
    else if (kernel->state == KERNEL_RUNNING)
        kernel->pid = 0; /* its step still reads what it has left */
    else
        kernel_forget(kernel);
    return !over;
}

void kernel_signal(struct kernel *kernel, uint32_t number)
{
    if (!kernel_lives(kernel))
        return;
    kernel->interrupted |= number == SIGINT;
    (void)kill(-kernel->pid, (int)number);
}

/* The other processes. */

#define STATE_FIELD 1    /* of /proc/PID/stat, counted from the one after the name; see proc(5) */
#define THREADS_FIELD 18 /* num_threads */

/* The field after so many spaces; "": there is none. */
static const char *field_of(const char *text, int number)
{
    for (int i = 0; text && i < number; i++) {
        text = strchr(text, ' ');
        text += text != NULL;
    }
    return text ? text : "";
}

struct sight {
    char state; /* of its leader, as proc(5) has it; 0: it is gone */
    bool alive; /* it is no zombie, or has threads besides its dead leader */
};

static struct sight look_at(pid_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return (struct sight){0};
    text[n] = '\0';
    const char *name_end = strrchr(text, ')'); /* its name may hold anything */
    char state = *field_of(name_end, STATE_FIELD);
    bool threads = strtol(field_of(name_end, THREADS_FIELD), NULL, 10) > 1;
    return (struct sight){state, (state != 'Z' && state != 'X') || threads};
}

/* False: there may be some that live. */
static bool kill_others(const struct kernel *kernel)
{
    bool none = true;
    DIR *all = opendir("/proc");
    for (struct dirent *entry; all && (entry = readdir(all));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 1 || pid == kernel->pid || !look_at(pid).alive)
            continue;
        (void)kill(pid, SIGKILL);
        none = false;
    }
    if (all)
        closedir(all);
    return all && none;
}

/* A stopped process cannot fork, and one that forks gets the signal before its child runs. */
bool kernel_quell(struct kernel *kernel)
{
    uint64_t now = system_clock();
    bool stood = kernel->stopped;
    if (kernel->stop_by == 0)
        kernel->stop_by = now + KERNEL_STOP_NS;
    if (kill(-1, SIGSTOP) < 0 && errno != ESRCH)
        system_end();
    /* If somebody has killed it or let it go on, its leader runs by now. */
    bool rests = kill_others(kernel) && stood && look_at(kernel->pid).state == 'T';
    if (!rests && now >= kernel->stop_by)
        kernel->broken = true;
    return rests;
}

/* The channel. */

size_t kernel_code(struct kernel *kernel, int channel, const uint8_t *data, size_t len)
{
    if (channel < 0 || kernel->ended || kernel->closed_by != UINT64_MAX)
        return len;
    ssize_t n = send(channel, data, len, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0) {
        kernel_closed(kernel);
        return len;
    }
    if (kernel->run_sent < sizeof kernel->run) {
        size_t room = sizeof kernel->run - (size_t)kernel->run_sent;
        memcpy(kernel->run + kernel->run_sent, data, (size_t)n < room ? (size_t)n : room);
    }
    kernel->run_sent += (uint64_t)n;
    return (size_t)n;
}

void kernel_closed(struct kernel *kernel)
{
    kernel->broken |= kernel->ended;
    if (kernel->closed_by == UINT64_MAX)
        kernel->closed_by = system_clock() + KERNEL_CLOSED_NS;
}

/* An END with another number is what a thread of an earlier step has left. */
static void take_end(struct kernel *kernel)
{
    const uint8_t *end = kernel->message.end;
    if (kernel->ended || kernel->run_sent < sizeof kernel->run || get32(end) != get32(kernel->run + FRAME_MESSAGE_HEAD))
        return;
    if (kernel->run_sent < (uint64_t)FRAME_MESSAGE_HEAD + get32(kernel->run + 4))
        kernel->broken = true; /* the rest of RUN would be taken for another message */
    kernel->ended = !kernel->broken;
    kernel->exit_code = get32(end + 4) & 255u;
}

/* A head is whole. What comes after END belongs to no step. Returns how many bytes of it are relayed. */
static size_t take_head(struct kernel *kernel, uint8_t *room)
{
    struct kernel_message *message = &kernel->message;
    struct frame_message head;
    if (!frame_message_get(message->head, &head)) {
        kernel->broken = true;
        return 0;
    }
    uint64_t whole = FRAME_MESSAGE_HEAD + (uint64_t)head.length;
    bool ours = head.kind != FRAME_MESSAGE_END && !kernel->ended;
    message->kind = head.kind;
    message->left = head.length;
    message->relayed = ours && whole <= kernel->report_left;
    kernel->left_out |= ours && !message->relayed;
    if (!message->relayed)
        return 0;
    kernel->report_left -= whole;
    memcpy(room, message->head, FRAME_MESSAGE_HEAD);
    return FRAME_MESSAGE_HEAD;
}

/* `len` bytes of the payload. Returns how many of them are relayed. */
static size_t take_payload(struct kernel *kernel, const uint8_t *data, uint32_t len, uint8_t *room)
{
    struct kernel_message *message = &kernel->message;
    if (message->kind == FRAME_MESSAGE_END)
        memcpy(message->end + FRAME_MESSAGE_END_SIZE - message->left, data, len);
    if (message->relayed)
        memcpy(room, data, len);
    message->left -= len;
    return message->relayed ? len : 0;
}

static void message_over(struct kernel *kernel)
{
    kernel->message.head_len = 0;
    if (kernel->message.kind == FRAME_MESSAGE_END)
        take_end(kernel);
}

size_t kernel_take(struct kernel *kernel, const uint8_t *data, size_t len, uint8_t *room)
{
    struct kernel_message *message = &kernel->message;
    size_t relayed = 0;
    for (size_t at = 0; at < len && !kernel->broken;) {
        if (message->head_len < FRAME_MESSAGE_HEAD) {
            message->head[message->head_len++] = data[at++];
            if (message->head_len == FRAME_MESSAGE_HEAD)
                relayed += take_head(kernel, room + relayed);
        } else {
            uint32_t part = len - at < message->left ? (uint32_t)(len - at) : message->left;
            relayed += take_payload(kernel, data + at, part, room + relayed);
            at += part;
        }
        if (!kernel->broken && message->head_len == FRAME_MESSAGE_HEAD && message->left == 0)
            message_over(kernel);
    }
    return relayed;
}
