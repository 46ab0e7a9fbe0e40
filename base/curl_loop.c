#include "base/curl_loop.h"

#include <stdlib.h>

/* A socket that curl waits for. It is a struct of its own, because uv closes it after curl
 * has forgotten it. */
struct watch {
    uv_poll_t poll;
    struct curl_loop *loop;
    curl_socket_t fd;
};

static void handle_closed(struct curl_loop *loop)
{
    if (--loop->handles == 0)
        loop->closed(loop->arg);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct curl_loop *loop = watch->loop;

    free(watch);
    handle_closed(loop);
}

static void curl_loop_on_timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

/* Reports the transfers that have ended, after every action, because any transfer may end in it. Reads all of a message
 * first: it is gone after its handle is removed. */
static void drain(struct curl_loop *loop)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(loop->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        char *private = NULL;

        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct transfer *transfer = (struct transfer *)(void *)private;
        transfer->done(transfer, code);
    }
}

static void act(struct curl_loop *loop, curl_socket_t fd, int events)
{
    int running;

    curl_multi_socket_action(loop->multi, fd, events, &running);
    drain(loop);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;

    if ((events & UV_READABLE) != 0)
        flags |= CURL_CSELECT_IN;
    if ((events & UV_WRITABLE) != 0)
        flags |= CURL_CSELECT_OUT;
    act(watch->loop, watch->fd, flags);
}

static void on_timeout(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* Called by curl, so this only sets the timer. */
static int on_curl_timer(CURLM *multi, long ms, void *arg)
{
    struct curl_loop *loop = arg;

    (void)multi;
    if (loop->closing)
        return 0;
    if (ms < 0)
        return uv_timer_stop(&loop->timer);
    return uv_timer_start(&loop->timer, on_timeout, (uint64_t)ms, 0);
}

static struct watch *watch_open(struct curl_loop *loop, curl_socket_t fd)
{
    struct watch *watch = calloc(1, sizeof *watch);

    if (watch == NULL || uv_poll_init_socket(loop->uv, &watch->poll, fd) != 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->loop = loop;
    watch->fd = fd;
    loop->handles++;
    curl_multi_assign(loop->multi, fd, watch);
    return watch;
}

/* Called by curl. If curl lets a socket go, its poll handle is closed at once, because curl may name the socket again,
 * or attach.c may poll it. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct curl_loop *loop = arg;
    struct watch *watch = socket_arg;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL)
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        return 0;
    }
    if (watch == NULL && (watch = watch_open(loop, fd)) == NULL)
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&watch->poll, events, on_poll) == 0 ? 0 : -1;
}

void curl_loop_open(struct curl_loop *loop, uv_loop_t *uv, long idle_max)
{
    *loop = (struct curl_loop){.uv = uv, .multi = curl_multi_init(), .handles = 1};
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, idle_max);
    uv_timer_init(uv, &loop->timer);
    loop->timer.data = loop;
}

int curl_loop_add(struct curl_loop *loop, struct transfer *transfer)
{
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    return curl_multi_add_handle(loop->multi, transfer->easy) == CURLM_OK ? 0 : -1;
}

void curl_loop_remove(struct curl_loop *loop, struct transfer *transfer)
{
    curl_multi_remove_handle(loop->multi, transfer->easy);
}

void curl_loop_close(struct curl_loop *loop, void (*closed)(void *arg), void *arg)
{
    loop->closing = true;
    loop->closed = closed;
    loop->arg = arg;
    curl_multi_cleanup(loop->multi);
    uv_close((uv_handle_t *)&loop->timer, curl_loop_on_timer_closed);
}
