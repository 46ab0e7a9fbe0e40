/* Back-pressure in both directions, and standard input that comes while the program runs. */
#include "agent_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1048576)
#define MUCH (16 * MIB)       /* far more than all buffers between program and server together */
#define BUFFERS MIB           /* more than these buffers: the agent's, the program's pipe, the stream's pipe */
#define AGENT_KB 4096u        /* more than the agent's memory with every buffer full */
#define PIECE ((size_t)65536) /* of the role "zeros" */

static char zeros[PIECE];

static int play_zeros(void)
{
    for (size_t written = 0; written < MUCH;) {
        ssize_t n = write(STDOUT_FILENO, zeros, sizeof zeros);
        if (n < 0)
            return 1;
        written += (size_t)n;
    }
    return 0;
}

/* Of processes, as the kernel shows them outside of their namespace. */

static void read_proc(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
    text[n < 0 ? 0 : n] = '\0';
    if (fd >= 0)
        close(fd);
}

static uint64_t number_after(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    assert_non_null(at);
    return strtoull(at + strlen(name), NULL, 10);
}

static uint64_t written_by(pid_t pid)
{
    char text[512];
    read_proc(pid, "io", text, sizeof text);
    return number_after(text, "wchar: ");
}

/* Whether the process sleeps in this system call. */
static bool sleeps_in(pid_t pid, long call)
{
    char text[256], *end;
    read_proc(pid, "syscall", text, sizeof text);
    return strtol(text, &end, 10) == call && end != text;
}

static bool is_stopped(pid_t pid)
{
    char text[512];
    read_proc(pid, "stat", text, sizeof text);
    const char *name_end = strrchr(text, ')');
    return name_end && strncmp(name_end, ") T", 3) == 0;
}

static void pause_briefly(int *waited)
{
    assert_in_range(++*waited, 0, TRIAL_LIMIT_MS);
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}

/* The agent's one child, once it is there. */
static pid_t await_program(const struct trial *trial)
{
    char name[64], text[64] = "";
    snprintf(name, sizeof name, "task/%d/children", (int)trial->pid);
    for (int waited = 0; text[0] == '\0'; pause_briefly(&waited))
        read_proc(trial->pid, name, text, sizeof text);
    return (pid_t)strtol(text, NULL, 10);
}

/* Sends what waits, without receiving. It fits into the stream. */
static void send_all(struct trial *trial)
{
    while (trial->sent < trial->waiting.len) {
        ssize_t n = write(trial->in, trial->waiting.data + trial->sent, trial->waiting.len - trial->sent);
        assert_true(n > 0);
        trial->sent += (size_t)n;
    }
}

/* Waits until the program sleeps because its pipe is full, and the agent sleeps although that pipe is full. */
static void await_standstill(const struct trial *trial, pid_t program)
{
    for (int waited = 0;; pause_briefly(&waited)) {
        uint64_t written = written_by(program);
        if (sleeps_in(program, SYS_write) && sleeps_in(trial->pid, SYS_ppoll) && sleeps_in(program, SYS_write) &&
            written_by(program) == written)
            return;
    }
}

static void expect_small_agent(const struct trial *trial)
{
    char text[4096];
    read_proc(trial->pid, "status", text, sizeof text);
    assert_in_range(number_after(text, "VmRSS:"), 1, AGENT_KB);
}

/* The server reads no frame: the program comes to a standstill, and goes on when the server reads again. */
static void test_reader_stops(void **state)
{
    struct trial trial;
    (void)state;
    trial_open(&trial, NULL);
    trial_env(&trial, "ASAN_OPTIONS=detect_leaks=0");
    trial_step(&trial, FRAME_STEP_RUN, 60000, MUCH, (const char *const[]){TRIAL_SELF, "as", "zeros", NULL});
    trial_start(&trial, NULL, 0);
    send_all(&trial);
    pid_t program = await_program(&trial);
    await_standstill(&trial, program);
    assert_in_range(written_by(program), PIECE, BUFFERS);
    expect_small_agent(&trial);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    assert_int_equal(trial.output[FRAME_STEP_RUN][FRAME_STDOUT].len, MUCH);
    trial_close(&trial);
}

/* Sends until the stream takes no more because the agent does not read it. */
static void send_until_full(struct trial *trial)
{
    for (int waited = 0, full = 0; full < 2;) {
        ssize_t n = write(trial->in, trial->waiting.data + trial->sent, trial->waiting.len - trial->sent);
        assert_true(n > 0 || (n < 0 && errno == EAGAIN));
        trial->sent += n > 0 ? (size_t)n : 0;
        full = n < 0 && sleeps_in(trial->pid, SYS_ppoll) ? full + 1 : 0;
        if (n < 0)
            pause_briefly(&waited);
    }
}

/* The program does not read: the agent stops reading the stream, and goes on when the program reads. */
static void test_program_does_not_read(void **state)
{
    struct trial trial;
    uint8_t *data = calloc(1, MUCH);
    (void)state;
    assert_non_null(data);
    trial_open(&trial, NULL);
    trial_step(&trial, FRAME_STEP_RUN, 60000, MIB, (const char *const[]){"sh", "-c", "kill -STOP $$; wc -c", NULL});
    trial_frame(&trial, FRAME_START, 0, NULL, 0);
    send_all(&trial);
    pid_t program = await_program(&trial);
    for (int waited = 0; !is_stopped(program);)
        pause_briefly(&waited);
    for (size_t sent = 0; sent < MUCH; sent += FRAME_PAYLOAD_MAX)
        trial_frame(&trial, FRAME_STDIN, 0, data + sent, FRAME_PAYLOAD_MAX);
    trial_frame(&trial, FRAME_STDIN_END, 0, NULL, 0);
    send_until_full(&trial);
    assert_in_range(trial.sent, FRAME_PAYLOAD_MAX, BUFFERS);
    expect_small_agent(&trial);
    kill(program, SIGCONT);
    trial_pump(&trial, NULL);
    trial_expect(&trial, 0, 0, 0);
    assert_string_equal(trial_text(&trial, FRAME_STDOUT), "16777216\n");
    trial_close(&trial);
    free(data);
}

static bool has_lines(const struct trial *trial, size_t lines)
{
    const struct trial_bytes *out = &trial->output[FRAME_STEP_RUN][FRAME_STDOUT];
    for (size_t i = 0; i < out->len; i++)
        lines -= lines > 0 && out->data[i] == '\n';
    return lines == 0;
}

static bool has_one_line(const struct trial *trial)
{
    return has_lines(trial, 1);
}

static bool has_two_lines(const struct trial *trial)
{
    return has_lines(trial, 2);
}

static void send_input(struct trial *trial, const char *text)
{
    trial_frame(trial, FRAME_STDIN, 0, text, strlen(text));
}

/* Each line is sent after the answer to the line before was read; lines come in pieces. */
static void converse(struct trial *trial, const char *const argv[])
{
    trial_step(trial, FRAME_STEP_RUN, 60000, MIB, argv);
    trial_frame(trial, FRAME_START, 0, NULL, 0);
    send_input(trial, "o");
    send_input(trial, "ne\n");
    trial_pump(trial, has_one_line);
    assert_string_equal(trial_text(trial, FRAME_STDOUT), "got one\n");
    send_input(trial, "two\nth");
    trial_pump(trial, has_two_lines);
    assert_string_equal(trial_text(trial, FRAME_STDOUT), "got one\ngot two\n");
    assert_false(trial->done);
    send_input(trial, "ree\n");
    trial_frame(trial, FRAME_STDIN_END, 0, NULL, 0);
    trial_pump(trial, NULL);
    trial_expect(trial, 0, 0, 0);
    assert_string_equal(trial_text(trial, FRAME_STDOUT), "got one\ngot two\ngot three\n");
}

static const char *const echoes[] = {"sh", "-c", "while read -r line; do echo \"got $line\"; done", NULL};

static void test_line_by_line(void **state)
{
    struct trial trial;
    (void)state;
    trial_open(&trial, NULL);
    converse(&trial, echoes);
    trial_close(&trial);
}

static void test_line_by_line_prewarmed(void **state)
{
    struct trial trial;
    (void)state;
    trial_open(&trial, NULL);
    trial_prepare(&trial, FRAME_STEP_RUN, FRAME_HOLD_FILE, echoes, true);
    converse(&trial, echoes);
    trial_close(&trial);
}

int main(int argc, char **argv)
{
    static const struct trial_role roles[] = {{"zeros", play_zeros}};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_stops),
        cmocka_unit_test(test_program_does_not_read),
        cmocka_unit_test(test_line_by_line),
        cmocka_unit_test(test_line_by_line_prewarmed),
    };
    int role = trial_main(argc, argv, roles, sizeof roles / sizeof *roles);
    return role >= 0 ? role : cmocka_run_group_tests(tests, NULL, NULL);
}
