/* A simulated engine and its clients, on which the pool's policies (docker/pool/size.h, docker/pool/policy.h) are
 * played through: the same arrivals for each policy, the same random numbers on every machine, no clock and no
 * container.
 *
 * The engine has two cores: two creations at once of MODEL_MAKING_NS each, including the removal, which is 16 a second.
 * Programs run for 5 to 30 ms in a cell that is then gone. */
#ifndef CODECELL_TESTS_POOL_MODEL_H
#define CODECELL_TESTS_POOL_MODEL_H

#include "docker/pool/size.h"

#define MODEL_CREATIONS 2u
#define MODEL_MAKING_NS 120000000u
#define MODEL_TICK_NS 10000000000u /* the time after which targets are set again if no request comes */
#define MODEL_THINK_NS 500000000u  /* an agent's pause between an answer and its next request */
#define MODEL_LANGUAGES 40u

struct model_arrival {
    uint64_t ns;
    unsigned language;
};

struct model_trace {
    const char *name;
    size_t languages;
    uint64_t length_ns;
    unsigned agents; /* clients that ask for the next program after the last one's answer; all of language 0 */
    struct model_arrival *arrivals; /* of all other clients, by time */
    size_t count;
};

struct model_policy {
    const char *name;
    unsigned minimum;
    const struct pool_tuning *tuning; /* NULL: the target is always the minimum */
    struct pool_budget budget;
};

struct model_result {
    uint64_t requests, hits; /* hits: requests that found an idle cell */
    double p99_wait_ms, longest_wait_ms;
    double cells_idle, mb_held; /* means over time */
    unsigned most_idle;
    uint64_t created, wasted; /* cells; those that no request used */
};

extern const char *const model_traces[]; /* names; NULL after the last */
/* `share`: the part of its full length, so that a test takes less time. */
struct model_trace model_trace_make(const char *name, double share);
void model_trace_free(struct model_trace *trace);

uint64_t model_bytes(unsigned language); /* memory of an idle cell: like python, javascript, bash, c, … */

struct model_result model_play(const struct model_trace *trace, const struct model_policy *policy);

uint64_t model_random_next(uint64_t *seed);
double model_random_part(uint64_t *seed); /* above 0, below 1 */

#endif
