/* Decides which system calls of a prewarmed interpreter are looks: calls that look at the working folder, read standard
 * input, or leave something behind. Before its first look, a process does the same for every job, and leaves no trace
 * if it is killed. In doubt a call is a look, and the process is held early.
 *
 * FRAME_HOLD_OPEN is for an interpreter that asks what is in the folder but does not go by the answer, "nothing". It is
 * held when it reads a file or the folder. Before that it may start processes, which are not traced, and make files
 * outside of the working folder, which the agent can delete.
 *
 * Links are not followed. An image that has a link to the working folder or to /tmp cannot be prewarmed. */
#ifndef CODECELL_AGENT_LOOK_H
#define CODECELL_AGENT_LOOK_H

#include "docker/wire/frame.h"

#include <stdint.h>

struct look_call {
    uint64_t number;
    uint64_t args[6];
};

enum look {
    LOOK_NO,
    LOOK_YES,
    LOOK_HIDDEN, /* not yet: it looks for a user's settings, a path in the working folder that starts with a dot. The
                    process can run a job that brings no such file */
    LOOK_ASKS,   /* not yet: it asks whether a file in the working folder exists (FRAME_HOLD_OPEN). The process can run
                    a job that does not bring that file */
    LOOK_PATH,   /* look_path() decides */
};

/* LOOK_PATH: *address is the address of the path in the memory of the process. */
enum look look_call(const struct look_call *call, enum frame_hold where, uint64_t *address);

/* Decides about a call for which look_call() returned LOOK_PATH; never returns LOOK_PATH itself. */
enum look look_path(const struct look_call *call, enum frame_hold where, const char *path);

/* The part of a path after the working folder; "" if the path is the folder itself or outside of it. */
const char *look_name(const char *path);

#endif
