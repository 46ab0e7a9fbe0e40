/* How many idle cells the pool wants: by tables, by what must hold for any demand, and on the simulated engine of
 * tests/bench/pool_simulation.c. */
#include "docker/pool/size.h"

#include "tests/bench/pool_model.h"

#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOW ((uint64_t)1000000000000)
#define MB ((uint64_t)1 << 20)
#define HOLD_NS ((uint64_t)(pool_tuning_chosen.hold_s * 1e9))

static const struct pool_budget plenty = {1000, (uint64_t)1 << 40};

static struct pool_size_view view_of(double rate, double burst, unsigned minimum, uint64_t bytes)
{
    return (struct pool_size_view){.demand = {.last_ns = NOW,
                                              .arrivals = rate > 0 || burst > 0,
                                              .rate = rate,
                                              .burst = {burst, 0},
                                              .burst_ns = NOW,
                                              .making_s = 0.05}, /* 0.1 s with what comes before a creation */
                                   .keep = {.minimum = minimum, .by_demand = minimum > 0},
                                   .bytes = bytes};
}

/* P(arrivals >= cells) <= 0.003 with the arrivals of 0.1 s: 6 at 10 a second, since P(5 or more) is 0.0037. */
static void one_language(void **state)
{
    static const struct {
        const char *what;
        double rate, burst;
        unsigned minimum, expected;
    } cases[] = {
        {"no request ever", 0, 0, 1, 1},
        {"no request ever, a larger minimum", 0, 0, 5, 5},
        {"once in 100 s", 0.01, 1, 1, 1},
        {"once a second", 1, 1, 1, 3},
        {"10 a second", 10, 1, 1, 6},
        {"less than the minimum", 10, 1, 9, 9},
        {"no idle cells at all", 10, 30, 0, 0},
        {"a bunch of 8, long ago by the rate", 0.001, 8, 1, 8},
        {"the backlog is less than the rate needs", 10, 2, 1, 6},
    };

    (void)state;
    assert_true(pool_tuning_chosen.misses == 0.003); /* the expected figures were calculated with it */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pool_size_view view = view_of(cases[i].rate, cases[i].burst, cases[i].minimum, MB);
        unsigned target = 77;
        size_targets(&view, 1, &plenty, NOW, &target);
        if (target != cases[i].expected)
            fail_msg("%s: %u instead of %u", cases[i].what, target, cases[i].expected);
    }
}

#define MINIMUM(n)                                             \
    {                                                          \
        .keep = {.minimum = n, .by_demand = true}, .bytes = MB \
    }
#define PREFERRED(n)                                             \
    {                                                            \
        .keep = {.preferred = n, .by_demand = true}, .bytes = MB \
    }
#define DEMAND PREFERRED(0)

static void shared_out(void **state)
{
    static const struct {
        const char *what;
        struct pool_size_view views[3];
        struct pool_budget budget;
        unsigned expected[3];
    } cases[] = {
        {"the budget is less than the minima", {MINIMUM(3), MINIMUM(2), {.bytes = MB}}, {4, MB}, {3, 2, 0}},
        {"no budget at all", {MINIMUM(1), MINIMUM(1), MINIMUM(1)}, {0, 0}, {1, 1, 1}},
        {"as far as the budget goes, in their order",
         {PREFERRED(1), PREFERRED(2), PREFERRED(1)},
         {2, 9 * MB},
         {1, 1, 0}},
        {"as far as the memory goes", {PREFERRED(1), PREFERRED(2), PREFERRED(1)}, {9, 3 * MB}, {1, 2, 0}},
        {"there is enough", {PREFERRED(1), PREFERRED(2), PREFERRED(1)}, {9, 9 * MB}, {1, 2, 1}},
        {"no budget for any", {PREFERRED(1), MINIMUM(1), PREFERRED(1)}, {1, 9 * MB}, {0, 1, 0}},
        {"the minimum counts toward the preferred number",
         {{.keep = {1, 3, true}, .bytes = MB}, PREFERRED(1), PREFERRED(0)},
         {9, 9 * MB},
         {3, 1, 0}},
        {"by demand alone, and there is no demand", {DEMAND, DEMAND, MINIMUM(1)}, {9, 9 * MB}, {0, 0, 1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned targets[3] = {77, 77, 77};
        size_targets(cases[i].views, 3, &cases[i].budget, NOW, targets);
        if (memcmp(targets, cases[i].expected, sizeof targets) != 0)
            fail_msg("%s: %u %u %u", cases[i].what, targets[0], targets[1], targets[2]);
    }
}

static void the_busy_one_first(void **state)
{
    struct pool_size_view views[] = {view_of(0.1, 1, 1, MB), view_of(20, 1, 1, MB), view_of(0.1, 1, 1, MB)};
    unsigned targets[3];

    (void)state;
    size_targets(views, 3, &(struct pool_budget){7, plenty.bytes}, NOW, targets);
    assert_int_equal(targets[0], 1);
    assert_int_equal(targets[1], 5);
    assert_int_equal(targets[2], 1);
}

static void the_small_one_first(void **state)
{
    struct pool_size_view views[] = {view_of(5, 1, 1, 50 * MB), view_of(5, 1, 1, 3 * MB)};
    unsigned targets[2];

    (void)state;
    size_targets(views, 2, &(struct pool_budget){100, 65 * MB}, NOW, targets);
    assert_int_equal(targets[0], 1); /* a second one does not fit, and that does not stop the other language */
    assert_true(targets[1] >= 4 && targets[1] <= 5);
}

/* 55 languages on a small machine: languages with requests have their cells, and the others one each, in their order,
 * as long as there is room. */
static void many_languages(void **state)
{
    struct pool_size_view views[55];
    unsigned targets[55];

    (void)state;
    for (size_t i = 0; i < 55; i++) {
        views[i] = view_of(0, 0, 0, 20 * MB);
        views[i].keep = (struct pool_keep){.preferred = 1, .by_demand = true};
    }
    size_targets(views, 55, &(struct pool_budget){64, 128 * MB}, NOW, targets);
    for (size_t i = 0; i < 55; i++)
        assert_int_equal(targets[i], i < 6);
    views[54] = view_of(0.01, 1, 0, 20 * MB);
    views[54].keep = (struct pool_keep){.preferred = 1, .by_demand = true};
    views[50] = view_of(1, 1, 0, 20 * MB);
    views[50].keep = (struct pool_keep){.by_demand = true}; /* a version that is not the default */
    size_targets(views, 55, &(struct pool_budget){64, 128 * MB}, NOW, targets);
    assert_int_equal(targets[54], 1);
    assert_int_equal(targets[50], 3);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(targets[i], i < 2);
    views[7].keep.minimum = 1; /* named by its id */
    size_targets(views, 55, &(struct pool_budget){0, 0}, NOW, targets);
    for (size_t i = 0; i < 55; i++)
        assert_int_equal(targets[i], i == 7);
}

/* A language without a minimum has a target for a while after a request. */
static void has_a_target_after_a_request(void **state)
{
    struct pool_demand demand = {0};
    unsigned target;

    (void)state;
    size_note_request(&demand, NOW);
    struct pool_size_view view = {.demand = demand, .keep = {.by_demand = true}, .bytes = MB};
    size_targets(&view, 1, &plenty, NOW, &target);
    assert_int_equal(target, 1);
    size_targets(&view, 1, &plenty, NOW + HOLD_NS, &target);
    assert_int_equal(target, 1);
    size_targets(&view, 1, &plenty, NOW + 2 * HOLD_NS, &target);
    assert_int_equal(target, 0);
}

static unsigned sum(const unsigned *targets, size_t count)
{
    unsigned all = 0;

    for (size_t i = 0; i < count; i++)
        all += targets[i];
    return all;
}

/* For any demand: minima are met, otherwise the budget is kept, and a larger budget takes no cell from any language. */
static void holds_for_any_demand(void **state)
{
    uint64_t seed = 42;

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct pool_size_view views[20];
        unsigned targets[20], before[20] = {0}, minima = 0;
        size_t count = 1 + model_random_next(&seed) % 20;
        for (size_t i = 0; i < count; i++) {
            views[i] = view_of(pow(10, 4 * model_random_part(&seed) - 2), floor(10 * model_random_part(&seed)),
                               (unsigned)(model_random_next(&seed) % 3), (1 + model_random_next(&seed) % 60) * MB);
            views[i].keep.preferred = model_random_next(&seed) % 4 == 0 ? (unsigned)(model_random_next(&seed) % 4) : 0;
            minima += views[i].keep.minimum;
        }
        for (unsigned cells = 0; cells < 80; cells += 7) {
            size_targets(views, count, &(struct pool_budget){cells, plenty.bytes}, NOW, targets);
            assert_true(sum(targets, count) <= (cells > minima ? cells : minima));
            for (size_t i = 0; i < count; i++) {
                assert_true(targets[i] >= views[i].keep.minimum && targets[i] >= before[i]);
                assert_true(!size_keeps_none(&views[i].keep) || targets[i] == 0);
                before[i] = targets[i];
            }
        }
        uint64_t bytes = 0, least = 0, budget = model_random_next(&seed) % (2000 * MB);
        size_targets(views, count, &(struct pool_budget){1000, budget}, NOW, targets);
        for (size_t i = 0; i < count; i++) {
            bytes += targets[i] * views[i].bytes;
            least += views[i].keep.minimum * views[i].bytes;
        }
        assert_true(bytes <= (budget > least ? budget : least));
    }
}

static unsigned target_at(const struct pool_demand *demand, uint64_t now_ns)
{
    struct pool_size_view view = {.demand = *demand, .keep = {.minimum = 1, .by_demand = true}, .bytes = MB};
    unsigned target;

    size_targets(&view, 1, &plenty, now_ns, &target);
    return target;
}

static void learns_the_rate(void **state)
{
    struct pool_demand demand = {0};
    uint64_t now = NOW;

    (void)state;
    for (int i = 0; i < 2000; i++)
        size_note_request(&demand, now += 500000000);
    assert_true(fabs(demand.rate - 2) < 0.1);
    assert_int_equal(demand.arrivals, 2000);
    assert_true(demand.backlog < 1.01); /* each is replaced before the next */
}

/* Eight requests at once each minute: from the second bunch on the target is eight; after a quiet time it is the
 * minimum. */
static void learns_bunches(void **state)
{
    struct pool_demand demand = {0};
    uint64_t now = NOW;

    (void)state;
    size_note_made(&demand, 100000000);
    for (int minute = 0; minute < 60; minute++, now += 60000000000u) {
        if (minute > 0)
            assert_in_range(target_at(&demand, now), 8, 9);
        for (int i = 0; i < 8; i++)
            size_note_request(&demand, now + (uint64_t)i * 1000000);
    }
    assert_in_range(target_at(&demand, now + HOLD_NS / 2), 8, 9);
    assert_int_equal(target_at(&demand, now + 2 * HOLD_NS), 1);
}

/* A single large bunch is forgotten although small ones go on. */
static void forgets_the_greatest(void **state)
{
    struct pool_demand demand = {0};
    uint64_t now = NOW;

    (void)state;
    for (int i = 0; i < 30; i++)
        size_note_request(&demand, now);
    assert_int_equal(target_at(&demand, now), 30);
    while (now < NOW + 3 * HOLD_NS)
        size_note_request(&demand, now += 20000000000u);
    assert_in_range(target_at(&demand, now), 1, 2);
}

static void learns_the_making(void **state)
{
    struct pool_demand demand = {0};

    (void)state;
    size_note_made(&demand, 200000000);
    assert_true(fabs(demand.making_s - 0.2) < 1e-9);
    for (int i = 0; i < 100; i++)
        size_note_made(&demand, 80000000);
    assert_true(fabs(demand.making_s - 0.08) < 1e-6);
    for (int i = 0; i < 100; i++)
        size_note_made(&demand, UINT64_MAX);
    assert_true(demand.making_s <= 5);
    for (int i = 0; i < 100; i++)
        size_note_made(&demand, 0);
    assert_true(demand.making_s >= 0.01);
}

/* On a faster engine fewer cells are missing after the same bunch. */
static void counts_what_is_made_meanwhile(void **state)
{
    struct pool_demand slow = {.making_s = 0.1, .creations = 1}, fast = {.making_s = 0.1, .creations = 16};

    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        size_note_request(&slow, NOW + i * (uint64_t)50000000);
        size_note_request(&fast, NOW + i * (uint64_t)50000000);
    }
    assert_true(fabs(slow.backlog - 15.5) < 0.01);
    assert_true(fabs(fast.backlog - 1) < 0.01);
}

static void odd_clocks(void **state)
{
    struct pool_demand demand = {0};

    (void)state;
    size_note_request(&demand, NOW);
    size_note_request(&demand, NOW - 5000000000); /* the clock goes back: as if no time had passed */
    assert_int_equal(demand.last_ns, NOW);
    assert_true(isfinite(demand.rate) && demand.rate > 0 && demand.backlog <= 2);
    assert_in_range(target_at(&demand, 0), 1, 3);
    size_note_request(&demand, UINT64_MAX); /* 500 years */
    assert_true(isfinite(demand.rate) && demand.rate > 0 && demand.rate < 1 && fabs(demand.backlog - 1) < 1e-9);
    assert_int_equal(target_at(&demand, UINT64_MAX), 1);
    size_note_request(&(struct pool_demand){0}, 0);
}

static void is_bounded(void **state)
{
    struct pool_demand demand = {0};
    struct pool_size_view views[POOL_LANGUAGES_MAX + 5];
    unsigned targets[POOL_LANGUAGES_MAX + 5];

    (void)state;
    for (int i = 0; i < 1000000; i++)
        size_note_request(&demand, NOW);
    views[0] = (struct pool_size_view){.demand = demand, .keep = {.minimum = 1, .by_demand = true}, .bytes = 1};
    size_targets(views, 1, &(struct pool_budget){UINT32_MAX, UINT64_MAX}, NOW, targets);
    assert_int_equal(targets[0], 1000);
    for (size_t i = 0; i < POOL_LANGUAGES_MAX + 5; i++)
        views[i] = view_of(1, 1, 1, MB);
    size_targets(views, POOL_LANGUAGES_MAX + 5, &plenty, NOW, targets);
    assert_int_equal(targets[0], 3);
    assert_int_equal(targets[POOL_LANGUAGES_MAX - 1], 3);
    assert_int_equal(targets[POOL_LANGUAGES_MAX + 4], 1);
}

/* On the simulated engine, with every trace: at least as many requests find a cell as with one cell for each language.
 */
static void beats_one_each(void **state)
{
    static const struct model_policy one = {.name = "one", .minimum = 1},
                                     chosen = {"chosen", 1, &pool_tuning_chosen, {64, (uint64_t)1 << 30}};

    (void)state;
    for (size_t i = 0; model_traces[i] != NULL; i++) {
        struct model_trace trace = model_trace_make(model_traces[i], 0.1);
        struct model_result a = model_play(&trace, &one), b = model_play(&trace, &chosen);
        double hits = (double)b.hits / (double)b.requests;
        assert_true(a.requests > 0 && b.requests > 0);
        if (hits < (double)a.hits / (double)a.requests)
            fail_msg("%s: %f with the chosen", trace.name, hits);
        if (trace.agents == 0 && strstr(trace.name, "min") == NULL && hits < 0.97) /* the first requests find none */
            fail_msg("%s: %f", trace.name, hits);
        assert_true(b.most_idle <= 64 && b.mb_held <= 1024);
        model_trace_free(&trace);
    }
}

static void holds_less_than_four_each(void **state)
{
    static const struct model_policy four = {.name = "four", .minimum = 4},
                                     chosen = {"chosen", 1, &pool_tuning_chosen, {128, (uint64_t)4 << 30}};
    struct model_trace trace = model_trace_make("forty, Zipf", 0.2);

    (void)state;
    struct model_result a = model_play(&trace, &four), b = model_play(&trace, &chosen);
    assert_true(b.mb_held < 0.6 * a.mb_held && b.cells_idle < 0.6 * a.cells_idle);
    assert_true((double)b.hits / (double)b.requests > 0.995);
    model_trace_free(&trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_language),         cmocka_unit_test(shared_out),
        cmocka_unit_test(the_busy_one_first),   cmocka_unit_test(the_small_one_first),
        cmocka_unit_test(holds_for_any_demand), cmocka_unit_test(learns_the_rate),
        cmocka_unit_test(learns_bunches),       cmocka_unit_test(forgets_the_greatest),
        cmocka_unit_test(learns_the_making),    cmocka_unit_test(counts_what_is_made_meanwhile),
        cmocka_unit_test(odd_clocks),           cmocka_unit_test(is_bounded),
        cmocka_unit_test(many_languages),       cmocka_unit_test(has_a_target_after_a_request),
        cmocka_unit_test(beats_one_each),       cmocka_unit_test(holds_less_than_four_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
