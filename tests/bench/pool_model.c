#include "pool_model.h"

#include "docker/pool/policy.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000u
#define REQUESTS_MAX 65536u
#define PROGRAMS_MAX 4096u
#define NEVER UINT64_MAX

/* xorshift64* */
uint64_t model_random_next(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * 0x2545f4914f6cdd1du;
}

/* Between 0 and 1, without both. */
double model_random_part(uint64_t *seed)
{
    return ((double)(model_random_next(seed) >> 11) + 0.5) / 9007199254740992.0;
}

uint64_t model_bytes(unsigned language)
{
    static const unsigned mb[] = {12, 50, 3, 3, 20, 30, 8, 40};

    return (uint64_t)mb[language % (sizeof mb / sizeof *mb)] << 20;
}

/* Traces. */

static void arrive(struct model_trace *trace, double second, unsigned language)
{
    if ((trace->count & (trace->count - 1)) == 0) {
        trace->arrivals =
            realloc(trace->arrivals, (trace->count == 0 ? 1 : 2 * trace->count) * sizeof *trace->arrivals);
        assert(trace->arrivals != NULL);
    }
    trace->arrivals[trace->count++] = (struct model_arrival){(uint64_t)(second * SECOND), language};
}

static int earlier(const void *a, const void *b)
{
    const struct model_arrival *one = a, *other = b;

    if (one->ns != other->ns)
        return one->ns < other->ns ? -1 : 1;
    return one->language < other->language ? -1 : one->language > other->language;
}

static void steady(struct model_trace *trace, double from, double to, double rate)
{
    double at = from;

    while (at < to) {
        arrive(trace, at, 0);
        at += 1 / rate;
    }
}

static void poisson(struct model_trace *trace, double from, double to, double rate, unsigned language, uint64_t *seed)
{
    double at = from - log(model_random_part(seed)) / rate;

    while (at < to) {
        arrive(trace, at, language);
        at -= log(model_random_part(seed)) / rate;
    }
}

/* `size` requests within 20 ms, once in each `period`, which varies by a tenth. */
static void bursts(struct model_trace *trace, double to, unsigned size, double period, uint64_t *seed)
{
    double at = period / 2;

    while (at < to) {
        for (unsigned i = 0; i < size; i++)
            arrive(trace, at + 0.02 * i / size, 0);
        at += period * (0.95 + 0.1 * model_random_part(seed));
    }
}

/* A sine over the day; during its lower half, the night, no request comes. */
static void daily(struct model_trace *trace, double to, double peak, uint64_t *seed)
{
    double at = 0;

    while (at < to) {
        at -= log(model_random_part(seed)) / peak;
        if (model_random_part(seed) < sin(2 * M_PI * at / to))
            arrive(trace, at, 0);
    }
}

const char *const model_traces[] = {"steady 0.1/s",  "steady 1/s",    "steady 5/s",  "steady 10/s",
                                    "poisson 0.1/s", "poisson 1/s",   "poisson 5/s", "poisson 10/s",
                                    "8 a minute",    "30 each 5 min", "a day",       "one of ten hot",
                                    "forty, Zipf",   "1 agent",       "8 agents",    NULL};

struct model_trace model_trace_make(const char *name, double share)
{
    struct model_trace trace = {.name = name, .languages = 1};
    uint64_t seed = 0x9e3779b97f4a7c15u;
    double length = 3600 * share, rate = 0;

    if (strncmp(name, "steady ", 7) == 0) {
        rate = strtod(name + 7, NULL);
        steady(&trace, 1, length, rate);
    } else if (strncmp(name, "poisson ", 8) == 0) {
        rate = strtod(name + 8, NULL);
        poisson(&trace, 0, length, rate, 0, &seed);
    } else if (strcmp(name, "8 a minute") == 0) {
        bursts(&trace, length, 8, 60, &seed);
    } else if (strcmp(name, "30 each 5 min") == 0) {
        length *= 4;
        bursts(&trace, length, 30, 300, &seed);
    } else if (strcmp(name, "a day") == 0) {
        length *= 24;
        daily(&trace, length, 3, &seed);
    } else if (strcmp(name, "one of ten hot") == 0) {
        trace.languages = 10;
        for (unsigned i = 0; i < 10; i++)
            poisson(&trace, 0, length, 0.05, i, &seed);
        poisson(&trace, length / 3, 2 * length / 3, 6, 4, &seed);
    } else if (strcmp(name, "forty, Zipf") == 0) {
        trace.languages = 40;
        for (unsigned i = 0; i < 40; i++)
            poisson(&trace, 0, length, 4 / 4.28 / (i + 1), i, &seed);
    } else {
        trace.agents = (unsigned)strtoul(name, NULL, 10);
    }
    trace.length_ns = (uint64_t)(length * SECOND);
    if (trace.count > 0)
        qsort(trace.arrivals, trace.count, sizeof *trace.arrivals, earlier);
    return trace;
}

void model_trace_free(struct model_trace *trace)
{
    free(trace->arrivals);
    *trace = (struct model_trace){0};
}

/* Playing. */

struct request {
    uint64_t since_ns;
    unsigned language;
    bool agent;
};

struct creation {
    uint64_t ends_ns; /* NEVER: none */
    unsigned language;
    bool for_request;
};

/* A program that runs, or an agent that pauses. */
struct program {
    uint64_t ends_ns;
    bool agent, thinks;
};

struct model {
    const struct model_trace *trace;
    const struct model_policy *policy;
    struct model_result result;
    uint64_t now_ns, fill_ns, seed;
    struct pool_view views[MODEL_LANGUAGES];
    struct pool_demand demands[MODEL_LANGUAGES];
    unsigned for_requests[MODEL_LANGUAGES]; /* creations */
    struct request *requests;               /* oldest first */
    size_t requests_len;
    struct creation creations[MODEL_CREATIONS];
    unsigned making, running;
    struct program programs[PROGRAMS_MAX];
    size_t programs_len;
    double *waits; /* of the requests that waited, in ms */
    size_t waits_len;
};

static void resize(struct model *model)
{
    struct pool_size_view views[MODEL_LANGUAGES];
    unsigned targets[MODEL_LANGUAGES];
    size_t count = model->trace->languages;

    assert(count > 0 && count <= MODEL_LANGUAGES);
    for (unsigned i = 0; i < count; i++) {
        targets[i] = model->policy->minimum;
        views[i] = (struct pool_size_view){model->demands[i],
                                           {.minimum = model->policy->minimum, .by_demand = model->policy->minimum > 0},
                                           model_bytes(i)};
    }
    if (model->policy->tuning != NULL)
        size_targets(views, count, &model->policy->budget, model->now_ns, targets);
    for (size_t i = 0; i < count; i++) {
        struct pool_view *view = &model->views[i];
        view->target = targets[i];
        view->minimum = model->policy->minimum;
        if (view->ready > view->target) {
            model->result.wasted += view->ready - view->target;
            view->ready = view->target;
        }
    }
}

static void run_program(struct model *model, bool agent)
{
    assert(model->programs_len < PROGRAMS_MAX);
    model->programs[model->programs_len++] = (struct program){
        .ends_ns = model->now_ns + 5000000 + (uint64_t)(25e6 * model_random_part(&model->seed)), .agent = agent};
    model->running++;
    if (model->fill_ns == 0)
        model->fill_ns = model->now_ns + POOL_SETTLE_NS;
}

static void ask(struct model *model, unsigned language, bool agent)
{
    model->result.requests++;
    size_note_request(&model->demands[language], model->now_ns);
    resize(model);
    if (model->views[language].ready > 0) {
        model->views[language].ready--;
        model->result.hits++;
        run_program(model, agent);
    } else {
        assert(model->requests_len < REQUESTS_MAX);
        model->requests[model->requests_len++] = (struct request){model->now_ns, language, agent};
    }
}

static void grant(struct model *model, size_t index)
{
    struct request request = model->requests[index];

    memmove(model->requests + index, model->requests + index + 1, (model->requests_len - index - 1) * sizeof request);
    model->requests_len--;
    model->waits = realloc(model->waits, (model->waits_len + 1) * sizeof *model->waits);
    assert(model->waits != NULL);
    model->waits[model->waits_len++] = (double)(model->now_ns - request.since_ns) / 1e6;
    run_program(model, request.agent);
}

static void made(struct model *model, struct creation *creation)
{
    struct pool_view *view = &model->views[creation->language];

    creation->ends_ns = NEVER;
    model->making--;
    view->making--;
    model->for_requests[creation->language] -= creation->for_request;
    model->result.created++;
    size_note_made(&model->demands[creation->language], MODEL_MAKING_NS);
    for (size_t i = 0; i < model->requests_len; i++)
        if (model->requests[i].language == creation->language) {
            grant(model, i);
            return;
        }
    if (view->ready < view->target)
        view->ready++;
    else
        model->result.wasted++;
}

/* Tells policy_decide() of the requests that wait. */
static void see_requests(struct model *model)
{
    for (size_t i = 0; i < model->trace->languages; i++)
        model->views[i].requests = model->views[i].unmet = 0;
    for (size_t i = 0; i < model->requests_len; i++) {
        struct pool_view *view = &model->views[model->requests[i].language];
        if (++view->requests > model->for_requests[model->requests[i].language] && view->unmet++ == 0)
            view->oldest_ns = model->requests[i].since_ns;
    }
}

static void make(struct model *model)
{
    if (model->running == 0)
        model->fill_ns = 0;
    for (;;) {
        see_requests(model);
        struct pool_decision next = policy_decide(model->views, model->trace->languages,
                                                  &(struct pool_moment){.making = model->making,
                                                                        .creations = MODEL_CREATIONS,
                                                                        .room = UINT32_MAX,
                                                                        .fill_ns = model->fill_ns,
                                                                        .now_ns = model->now_ns});
        if (next.action != POOL_FOR_REQUEST && next.action != POOL_FOR_SHELF)
            break;
        struct creation *creation = model->creations;
        while (creation->ends_ns != NEVER)
            creation++;
        *creation = (struct creation){.ends_ns = model->now_ns + MODEL_MAKING_NS,
                                      .language = (unsigned)next.language,
                                      .for_request = next.action == POOL_FOR_REQUEST};
        model->for_requests[next.language] += creation->for_request;
        model->views[next.language].making++;
        model->making++;
    }
    if (model->fill_ns <= model->now_ns)
        model->fill_ns = 0;
}

static void program_over(struct model *model, size_t index)
{
    struct program program = model->programs[index];

    if (program.thinks || !program.agent)
        model->programs[index] = model->programs[--model->programs_len];
    if (program.thinks) {
        ask(model, 0, true);
        return;
    }
    model->running--;
    if (program.agent)
        model->programs[index] =
            (struct program){.ends_ns = model->now_ns + MODEL_THINK_NS, .agent = true, .thinks = true};
}

static void pass(struct model *model, uint64_t until_ns)
{
    double share = (double)(until_ns - model->now_ns) / (double)model->trace->length_ns;
    unsigned idle = 0;

    for (unsigned i = 0; i < model->trace->languages; i++) {
        unsigned ready = model->views[i].ready;
        idle += ready;
        model->result.mb_held += share * ready * (double)(model_bytes(i) >> 20);
    }
    model->result.cells_idle += share * idle;
    if (idle > model->result.most_idle)
        model->result.most_idle = idle;
    model->now_ns = until_ns;
}

static int less(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;

    return one < other ? -1 : one > other;
}

static void count_waits(struct model *model)
{
    uint64_t past = model->result.requests / 100; /* requests that wait longer than the 99th percentile */

    if (model->waits_len == 0)
        return;
    qsort(model->waits, model->waits_len, sizeof *model->waits, less);
    model->result.longest_wait_ms = model->waits[model->waits_len - 1];
    if (model->waits_len > past)
        model->result.p99_wait_ms = model->waits[model->waits_len - 1 - past];
}

static void open_model(struct model *model)
{
    model->seed = 0x123456789abcdefu;
    model->requests = calloc(REQUESTS_MAX, sizeof *model->requests);
    assert(model->requests != NULL);
    for (size_t i = 0; i < MODEL_CREATIONS; i++)
        model->creations[i].ends_ns = NEVER;
    for (size_t i = 0; i < model->trace->languages; i++) {
        model->demands[i].tuning = model->policy->tuning;
        model->views[i].ready = model->policy->minimum;
    }
    for (unsigned i = 0; i < model->trace->agents; i++)
        model->programs[model->programs_len++] =
            (struct program){.ends_ns = SECOND + i * (uint64_t)37000000, .agent = true, .thinks = true};
    resize(model);
}

/* Makes the next thing happen, at its time. False: the trace is over. */
static bool step(struct model *model, size_t *arrived, uint64_t *tick_ns)
{
    const struct model_trace *trace = model->trace;
    uint64_t next = *tick_ns, arrival = *arrived < trace->count ? trace->arrivals[*arrived].ns : NEVER;
    size_t over = 0;
    struct creation *ready = &model->creations[0];

    for (size_t i = 1; i < model->programs_len; i++)
        if (model->programs[i].ends_ns < model->programs[over].ends_ns)
            over = i;
    for (size_t i = 1; i < MODEL_CREATIONS; i++)
        if (model->creations[i].ends_ns < ready->ends_ns)
            ready = &model->creations[i];
    uint64_t ends = over < model->programs_len ? model->programs[over].ends_ns : NEVER;
    next = arrival < next ? arrival : next;
    next = ends < next ? ends : next;
    next = ready->ends_ns < next ? ready->ends_ns : next;
    next = model->fill_ns > model->now_ns && model->fill_ns < next ? model->fill_ns : next;
    if (next >= trace->length_ns)
        return false;
    pass(model, next);
    if (next == ready->ends_ns) {
        made(model, ready);
    } else if (next == ends) {
        program_over(model, over);
    } else if (next == arrival) {
        ask(model, trace->arrivals[(*arrived)++].language, false);
    } else if (next == *tick_ns) {
        resize(model);
        *tick_ns += MODEL_TICK_NS;
    }
    make(model);
    return true;
}

struct model_result model_play(const struct model_trace *trace, const struct model_policy *policy)
{
    struct model *model = calloc(1, sizeof *model);
    size_t arrived = 0;
    uint64_t tick_ns = MODEL_TICK_NS;

    assert(model != NULL);
    model->trace = trace;
    model->policy = policy;
    open_model(model);
    while (step(model, &arrived, &tick_ns))
        ;
    pass(model, trace->length_ns);
    count_waits(model);
    struct model_result result = model->result;
    free(model->requests);
    free(model->waits);
    free(model);
    return result;
}
