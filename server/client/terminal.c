#include "client/terminal.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* A process has one terminal. A signal's handler reads this. */
static struct {
    struct termios before, raw;
    int fd;
    volatile sig_atomic_t is_raw;
} terminal;

static int within(int value, int otherwise)
{
    if (value < 1)
        return otherwise;
    return value < TERMINAL_SIZE_MAX ? value : TERMINAL_SIZE_MAX;
}

struct terminal_size terminal_size(int fd)
{
    struct winsize size = {.ws_col = 0};

    (void)ioctl(fd, TIOCGWINSZ, &size);
    return (struct terminal_size){.columns = within(size.ws_col, 80), .rows = within(size.ws_row, 24)};
}

void terminal_restore(void)
{
    if (!terminal.is_raw)
        return;
    terminal.is_raw = 0;
    (void)tcsetattr(terminal.fd, TCSADRAIN, &terminal.before);
}

/* The signal comes again as soon as the handler has returned, and then it does what it always does. */
static void on_crash(int number)
{
    terminal_restore();
    raise(number);
}

static void watch_crashes(void)
{
    static const int crashes[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};

    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        sigaction(crashes[i], &action, NULL);
}

int terminal_raw(int fd)
{
    static bool registered;

    if (tcgetattr(fd, &terminal.before) != 0)
        return -1;
    terminal.raw = terminal.before;
    cfmakeraw(&terminal.raw);
    terminal.fd = fd;
    watch_crashes();
    if (!registered && atexit(terminal_restore) == 0)
        registered = true;
    terminal.is_raw = 1;
    return tcsetattr(fd, TCSADRAIN, &terminal.raw);
}

void terminal_suspend(void)
{
    int fd = terminal.fd;

    terminal_restore();
    raise(SIGSTOP);
    (void)terminal_raw(fd);
}
