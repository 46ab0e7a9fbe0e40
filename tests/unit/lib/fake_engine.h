/* A scripted engine on a unix socket, on the test's own loop: what it answers to which request, whole or cut,
 * at once or in pieces or never. */
#ifndef CODECELL_TESTS_UNIT_LIB_FAKE_ENGINE_H
#define CODECELL_TESTS_UNIT_LIB_FAKE_ENGINE_H

#include "unit.h"

#include "base/buf.h"

#include <stdbool.h>
#include <uv.h>

#define FAKE_RULES_MAX 16

/* The first rule whose text stands in the request's first line decides. */
struct fake_rule {
    const char *match; /* "GET /_ping"; NULL ends a list */
    const char *data;  /* the answer, byte for byte; NULL: none, ever */
    size_t len;        /* 0: as a string */
    size_t piece;      /* bytes a turn; 0: at once */
    bool hangup;       /* closes the connection behind it */
    bool stream;       /* what follows on this connection is a stream: see fake->stream */
};

struct fake;
#define FAKE_BYTES_MAX ((size_t)64 << 20) /* of a request, of a stream */

struct fake_client;

/* In place of rules: a script that answers by itself (sim.h), but pings. */
struct fake_script {
    void (*request)(struct fake *fake, struct fake_client *client, const char *line, const char *body);
    void (*heard)(struct fake *fake, struct fake_client *client, const void *data, size_t len); /* on a stream */
    void (*left)(struct fake *fake, struct fake_client *client);
};

struct fake {
    uv_loop_t *loop;
    uv_pipe_t listener;
    bool listening;
    char path[64], host[80]; /* of the socket; as DOCKER_HOST */
    struct fake_rule rules[FAKE_RULES_MAX];
    const struct fake_script *script; /* NULL: the rules decide */
    struct fake_client *first;        /* clients connected */
    struct fake_client *streamer;     /* the last that became a stream */
    unsigned connections;             /* ever */
    unsigned requests;                /* but pings */
    struct buf request;               /* the last but pings: head and body */
    struct buf stream;                /* what came on the stream */
    bool deaf;                        /* reads nothing on streams */
    bool stream_over;                 /* the other side ended it */
};

#define PING_OK "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"
#define UPGRADED "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

void fake_open(struct fake *fake, uv_loop_t *loop); /* listens, answers pings as 1.41 and all else with 404 */
void fake_rules(struct fake *fake, const struct fake_rule *rules);
void fake_stop(struct fake *fake);    /* nobody listens any more, all connections are cut */
void fake_restart(struct fake *fake); /* after fake_stop */
void fake_close(struct fake *fake);   /* stops and frees; the loop must run once more */

void fake_send(struct fake *fake, const void *data, size_t len); /* on the stream */
void fake_send_frame(struct fake *fake, int type, const void *data, size_t len);
void fake_listen_again(struct fake *fake); /* ends deafness */
void fake_hang_up(struct fake *fake);      /* ends the stream */

/* For a script: bytes to one client, after which it may be a stream; the end of its connection. */
void fake_reply(struct fake_client *client, const void *data, size_t len, bool stream);
void fake_drop(struct fake_client *client);
void fake_drop_call(struct fake *fake); /* the newest connection that is not a stream ends */
void fake_stop_reading(struct fake_client *client);
void fake_read_again(struct fake_client *client);
size_t fake_unsent(const struct fake_client *client); /* bytes that the other side has not read */

/* Runs the loop until *flag is set; not within 20 seconds is a failure. */
void run_until(uv_loop_t *loop, const bool *flag);
void run_turns(uv_loop_t *loop, int turns); /* without waiting */

#endif
