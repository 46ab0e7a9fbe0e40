#include "base/waker.h"

#include "base/container_of.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A waker_wake() after `pending` was taken back writes to the descriptor again, so it is not missed. */
static void on_waker_poll(uv_poll_t *poll, int status, int events)
{
    struct waker *waker = container_of(poll, struct waker, poll);
    uint64_t count;

    (void)status;
    (void)events;
    (void)!read(waker->fd, &count, sizeof count);
    if (atomic_exchange(&waker->pending, false))
        waker->woken(waker);
}

int waker_init(struct waker *waker, uv_loop_t *loop, void (*woken)(struct waker *waker))
{
    *waker = (struct waker){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .woken = woken};
    if (waker->fd < 0)
        return uv_translate_sys_error(errno);
    int result = uv_poll_init(loop, &waker->poll, waker->fd);
    if (result == 0)
        (void)uv_poll_start(&waker->poll, UV_READABLE, on_waker_poll); /* fails only for a handle that is closing */
    else
        close(waker->fd);
    return result;
}

void waker_wake(struct waker *waker)
{
    const uint64_t one = 1;

    if (!atomic_exchange(&waker->pending, true))
        (void)!write(waker->fd, &one, sizeof one); /* never full: only one is on its way */
}

static void on_waker_closed(uv_handle_t *handle)
{
    struct waker *waker = container_of(handle, struct waker, poll);

    close(waker->fd);
    waker->closed(waker);
}

void waker_close(struct waker *waker, void (*closed)(struct waker *waker))
{
    waker->closed = closed;
    uv_close((uv_handle_t *)&waker->poll, on_waker_closed);
}

bool waker_is_closing(const struct waker *waker)
{
    return uv_is_closing((const uv_handle_t *)&waker->poll) != 0;
}
