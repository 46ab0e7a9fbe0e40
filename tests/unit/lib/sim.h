/* The whole of an engine, made up: containers that live and die, streams on which a made-up agent speaks frames, a
 * clock that a test moves. What a test does not script goes well. */
#ifndef CODECELL_TESTS_UNIT_LIB_SIM_H
#define CODECELL_TESTS_UNIT_LIB_SIM_H

#include "lib/fake_engine.h"

#include "docker/engine/attach.h"
#include "docker/engine/call.h"
#include "docker/engine/engine.h"
#include "docker/wire/frame.h"

#define SIM_BOXES_MAX 256
#define SIM_HELD_MAX 64

enum sim_op {
    SIM_LIST,
    SIM_VOLUMES,
    SIM_VOLUME,
    SIM_VOLUME_REMOVE,
    SIM_CREATE,
    SIM_ARCHIVE,
    SIM_ATTACH,
    SIM_START,
    SIM_UPDATE,
    SIM_INSPECT,
    SIM_REMOVE,
    SIM_IMAGE,
    SIM_INFO,
    SIM_OPS
};

/* What the next requests of an operation meet instead of success. */
struct sim_rule {
    unsigned times;   /* how many; 0: nothing is scripted */
    int status;       /* with a JSON message; 0: `raw` */
    const char *raw;  /* the whole answer; NULL: none, ever */
    bool hang_up;     /* the connection ends behind it */
    bool carried_out; /* the engine does what it was asked all the same */
};

/* What an agent answers to PREPARE and to RESET. */
enum sim_word {
    SIM_GOOD,   /* PREPARED 1 with sim->held_bytes; READY */
    SIM_BAD,    /* PREPARED 0; FAILED on standard error, of the stage "proc" with EPERM */
    SIM_SILENT, /* nothing: the test says it, or nobody ever does */
    SIM_DEATH,  /* the stream ends */
};

/* A container. */
struct sim_box {
    char id[16];
    char name[80], image[80];
    json_t *labels;
    bool filler; /* the one that the agent's volume is filled with */
    bool started, removed, hurt;
    struct fake_client *client; /* its stream; NULL: none */
    struct buf heard;           /* bytes of a frame that is not whole */
    struct buf job;             /* the frames that came, a line each */
    bool prepared, busy, done;  /* PREPARE, START came, DONE was said: since it was made or RESET came */
    unsigned jobs, resets;      /* that came */
    uint64_t number;            /* of the last READY */
    uint64_t tmp_bytes;         /* of the last OPEN; 0: none has come since READY */
};

struct sim {
    struct fake fake;
    uv_loop_t loop;
    struct engine *engine;
    bool up, closed;
    void (*on_engine)(void *arg, bool up); /* NULL: nobody listens */
    void *arg;

    struct sim_rule rules[SIM_OPS];
    bool held[SIM_OPS]; /* requests are carried out, their answers wait for sim_release */
    unsigned counts[SIM_OPS];
    struct {
        enum sim_op op;
        struct fake_client *client;
        struct sim_box *box;
        char *answer;
    } waiting[SIM_HELD_MAX];
    size_t waiting_len;

    struct sim_box boxes[SIM_BOXES_MAX];
    size_t boxes_len;
    uint64_t ready_bytes; /* what READY says that the container holds */
    bool mute;            /* agents do not say that they are ready, once started */
    enum sim_word on_prepare, on_reset;
    uint64_t held_bytes; /* what PREPARED says */
    bool oom_killed;     /* what an inspection says */
    const char *image;   /* the answer of an image's inspection; NULL: a usual one */
    const char *absent;  /* part of the name of an image that the engine does not have; NULL: it has all */
    const char *info;    /* of the engine's own; NULL: it has runc alone */
    const char *volumes; /* of the volumes' list: a JSON array; NULL: none */
    size_t piece;        /* bytes of the agent's in one of the engine's frames; 0: all */
    void (*program)(struct sim *sim, struct sim_box *box); /* at START; NULL: nothing happens */
    struct buf trace; /* the calls for cells in their order, and PREPARE and RESET as "prepare", "reset": a word each */
    char *last_body[SIM_OPS];
};

void sim_open(struct sim *sim);  /* with an engine that is up */
void sim_close(struct sim *sim); /* after the engine's users: all must be gone, the loop closes clean */

void sim_script(struct sim *sim, enum sim_op op, struct sim_rule rule);
void sim_hold(struct sim *sim, enum sim_op op);
void sim_release(struct sim *sim, enum sim_op op);
void sim_go_away(struct sim *sim); /* the engine ends, its containers too */
void sim_come_back(struct sim *sim);

struct sim_box *sim_last(struct sim *sim); /* the newest container that is not the filler; NULL: none */
void sim_add_box(struct sim *sim, const char *name, const char *instance); /* a container from earlier, that runs */
unsigned sim_alive(const struct sim *sim);                                 /* containers that are not removed */

/* What comes out of a container: bytes in the engine's own frames of the stream, each with `piece` of them; or frames.
 */
enum sim_stream { SIM_STDOUT = 1, SIM_STDERR = 2 };
void sim_say_on(struct sim *sim, struct sim_box *box, enum sim_stream stream, const char *data, size_t len);
void sim_say(struct sim *sim, struct sim_box *box, const char *data, size_t len); /* on stdout */
/* READY on one stream; sim_ready() says it on both, with a number of its own. */
void sim_ready_on(struct sim *sim, struct sim_box *box, enum sim_stream stream, const struct frame_ready *ready);
void sim_frame(struct sim *sim, struct sim_box *box, int type, int step, int channel, const void *data, size_t len);
void sim_ready(struct sim *sim, struct sim_box *box);
void sim_prepared(struct sim *sim, struct sim_box *box, bool held, uint64_t bytes);
void sim_output(struct sim *sim, struct sim_box *box, int step, int channel, const char *text);
void sim_end(struct sim *sim, struct sim_box *box, int step, struct frame_step_end end);
void sim_done(struct sim *sim, struct sim_box *box); /* no kernel; files have changed */
void sim_done_with(struct sim *sim, struct sim_box *box, const struct frame_done *done);
void sim_failed(struct sim *sim, struct sim_box *box, enum frame_failure failure);
void sim_no_capsule(struct sim *sim, struct sim_box *box, uint32_t stage, int error); /* FAILED on stderr */
void sim_die(struct sim_box *box);                                                    /* the stream ends */

/* A program that says "hello\n" and ends with 0. */
void sim_hello(struct sim *sim, struct sim_box *box);

void sim_skip(struct sim *sim, uint64_t ms); /* that much time has passed, for loop, curl and seam */

/* Runs the loop until the condition holds; not within 20 seconds is a failure. */
#define sim_until(sim, condition)                                 \
    do {                                                          \
        unsigned ticks_ = 0;                                      \
        while (!(condition))                                      \
            if (sim_turn(sim, &ticks_) != 0)                      \
                fail_msg("never: %s (%s)", #condition, __func__); \
    } while (0)
int sim_turn(struct sim *sim, unsigned *ticks);
void sim_idle(struct sim *sim); /* runs what there is to do, for some turns */

/* The trace since the last call equals `expected`. */
#define sim_traced(sim, expected)                         \
    do {                                                  \
        assert_string_equal((sim)->trace.data, expected); \
        buf_reset(&(sim)->trace);                         \
    } while (0)

#endif
