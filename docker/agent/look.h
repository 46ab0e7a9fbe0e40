/* Which system call of an interpreter is the first that its job must have come for: one that looks at the
 * working folder, waits for stdin, or leaves something behind. Up to there a run is the same whatever the
 * job's files are, and nothing is left of it when it is killed. It errs on the side of holding too early.
 *
 * FRAME_HOLD_OPEN is for one that is known to ask what is in the folder without going by the answer, which is that
 * nothing is there: it is held at what has a file's or the folder's content. Before, it may start processes, which go
 * unseen, and make files outside of the folder; they can be cleared away.
 *
 * Links are not followed: an image that has one into the working folder or to /tmp is not for waiting. */
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
    LOOK_HIDDEN, /* only at something below the working folder whose name there starts with a dot: a user's own
                    settings, which are not there unless the job brings such a file */
    LOOK_ASKS,   /* only at whether something below the working folder is there (FRAME_HOLD_OPEN) */
    LOOK_PATH,   /* it depends on the path: ask look_path */
};

/* With LOOK_PATH, *address is where the path stands in the caller's memory. */
enum look look_call(const struct look_call *call, enum frame_hold where, uint64_t *address);

/* Of a call for which look_call said LOOK_PATH: one of the others. */
enum look look_path(const struct look_call *call, enum frame_hold where, const char *path);

/* The name that an absolute or relative path has first below the working folder; "" where that is the folder. */
const char *look_name(const char *path);

#endif
