#include "http/turns.h"

#include "http/connection.h"

/* Before the loop looks at its descriptors. While this handle is active, that look does not wait. */
static void on_turn(uv_idle_t *turn)
{
    struct http_server *server = turn->data;
    struct list *node;

    uv_idle_stop(turn); /* a connection begins to rest only when bytes have come, so none does in this loop */
    while ((node = list_first(&server->resting)) != NULL) {
        struct http_connection *conn = container_of(node, struct http_connection, resting);
        list_remove(node);
        conn->proceed(conn);
    }
}

static void read_next_turn(struct http_connection *conn)
{
    list_push(&conn->server->resting, &conn->resting);
    uv_idle_start(&conn->server->turn, on_turn);
}

/* Ends the rests that are over, and waits for the next end. */
static void on_rest_over(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    uint64_t now = uv_now(server->loop), next = UINT64_MAX;

    for (struct list *node = server->paused.next, *after; node != &server->paused; node = after) {
        struct http_connection *conn = container_of(node, struct http_connection, resting);
        after = node->next;
        if (conn->rest_end <= now) {
            list_remove(node);
            read_next_turn(conn);
        } else if (conn->rest_end < next) {
            next = conn->rest_end;
        }
    }
    if (next != UINT64_MAX)
        uv_timer_start(timer, on_rest_over, next - now, 0);
}

void http_turns_drain(struct http_server *server)
{
    struct list *node;

    while ((node = list_shift(&server->paused)) != NULL) {
        struct http_connection *conn = container_of(node, struct http_connection, resting);
        conn->rest_end = conn->paused_ms = 0;
        read_next_turn(conn);
    }
}

static void read_later(struct http_connection *conn, uint64_t ms)
{
    uv_timer_t *timer = &conn->server->rest_over;

    conn->rest_end = uv_now(conn->server->loop) + ms;
    conn->paused_ms += ms;
    conn->linger_end += ms;
    list_push(&conn->server->paused, &conn->resting);
    if (!uv_is_active((uv_handle_t *)timer) || uv_timer_get_due_in(timer) > ms)
        uv_timer_start(timer, on_rest_over, ms, 0);
}

void http_turns_init(struct http_server *server)
{
    list_init(&server->resting);
    list_init(&server->paused);
    uv_idle_init(server->loop, &server->turn);
    uv_timer_init(server->loop, &server->rest_over);
    server->turn.data = server;
    server->rest_over.data = server;
}

void http_turns_rest(struct http_connection *conn, uint64_t ns)
{
    if (conn->server->state == HTTP_STOPPING || list_has(&conn->resting))
        return;
    if (ns == 0 || conn->server->state == HTTP_DRAINING)
        read_next_turn(conn);
    else
        read_later(conn, (ns + 999999) / 1000000);
}
