/* One cell on a made-up engine, and what its owner and its taker hear, written into the engine's trace. */
#ifndef CODECELL_TESTS_UNIT_CELL_CELL_STAGE_H
#define CODECELL_TESTS_UNIT_CELL_CELL_STAGE_H

#include "lib/sim.h"

#include "docker/cell/cell_private.h"
#include "docker/cell/cell_reset.h"
#include "docker/cell/cell_shares.h"

struct stage {
    struct sim sim;
    struct cells cells;
    struct cell_owner owner;
    struct cell *cell;
    bool ready, prepared, ending, gone, done;
    struct error error; /* of on_ending */
    enum cell_outcome outcome;
    struct buf output; /* all channels */
    struct frame_step_end end;
    bool end_at_done;
    const char *input; /* fed as the cell wants it; then its end */
    size_t input_len, input_fed;
    bool feeds_itself; /* on_input_wanted only counts */
    unsigned wanted;   /* times that on_input_wanted fired */
    size_t hold_at;    /* holds the cell once there is so much output; 0: never */
};

extern const char *const stage_prewarm_env[];
extern const struct cell_kind stage_kind;
void stage_open(struct stage *stage);
void stage_close(struct stage *stage);
void stage_make(struct stage *stage);
void stage_make_ready(struct stage *stage);
void stage_open_ready(struct stage *stage); /* its programs say hello */
void stage_end(struct stage *stage);
void stage_on_output(void *arg, enum frame_step step, enum frame_channel channel, const uint8_t *data, size_t len);
void stage_on_step_end(void *arg, enum frame_step step, const struct frame_step_end *end);
void stage_on_done(void *arg, enum cell_outcome outcome);
extern const struct cell_events stage_events;
extern const char *const stage_argv[];
extern const char *const stage_env[];
extern const struct cell_job stage_job;
void stage_run_job(struct stage *stage, const struct cell_job *job, const struct cell_limits *limits);
void stage_give_input(struct stage *stage, const char *input, size_t len);
void stage_run(struct stage *stage, const struct cell_limits *limits);
void stage_run_until_done(struct stage *stage, const struct cell_limits *limits);
void stage_reset(struct stage *stage);

#endif
