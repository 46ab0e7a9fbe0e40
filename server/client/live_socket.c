/* curl_easy_perform (CONNECT_ONLY) -> the handshake over curl_easy_send and _recv -> frames by wslay over the same. */
#include "client/live_socket.h"

#include "base/seam.h"
#include "client/handshake.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#define OPEN_S 10 /* for the connection, and again for each part of the handshake's answer */
#define PIECE_MAX 16384
#define TURN_MAX ((size_t)256 << 10) /* bytes that one turn reads, so that the owner is heard in a flood */

struct live_socket {
    CURL *curl;
    curl_socket_t fd;
    wslay_event_context_ptr frames;
    struct buf early; /* frames that came with the handshake's answer */
    live_on_text *on_text;
    void *arg;
    size_t turn; /* bytes that this turn may still read */
    bool over;   /* nothing can be read any more */
    bool broken; /* the connection failed */
};

/* wslay's callbacks. */

static ssize_t live_stop(struct live_socket *live, wslay_event_context_ptr frames, CURLcode code)
{
    if (code != CURLE_AGAIN)
        live->broken = true;
    wslay_event_set_error(frames, code == CURLE_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_wanted(wslay_event_context_ptr frames, uint8_t *into, size_t len, int flags, void *user)
{
    struct live_socket *live = user;
    size_t got = len < live->early.len ? len : live->early.len;

    (void)flags;
    if (live->turn == 0)
        return live_stop(live, frames, CURLE_AGAIN);
    if (got > 0) {
        memcpy(into, live->early.data, got);
        buf_consume(&live->early, got);
        return (ssize_t)got;
    }
    CURLcode code = curl_easy_recv(live->curl, into, len, &got);
    if (code == CURLE_OK && got > 0) {
        live->turn -= got < live->turn ? got : live->turn;
        return (ssize_t)got;
    }
    live->over = live->over || code == CURLE_OK;
    return live_stop(live, frames, code);
}

static ssize_t on_made(wslay_event_context_ptr frames, const uint8_t *bytes, size_t len, int flags, void *user)
{
    struct live_socket *live = user;
    size_t sent = 0;
    CURLcode code = curl_easy_send(live->curl, bytes, len, &sent);

    (void)flags;
    return code == CURLE_OK ? (ssize_t)sent : live_stop(live, frames, code);
}

static int on_mask(wslay_event_context_ptr frames, uint8_t *into, size_t len, void *user)
{
    (void)frames, (void)user;
    seam()->random(into, len);
    return 0;
}

static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *message, void *user)
{
    struct live_socket *live = user;

    (void)frames;
    if (message->opcode == WSLAY_TEXT_FRAME)
        live->on_text(live->arg, (const char *)message->msg, message->msg_length);
    else if (message->opcode == WSLAY_CONNECTION_CLOSE)
        live->over = true;
}

/* Opening. */

static int live_wait(const struct live_socket *live, short events, struct error *error)
{
    struct pollfd one = {.fd = live->fd, .events = events};

    if (poll(&one, 1, OPEN_S * 1000) > 0)
        return 0;
    return error_set(error, ERROR_UNAVAILABLE, "the server does not answer");
}

static int send_request(const struct live_socket *live, const struct buf *request, struct error *error)
{
    for (size_t at = 0; at < request->len;) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(live->curl, request->data + at, request->len - at, &sent);
        at += sent;
        if (code == CURLE_AGAIN && live_wait(live, POLLOUT, error) != 0)
            return -1;
        if (code != CURLE_OK && code != CURLE_AGAIN)
            return error_set(error, ERROR_UNAVAILABLE, "%s", curl_easy_strerror(code));
    }
    return 0;
}

static int read_answer(struct live_socket *live, struct handshake *handshake, struct error *error)
{
    char piece[PIECE_MAX];
    size_t got, used;

    while (!handshake->over) {
        CURLcode code = curl_easy_recv(live->curl, piece, sizeof piece, &got);
        if (code == CURLE_AGAIN && live_wait(live, POLLIN, error) != 0)
            return -1;
        if (code == CURLE_AGAIN)
            continue;
        if (code != CURLE_OK || got == 0)
            return error_set(error, ERROR_UNAVAILABLE, "the server ended the connection");
        if (handshake_read(handshake, piece, got, &used, error) != 0)
            return -1;
        if (buf_append(&live->early, piece + used, got - used) != 0)
            return error_memory(error);
    }
    return 0;
}

static int live_shake(struct live_socket *live, const struct buf *request, struct handshake *handshake,
                      struct error *error)
{
    return send_request(live, request, error) == 0 ? read_answer(live, handshake, error) : -1;
}

/* The host, with its port if it is not the scheme's own, and the path in front of the API's. 0, or -1. */
static int write_request(const struct handshake *handshake, const struct remote *remote, const char *path,
                         const char *subprotocol, struct buf *out)
{
    const char *host = strstr(remote->url, "://") + 3;
    size_t len = strcspn(host, "/?#");
    char authority[REMOTE_URL_MAX], whole[2 * REMOTE_URL_MAX];

    snprintf(authority, sizeof authority, "%.*s", (int)len, host);
    const char *at = strrchr(authority, '@');
    snprintf(whole, sizeof whole, "%s%s", host + len, path);
    return handshake_request(handshake, out, at != NULL ? at + 1 : authority, whole, subprotocol, remote->key);
}

static int live_connect(struct live_socket *live, const struct remote *remote, struct error *error)
{
    live->curl = curl_easy_init();
    if (live->curl == NULL)
        return error_memory(error);
    curl_easy_setopt(live->curl, CURLOPT_URL, remote->url);
    curl_easy_setopt(live->curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(live->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(live->curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(live->curl, CURLOPT_CONNECTTIMEOUT, (long)OPEN_S);
    curl_easy_setopt(live->curl, CURLOPT_NOSIGNAL, 1L);
    CURLcode code = curl_easy_perform(live->curl);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(live->curl, CURLINFO_ACTIVESOCKET, &live->fd);
    if (code != CURLE_OK)
        return error_set(error, ERROR_UNAVAILABLE, "%s", curl_easy_strerror(code));
    return 0;
}

static int live_open(struct live_socket *live, const struct remote *remote, const char *path, const char *subprotocol,
                     struct error *error)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_wanted,
        .send_callback = on_made,
        .genmask_callback = on_mask,
        .on_msg_recv_callback = on_message,
    };
    struct handshake handshake;
    struct buf request;

    if (live_connect(live, remote, error) != 0)
        return error_wrap(error, "%s", remote->url);
    handshake_init(&handshake);
    buf_init(&request, (size_t)8 * REMOTE_URL_MAX);
    int failed = write_request(&handshake, remote, path, subprotocol, &request) != 0
                     ? error_memory(error)
                     : live_shake(live, &request, &handshake, error);
    buf_free(&request);
    handshake_free(&handshake);
    if (failed == 0 && wslay_event_context_client_init(&live->frames, &callbacks, live) != 0)
        failed = error_memory(error);
    if (failed == 0)
        wslay_event_config_set_max_recv_msg_length(live->frames, LIVE_MESSAGE_MAX);
    return failed;
}

struct live_socket *live_socket_open(const struct remote *remote, const char *path, const char *subprotocol,
                                     live_on_text *on_text, void *arg, struct error *error)
{
    struct live_socket *live = calloc(1, sizeof *live);

    if (live == NULL) {
        error_memory(error);
        return NULL;
    }
    live->on_text = on_text;
    live->arg = arg;
    buf_init(&live->early, PIECE_MAX);
    if (live_open(live, remote, path, subprotocol, error) == 0)
        return live;
    live_socket_free(live);
    return NULL;
}

void live_socket_free(struct live_socket *live)
{
    if (live == NULL)
        return;
    if (live->frames != NULL)
        wslay_event_context_free(live->frames);
    if (live->curl != NULL)
        curl_easy_cleanup(live->curl);
    buf_free(&live->early);
    free(live);
}

/* Use. */

int live_socket_fd(const struct live_socket *live)
{
    return live->fd;
}

short live_socket_events(const struct live_socket *live)
{
    return (short)(POLLIN | (wslay_event_want_write(live->frames) ? POLLOUT : 0));
}

int live_socket_patience(const struct live_socket *live)
{
    return live->turn == 0 || live->early.len > 0 ? 0 : -1;
}

int live_socket_send(struct live_socket *live, const char *text, size_t len)
{
    const struct wslay_event_msg message = {
        .opcode = WSLAY_TEXT_FRAME, .msg = (const uint8_t *)text, .msg_length = len};

    return !live->broken && wslay_event_queue_msg(live->frames, &message) == 0 ? 0 : -1;
}

size_t live_socket_queued(const struct live_socket *live)
{
    return wslay_event_get_queued_msg_length(live->frames);
}

/* wslay reads no more after a close frame, nor after one with a code that it does not know, such as 1013. The messages
 * before it count. */
int live_socket_advance(struct live_socket *live, struct error *error)
{
    int failed = wslay_event_send(live->frames);

    live->turn = TURN_MAX;
    if (!live->over && wslay_event_recv(live->frames) != 0)
        failed = -1;
    live->over = live->over || !wslay_event_want_read(live->frames);
    if (live->over)
        return 0;
    if (failed == 0) /* an answer to a ping goes at once */
        failed = wslay_event_send(live->frames);
    if (failed != 0 || live->broken)
        return error_set(error, ERROR_UNAVAILABLE, "the connection to the server broke");
    return 0;
}

bool live_socket_is_over(const struct live_socket *live)
{
    return live->over;
}
