/* A runner on a made-up engine and a real store in a folder of its own. */
#ifndef CODECELL_TESTS_RUN_STAGE_H
#define CODECELL_TESTS_RUN_STAGE_H

#include "lib/sim.h"

#include "docker/pool/pool.h"
#include "run/runner_private.h"
#include "store/keys.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>

#define STAGE_ENDED_MAX 32
#define STAGE_TEXT_MAX 192

/* What on_done saw, in its order. */
struct ended {
    char id[UUID_LEN + 1];
    enum record_status status;
    const char *failure;
    bool unavailable, timed_out, memory_struck, compiled, compile_timed_out, out_cut, err_cut, compile_err_cut;
    int exit_code, signal, compile_exit_code;
    char out[STAGE_TEXT_MAX], err[STAGE_TEXT_MAX], compile_err[STAGE_TEXT_MAX], warning[STAGE_TEXT_MAX];
    int64_t wall_ns, queue_ns;
    void *arg;
};

/* A job that keeps the database's thread until it may go. */
struct stage_blocker {
    struct store_job job;
    uv_sem_t go;
    bool done;
};

struct stage {
    struct sim sim; /* the first, so that a program of it finds the stage */
    struct stage_blocker blocker;
    struct pool *pool;
    struct store *store;
    struct runner *runner;
    char dir[64];
    int64_t keys[3];
    struct ended ended[STAGE_ENDED_MAX];
    size_t ended_len;
    bool pool_closed, store_closed, idle;
};

#define STAGE_LIMITS                                                        \
    {                                                                       \
        .milli_cpus = 1500, .memory_mb = 64, .disk_mb = 10, .processes = 16 \
    }

extern struct language_version python_version;
extern struct language python;
extern struct language_version c_version;
extern struct language c;
extern unsigned stage_budget; /* cells that may wait or be kept beyond the minima; 0: no more wait by demand */
extern bool stage_capsules;   /* cells have capsules */
extern const struct execution_listener stage_listener;
void stage_open_with(struct stage *stage, unsigned concurrency, unsigned queue_max);
void stage_open(struct stage *stage);
void on_stage_store_closed(void *arg);
void on_stage_idle(void *arg);
void stage_close(struct stage *stage);

/* A request for `code`; the runner takes it over. */
struct execution_request stage_request(struct language *language, const char *code);

struct execution *stage_submit_as(struct stage *stage, size_t key, struct language *language, struct error *error);
struct execution *stage_submit(struct stage *stage, struct language *language);

/* Keeps the database's thread from stage_block() to stage_unblock(), which also waits for it. */
void stage_block(struct stage *stage);
void stage_unblock(struct stage *stage);

/* As sim_hello(), and calls stage_block(). */
void stage_hello_blocked(struct sim *sim, struct sim_box *box);

/* The record as it stands in the file, read from beside the store. */
int stage_record(struct stage *stage, size_t key, const char *id, struct record *out);

void stage_recorded(struct stage *stage, const struct ended *ended);

#endif
