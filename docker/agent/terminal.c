#include "docker/agent/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define MULTIPLEXER "/dev/pts/ptmx" /* of the capsule, or of the container */
#define NAME_LEN 64                 /* "/dev/pts/4095" fits */

static struct winsize window_of(const struct frame_size *size)
{
    return (struct winsize){.ws_col = (unsigned short)size->columns, .ws_row = (unsigned short)size->rows};
}

static int open_theirs(int ours)
{
    char name[NAME_LEN];
    if (unlockpt(ours) < 0 || ptsname_r(ours, name, sizeof name) != 0)
        return -1;
    return open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

int terminal_open(struct terminal *out, const struct frame_size *size)
{
    const struct winsize window = window_of(size);
    int error;
    out->ours = open(MULTIPLEXER, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    out->theirs = out->ours < 0 ? -1 : open_theirs(out->ours);
    if (out->theirs >= 0 && ioctl(out->ours, TIOCSWINSZ, &window) == 0)
        return 0;
    error = errno;
    terminal_shut(out);
    errno = error;
    return -1;
}

static void shut_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void terminal_shut(struct terminal *terminal)
{
    shut_one(&terminal->ours);
    shut_one(&terminal->theirs);
}

int terminal_enter(int theirs)
{
    if (ioctl(theirs, TIOCSCTTY, 0) < 0)
        return -1;
    for (int fd = 0; fd < 3; fd++)
        if (dup2(theirs, fd) < 0)
            return -1;
    return 0;
}

void terminal_resize(int ours, const struct frame_size *size)
{
    const struct winsize window = window_of(size);
    (void)ioctl(ours, TIOCSWINSZ, &window); /* fails for no size and for no terminal that is open */
}

pid_t terminal_foreground(int ours)
{
    pid_t group = tcgetpgrp(ours);
    return group > 0 ? group : 0;
}

/* Whether a line begins after this character. */
static bool ends_line(const struct termios *modes, uint8_t last)
{
    return last == '\n' || (last == '\r' && (modes->c_iflag & ICRNL)) || last == modes->c_cc[VEOF] ||
           ((modes->c_lflag & ISIG) && (last == modes->c_cc[VINTR] || last == modes->c_cc[VQUIT]));
}

size_t terminal_end_of_file(int ours, uint8_t last, uint8_t out[2])
{
    struct termios modes;
    if (tcgetattr(ours, &modes) < 0 || modes.c_cc[VEOF] == _POSIX_VDISABLE)
        return 0;
    out[0] = out[1] = modes.c_cc[VEOF];
    return (modes.c_lflag & ICANON) && !ends_line(&modes, last) ? 2 : 1;
}
