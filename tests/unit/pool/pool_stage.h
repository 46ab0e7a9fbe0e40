/* A pool on a scripted engine, and takers of its cells. */
#ifndef CODECELL_TESTS_UNIT_POOL_POOL_STAGE_H
#define CODECELL_TESTS_UNIT_POOL_POOL_STAGE_H

#include "lib/sim.h"

#include "docker/cell/cell_job.h"
#include "docker/cell/cell_prewarm.h"
#include "docker/cell/cell_reset.h"
#include "docker/cell/cells.h"
#include "docker/pool/pool.h"

#define STAGE_PATIENCE_MS 15000u

struct stage {
    struct sim sim;
    struct pool *pool;
    unsigned served, lists;
    bool pool_closed;
};

struct taker {
    struct pool_request request;
    struct stage *stage;
    struct cell *cell;
    struct error error;
    unsigned place; /* among the takers whose on_cell has fired */
    bool told, ended;
    enum cell_outcome outcome;
};

extern const struct cell_kind python;

/* A language whose cells may be prewarmed. */
extern const struct cell_kind ruby;

extern const struct cell_kind bash;
struct pool_counts counts(const struct stage *stage, const char *language);
void on_cell(struct pool_request *request, struct cell *cell, const struct error *error);

/* At least `minimum` cells, and more by demand; 0: none at all. */
void keep_ready(struct pool *pool, const struct cell_kind *kind, unsigned minimum);

void take(struct stage *stage, struct taker *taker, const struct cell_kind *kind, uint32_t disk_mb);
void take_keyed(struct stage *stage, struct taker *taker, const struct cell_kind *kind, int64_t key);

/* Gives the taker's cell a job. Without sim.program it runs until something ends it. */
void stage_run(struct taker *taker);

void stage_open_options(struct stage *stage, struct pool_options options);

/* The budget allows no more than the minima. */
void stage_open_idle(struct stage *stage);

/* Stops the clock for the decisions of the pool, until seam_set(&seam_system); timers go on. */
void stage_stop_clock(void);

void stage_connect(struct stage *stage);
void stage_open(struct stage *stage);
void stage_begin_close(struct stage *stage);

/* Everything that was made must have been removed, except the container of another server. */
void stage_end_close(struct stage *stage);

void stage_close(struct stage *stage);

#endif
