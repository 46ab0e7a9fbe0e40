#include "client/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

int signals_open(struct signals *signals, bool stops)
{
    sigset_t taken;

    sigemptyset(&taken);
    sigaddset(&taken, SIGINT);
    sigaddset(&taken, SIGTERM);
    sigaddset(&taken, SIGHUP);
    sigaddset(&taken, SIGQUIT);
    sigaddset(&taken, SIGWINCH);
    if (stops)
        sigaddset(&taken, SIGTSTP);
    signals->fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals->fd < 0)
        return -1;
    sigprocmask(SIG_BLOCK, &taken, &signals->old);
    return 0;
}

void signals_close(struct signals *signals)
{
    if (signals->fd < 0)
        return;
    close(signals->fd);
    signals->fd = -1;
    sigprocmask(SIG_SETMASK, &signals->old, NULL);
}

int signals_take(const struct signals *signals)
{
    struct signalfd_siginfo info;

    return read(signals->fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

void signals_die(int number)
{
    signal(number, SIG_DFL);
    raise(number);
}
