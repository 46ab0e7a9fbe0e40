/* Signals as something to read, for a command that waits with poll(). Between the two calls they interrupt nothing. */
#ifndef CODECELL_CLIENT_SIGNALS_H
#define CODECELL_CLIENT_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

struct signals {
    int fd;       /* readable if a signal waits; -1: not open */
    sigset_t old; /* what was blocked before */
};

/* Takes SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGWINCH; with `stops`, SIGTSTP too. 0, or -1 with errno. */
int signals_open(struct signals *signals, bool stops);
void signals_close(struct signals *signals); /* may be called if it is not open */

int signals_take(const struct signals *signals); /* the next one that waits, or 0 */

/* Lets a signal do what it does to a program that takes none. Returns only if it does nothing. */
void signals_die(int number);

#endif
