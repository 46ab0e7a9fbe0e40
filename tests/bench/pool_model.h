/* A made-up engine and its clients, in which the pool's policies (docker/pool/size.h, docker/pool/policy.h)
 * are played through: the same arrivals for each policy, the same random numbers on every machine, no clock and no
 * container.
 *
 * The engine has two cores: two creations at once, MODEL_MAKING_NS each, its removal counted in, which is 16 a second.
 * Programs run for 5 to 30 ms in a cell that is then gone. */
#ifndef CODECELL_TESTS_POOL_MODEL_H
#define CODECELL_TESTS_POOL_MODEL_H

#include "docker/pool/size.h"

#define MODEL_CREATIONS 2u
#define MODEL_MAKING_NS 120000000u
#define MODEL_TICK_NS 10000000000u /* between two looks at what is wanted, where nobody asks for anything */
#define MODEL_THINK_NS 500000000u  /* an agent's, between an answer and its next request */
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
    struct model_arrival *arrivals; /* of all others, by time */
    size_t count;
};

struct model_policy {
    const char *name;
    unsigned minimum;
    const struct pool_tuning *tuning; /* NULL: as many as the minimum, always */
    struct pool_budget budget;
};

struct model_result {
    uint64_t requests, hits; /* that found a cell ready */
    double p99_wait_ms, longest_wait_ms;
    double cells_idle, mb_held; /* means over time */
    unsigned most_idle;
    uint64_t created, wasted; /* cells; those that nobody used */
};

extern const char *const model_traces[]; /* names; NULL after the last */
/* `share` of its usual length, so that a test is done soon. */
struct model_trace model_trace_make(const char *name, double share);
void model_trace_free(struct model_trace *trace);

uint64_t model_bytes(unsigned language); /* what a waiting cell holds: as python, javascript, bash, c, … */

struct model_result model_play(const struct model_trace *trace, const struct model_policy *policy);

#endif
