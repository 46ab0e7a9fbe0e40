/* A waker: any thread wakes a loop. It is uv_async_t with one difference. uv before 1.45 lets the loop wait, in a busy
 * loop, until the thread that wakes it has come back from the system call that does so. A loop that is woken on the
 * thread's own processor has just taken that processor from it. Where all processors are busy, the thread gets it back
 * tens of milliseconds later. */
#ifndef CODECELL_BASE_WAKER_H
#define CODECELL_BASE_WAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

struct waker {
    uv_poll_t poll;
    int fd; /* an eventfd */
    atomic_bool pending;
    void (*woken)(struct waker *waker); /* on the loop; one call may stand for several waker_wake() */
    void (*closed)(struct waker *waker);
};

/* 0, or an error of uv: then there is nothing to close. */
int waker_init(struct waker *waker, uv_loop_t *loop, void (*woken)(struct waker *waker));

/* Any thread. Not after waker_close(). */
void waker_wake(struct waker *waker);

/* `closed` comes later: after it the waker's memory may be freed. */
void waker_close(struct waker *waker, void (*closed)(struct waker *waker));
bool waker_is_closing(const struct waker *waker);

#endif
