#include "kernel_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHANNEL 3

static struct {
    uint32_t number;
    int code;
    pid_t child;
    char kept[64]; /* of `set` */
} cell;

static volatile sig_atomic_t interrupted;
static volatile uint64_t counter;

static void write_all(int fd, const void *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, (const char *)data + at, len - at);
        if (n < 0)
            _exit(90);
        at += (size_t)n;
    }
}

static void read_all(int fd, void *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = read(fd, (char *)data + at, len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(91);
        at += (size_t)n;
    }
}

static void send_head(uint32_t kind, uint32_t length)
{
    uint8_t head[FRAME_MESSAGE_HEAD];
    frame_message_put(head, &(struct frame_message){(enum frame_message_kind)kind, length});
    write_all(CHANNEL, head, sizeof head);
}

static void send_end(uint32_t number, int code)
{
    const uint32_t end[2] = {number, (uint32_t)code};
    send_head(FRAME_MESSAGE_END, sizeof end);
    write_all(CHANNEL, end, sizeof end);
}

/* The commands. */

static void do_print(const char *text)
{
    write_all(STDOUT_FILENO, text, strlen(text));
}

static void do_warn(const char *text)
{
    write_all(STDERR_FILENO, text, strlen(text));
}

/* All of the standard input; or so many bytes. */
static void do_read(const char *text)
{
    char data[4096];
    size_t left = *text ? strtoul(text, NULL, 10) : SIZE_MAX;
    ssize_t n;
    while (left > 0 && (n = read(STDIN_FILENO, data, left < sizeof data ? left : sizeof data)) > 0) {
        write_all(STDOUT_FILENO, data, (size_t)n);
        left -= (size_t)n;
    }
}

static void do_note(const char *text)
{
    uint32_t len = (uint32_t)strtoul(text, NULL, 10);
    char *note = malloc(len + 1);
    send_head(FRAME_MESSAGE_NOTE, len);
    memset(note, 'n', len);
    write_all(CHANNEL, note, len);
    free(note);
}

static void do_head(const char *text)
{
    char *end;
    uint32_t kind = (uint32_t)strtoul(text, &end, 10);
    send_head(kind, (uint32_t)strtoul(end, NULL, 10));
}

static void do_stale(const char *text)
{
    send_end(cell.number - 1, 77);
    send_end(cell.number + (uint32_t)strtoul(text, NULL, 10), 78);
}

static void do_die(const char *text)
{
    _exit((int)strtol(text, NULL, 10));
}

static void do_end_and_die(const char *text)
{
    send_end(cell.number, (int)strtol(text, NULL, 10));
    _exit(99);
}

static void do_exit(const char *text)
{
    cell.code = (int)strtol(text, NULL, 10);
}

static void do_fork(const char *text)
{
    (void)text;
    cell.child = fork();
    if (cell.child == 0)
        for (;;)
            counter++;
}

/* How the child ended. */
static void do_child(const char *text)
{
    char line[64];
    int status;
    (void)text;
    waitpid(cell.child, &status, 0);
    snprintf(line, sizeof line, "signal %d", WIFSIGNALED(status) ? WTERMSIG(status) : -1);
    do_print(line);
}

static void *count(void *arg)
{
    for (;;)
        counter++;
    return arg;
}

static void do_thread(const char *text)
{
    pthread_t thread;
    (void)text;
    if (pthread_create(&thread, NULL, count, NULL) != 0)
        _exit(92);
}

static void *rebel(void *arg)
{
    for (;;)
        kill(getpid(), SIGCONT);
    return arg;
}

/* Threads that do not want to stand still. */
static void do_rebel(const char *text)
{
    pthread_t thread;
    (void)text;
    for (int i = 0; i < 4; i++)
        if (pthread_create(&thread, NULL, rebel, NULL) != 0)
            _exit(94);
}

/* Until the thread has counted on. */
static void do_counts(const char *text)
{
    uint64_t before = counter;
    (void)text;
    while (counter == before)
        ;
    do_print("counts");
}

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void do_spin(const char *text)
{
    (void)text;
    do_print("spins");
    while (!interrupted)
        ;
    interrupted = 0;
    cell.code = 1;
}

static void do_deaf(const char *text)
{
    (void)text;
    signal(SIGINT, SIG_IGN);
    do_print("deaf");
    for (;;)
        pause();
}

static void do_close(const char *text)
{
    (void)text;
    close(CHANNEL);
    for (;;)
        pause();
}

static void do_set(const char *text)
{
    snprintf(cell.kept, sizeof cell.kept, "%s", text);
}

static void do_get(const char *text)
{
    (void)text;
    do_print(cell.kept);
}

static void do_file(const char *text)
{
    int fd = open(text, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    write_all(fd, text, strlen(text));
    close(fd);
}

/* What the stand-in for the cgroup's file says from now on. */
static void do_stat(const char *text)
{
    FILE *file = fopen("/sys/fs/cgroup/memory.stat", "w");
    fprintf(file, "anon %s\nfile 0\nshmem 0\n", text);
    fclose(file);
}

/* The highest descriptor that is open. */
static void do_descriptors(const char *text)
{
    char line[32];
    int highest = -1;
    (void)text;
    for (int fd = 0; fd < 1024; fd++)
        highest = fcntl(fd, F_GETFD) >= 0 ? fd : highest;
    snprintf(line, sizeof line, "%d %s", highest, getenv("CODECELL_KERNEL"));
    do_print(line);
}

static const struct command {
    const char *name;
    void (*play)(const char *text);
} commands[] = {
    {"print", do_print},   {"warn", do_warn},   {"read", do_read},   {"note", do_note},
    {"head", do_head},     {"stale", do_stale}, {"die", do_die},     {"end-and-die", do_end_and_die},
    {"exit", do_exit},     {"fork", do_fork},   {"child", do_child}, {"thread", do_thread},
    {"counts", do_counts}, {"spin", do_spin},   {"deaf", do_deaf},   {"close", do_close},
    {"set", do_set},       {"get", do_get},     {"file", do_file},   {"descriptors", do_descriptors},
    {"stat", do_stat},     {"rebel", do_rebel},
};

static void play(char *line)
{
    char *text = line + strcspn(line, " ");
    if (*text)
        *text++ = '\0';
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, line) == 0) {
            commands[i].play(text);
            return;
        }
    _exit(93);
}

int kernel_driver(void)
{
    const struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    for (;;) {
        uint32_t head[3];
        read_all(CHANNEL, head, sizeof head);
        size_t len = head[1] - sizeof head[2];
        char *code = calloc(1, len + 1), *rest = code;
        read_all(CHANNEL, code, len);
        cell.number = head[2];
        cell.code = 0;
        for (char *line; (line = strsep(&rest, "\n"));)
            if (*line)
                play(line);
        free(code);
        send_end(cell.number, cell.code);
    }
}

int kernel_hasty(void)
{
    uint32_t head[3];
    read_all(CHANNEL, head, sizeof head);
    send_end(head[2], 0);
    for (;;)
        pause();
}

/* The tests' side. */

const char *const kernel_argv[] = {TRIAL_SELF, "as", "driver", NULL};

void kernel_begin(struct trial *trial, const char *const argv[], uint64_t timeout_ms, const char *code)
{
    static uint32_t number = 1000;
    trial_again(trial);
    trial->kernel = true;
    trial_env(trial, "ASAN_OPTIONS=detect_leaks=0");
    trial_step(trial, FRAME_STEP_RUN, timeout_ms, 1048576, argv);
    trial_start_kernel(trial, number++, code, trial->input ? trial->input : "");
}

void kernel_cell(struct trial *trial, const char *code, const char *input)
{
    trial->input = input;
    kernel_begin(trial, kernel_argv, 60000, code);
    trial->input = NULL;
    trial_pump(trial, NULL);
}

void kernel_plain(struct trial *trial, const char *script)
{
    trial_again(trial);
    trial->kernel = false;
    trial_sh(trial, script);
}

void kernel_expect(const struct trial *trial, uint32_t exit_code, uint32_t signal, uint32_t flags)
{
    trial_expect(trial, exit_code, signal, flags);
    assert_int_equal(trial->last.kernel, (flags & FRAME_KERNEL_LIVES) != 0);
}
