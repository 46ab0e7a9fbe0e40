/* A program on the server that runs while its user types: what /api/v1/connect says about one.
 *
 *   live_program_open ─ live_program_run ─ live_program_close
 *                          │ poll: the socket, the user's input, signals
 *                          └ on_output …; the answer, or why there is none */
#ifndef CODECELL_CLIENT_LIVE_PROGRAM_H
#define CODECELL_CLIENT_LIVE_PROGRAM_H

#include "client/live_socket.h"
#include "client/signals.h"
#include "client/terminal.h"

#include <jansson.h>

struct live_program {
    /* The caller's. */
    int input;                     /* a descriptor: its bytes are the program's input; -1: it gets none */
    const struct signals *signals; /* to be set before live_program_run() */
    bool has_terminal;             /* SIGWINCH changes the size, and SIGTSTP stops the command */
    bool interrupts;               /* SIGINT is the program's */
    void (*on_output)(void *arg, bool is_stderr, const char *data, size_t len);
    void (*on_input)(void *arg, const char *data, size_t len); /* what the program gets; may be NULL */
    void *arg;
    /* What live_program_run() finds out. */
    json_t *answer; /* the result; NULL: there is none */
    int ended_by;   /* a signal that the command should end by, or 0 */
    /* Its own. */
    struct live_socket *socket;
    struct error refused; /* what the server said; its code is ERROR_NONE if nothing */
};

/* Connects and sends the request: the fields of execute, and `terminal`. 0, or -1. Close it in both cases. */
int live_program_open(struct live_program *program, const struct remote *remote, const json_t *request,
                      struct error *error);

/* Goes on until there is the answer or a signal to end by: 0. -1: the server refused it, or the connection broke. */
int live_program_run(struct live_program *program, struct error *error);
void live_program_close(struct live_program *program);

/* The server refused a field: its sentence begins with the name. Ask before live_program_close(). */
bool live_program_refused(const struct live_program *program, const char *field);

#endif
