/* A server on a real loop, and scripted clients on real sockets, turn by turn in one thread. What the
 * server's owner sees is written down in a trace: "admit GET /wait; handle; gone; done 0; ". */
#ifndef CODECELL_TESTS_HTTP_TRIAL_H
#define CODECELL_TESTS_HTTP_TRIAL_H

#include "unit.h"

#include "base/container_of.h"
#include "base/error.h"
#include "http/connection.h"
#include "http/http.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#define MAYBE __attribute__((unused)) static
#define PATIENCE_NS UINT64_C(20000000000) /* a state that has not come by then will not */
#define NOBODY (-1)

enum { ADMIT_NOW, ADMIT_HOLD, ADMIT_REFUSE, ADMIT_TOLD }; /* a route's flags; TOLD: held, with http_on_gone */

struct trial {
    uv_loop_t loop;
    struct http_server *server;
    struct http_options options;
    char trace[8192];
    struct http_exchange *held; /* by a held admit() or a held handler */
    bool closed;                /* the server is */
};

struct answer {
    int status;
    char head[4096]; /* with its empty line */
    char *body;
    size_t len;
};

__attribute__((format(printf, 2, 3))) void trial_note(struct trial *t, const char *format, ...);
void owner_gone(void *arg);
void handle_hello(struct http_exchange *ex);
void handle_echo(struct http_exchange *ex);

#define BIG_LEN (32u << 20)

void handle_split(struct http_exchange *ex);

/* Generous limits; a test narrows the one it is about before trial_open(). */
void trial_init(struct trial *t);

void trial_open(struct trial *t);
void trial_start(struct trial *t);
void trial_closed(void *arg);

/* One turn of the loop, which waits a moment if there is nothing to do. */
void trial_turn(struct trial *t, int fd);

#define TRIAL_UNTIL(t, fd, condition)                                     \
    do {                                                                  \
        uint64_t until_start = uv_hrtime();                               \
        while (!(condition)) {                                            \
            if (uv_hrtime() - until_start > PATIENCE_NS)                  \
                fail_msg("never: %s; trace: %s", #condition, (t)->trace); \
            trial_turn((t), (fd));                                        \
        }                                                                 \
    } while (0)

void trial_stop(struct trial *t);
void trial_expect(struct trial *t, const char *trace);

/* The newest connection; NULL: there is none. */
struct http_connection *trial_connection(struct trial *t);

int client_open(struct trial *t);

/* Sends all of it, and turns the loop while the socket is full. False: the connection is gone. */
bool client_try_send(struct trial *t, int fd, const char *data, size_t len);

void client_send(struct trial *t, int fd, const char *text);

/* At least `want` bytes, or fewer if the connection ended. -1: it was reset. */
long client_read(struct trial *t, int fd, char *out, size_t want);

const char *answer_header(const struct answer *answer, const char *name);

/* The next answer on the connection. `bodiless`: it is to a HEAD, so its Content-Length is of a body that does not
 * come. */
void client_answer_to(struct trial *t, int fd, struct answer *answer, bool bodiless);

void client_answer(struct trial *t, int fd, struct answer *answer);

/* The next answer has this status, and this body unless it is NULL. Returns whether the connection stays open. */
bool client_expect(struct trial *t, int fd, int status, const char *body);

/* The server's end of file comes next, without a reset. */
void client_expect_end(struct trial *t, int fd);

/* The connection is reset, not closed. */
void client_reset(int fd);

#endif
