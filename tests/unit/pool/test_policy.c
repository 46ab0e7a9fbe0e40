/* What the pool does next, by table. */
#include "docker/pool/policy.h"

#include "unit.h"

static void decides(void **state)
{
    static const struct {
        const char *what;
        struct pool_view views[3];
        unsigned making, creations;
        uint64_t now_ns;
        struct pool_decision expected;
    } cases[] = {
        {"all targets are 0", {{0}}, 0, 2, 0, {POOL_NOTHING, 0}},
        {"a shelf is filled", {{.target = 1}}, 0, 2, 0, {POOL_FOR_SHELF, 0}},
        {"a cell that is being made counts", {{.target = 1, .making = 1}}, 1, 2, 0, {POOL_NOTHING, 0}},
        {"a cell that is made for a request does not count",
         {{.target = 1, .making = 1, .requests = 1}},
         1,
         2,
         0,
         {POOL_FOR_SHELF, 0}},
        {"a full shelf is left alone", {{.target = 2, .ready = 2}}, 0, 2, 0, {POOL_NOTHING, 0}},
        {"no more creations at once than allowed", {{.target = 9}}, 2, 2, 0, {POOL_NOTHING, 0}},
        {"a language without requests leaves one creation free",
         {{.target = 9, .unasked = true}},
         1,
         2,
         0,
         {POOL_NOTHING, 0}},
        {"and gets its cell if no creation is under way",
         {{.target = 9, .unasked = true}},
         0,
         1,
         0,
         {POOL_FOR_SHELF, 0}},
        {"a request gets the free creation",
         {{.target = 9, .unasked = true}, {.requests = 1, .unmet = 1, .oldest_ns = 7}},
         1,
         2,
         9,
         {POOL_FOR_REQUEST, 1}},
        {"and so does a language with requests",
         {{.target = 9, .unasked = true}, {.target = 1}},
         1,
         2,
         0,
         {POOL_FOR_SHELF, 1}},
        {"a request comes before a shelf",
         {{.target = 4}, {.requests = 1, .unmet = 1, .oldest_ns = 7}},
         0,
         2,
         9,
         {POOL_FOR_REQUEST, 1}},
        {"the oldest request first",
         {{.requests = 1, .unmet = 1, .oldest_ns = 5}, {.requests = 1, .unmet = 1, .oldest_ns = 3}},
         0,
         2,
         9,
         {POOL_FOR_REQUEST, 1}},
        {"an older request of a higher rank comes later",
         {{.requests = 1, .unmet = 1, .rank = 2, .oldest_ns = 3},
          {.requests = 1, .unmet = 1, .rank = 1, .oldest_ns = 5}},
         0,
         2,
         9,
         {POOL_FOR_REQUEST, 1}},
        {"a request of a higher rank comes after the first cell of a language that has none",
         {{.target = 2}, {.target = 1, .ready = 1}, {.requests = 1, .unmet = 1, .rank = 2, .oldest_ns = 3}},
         0,
         2,
         9,
         {POOL_FOR_SHELF, 0}},
        {"but not after a second cell",
         {{.target = 2, .making = 1},
          {.target = 2, .ready = 1},
          {.requests = 1, .unmet = 1, .rank = 2, .oldest_ns = 3}},
         1,
         2,
         9,
         {POOL_FOR_REQUEST, 2}},
        {"nor after a cell of a language without requests",
         {{.target = 2, .unasked = true}, {.requests = 1, .unmet = 1, .rank = 2, .oldest_ns = 3}},
         0,
         2,
         9,
         {POOL_FOR_REQUEST, 1}},
        {"a request whose cell is being made needs no other",
         {{.making = 1, .requests = 1}},
         1,
         2,
         9,
         {POOL_NOTHING, 0}},
        {"the shelf that lacks the larger part of its target",
         {{.target = 4, .ready = 3}, {.target = 2, .ready = 1}, {.target = 3, .ready = 3}},
         0,
         2,
         0,
         {POOL_FOR_SHELF, 1}},
        {"an empty shelf before a half-full one",
         {{.target = 4, .ready = 2}, {.target = 1}},
         0,
         2,
         0,
         {POOL_FOR_SHELF, 1}},
        {"after a failure it must wait", {{.target = 1, .not_before_ns = 10}}, 0, 2, 9, {POOL_NOTHING, 0}},
        {"and then it goes on", {{.target = 1, .not_before_ns = 10}}, 0, 2, 10, {POOL_FOR_SHELF, 0}},
        {"a language that must wait does not stop another",
         {{.requests = 1, .unmet = 1, .oldest_ns = 1, .not_before_ns = 10}, {.target = 1}},
         0,
         2,
         9,
         {POOL_FOR_SHELF, 1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pool_decision d = policy_decide(
            cases[i].views, 3,
            &(struct pool_moment){
                .making = cases[i].making, .creations = cases[i].creations, .room = 99, .now_ns = cases[i].now_ns});
        if (d.action != cases[i].expected.action ||
            (d.action != POOL_NOTHING && d.language != cases[i].expected.language))
            fail_msg("%s: action %d for %zu", cases[i].what, (int)d.action, d.language);
    }
}

/* A used cell that each request may have counts as one that waits. */
static void shared_cells_count(void **state)
{
    struct pool_view view = {.target = 3, .ready = 1, .shared = 2};
    struct pool_moment moment = {.creations = 2, .room = 9, .now_ns = POOL_SURPLUS_NS};

    (void)state;
    assert_int_equal(policy_decide(&view, 1, &moment).action, POOL_NOTHING);
    view.shared = 1;
    assert_int_equal(policy_decide(&view, 1, &moment).action, POOL_FOR_SHELF);
    view.shared = 3;
    assert_int_equal(policy_decide(&view, 1, &moment).action, POOL_SURPLUS);
    view.ready = 0; /* used cells are never ended as a surplus */
    assert_int_equal(policy_decide(&view, 1, &moment).action, POOL_NOTHING);
}

/* A kept cell is prewarmed at once while a processor is free, before shelves are filled; but not while requests wait.
 */
static void kept_cells_come_first(void **state)
{
    struct pool_view views[2] = {{.target = 1}, {.kept = 1}};
    struct pool_moment moment = {.creations = 2, .room = 9, .taken = 1, .fill_ns = 10, .now_ns = 9};

    (void)state;
    struct pool_decision next = policy_decide(views, 2, &moment);
    assert_int_equal(next.action, POOL_PREWARM_KEPT);
    assert_int_equal(next.language, 1);
    moment.taken = 2;
    assert_int_equal(policy_decide(views, 2, &moment).action, POOL_NOTHING);
    moment.taken = moment.making = 1;
    assert_int_equal(policy_decide(views, 2, &moment).action, POOL_NOTHING);
    moment.making = 0;
    moment.prewarming = true;
    assert_int_equal(policy_decide(views, 2, &moment).action, POOL_NOTHING);
    moment.prewarming = false;
    views[0].requests = 1;
    assert_int_equal(policy_decide(views, 2, &moment).action, POOL_NOTHING);
}

/* While requests wait for cells that are being reset, only the first cell of a language is made. */
static void a_flood_is_not_slowed_down(void **state)
{
    struct pool_view views[2] = {{.target = 4, .ready = 1, .requests = 3}, {.target = 2, .ready = 1}};
    struct pool_moment moment = {.creations = 2, .room = 9, .returning = 3, .now_ns = 9};

    (void)state;
    assert_int_equal(policy_decide(views, 2, &moment).action, POOL_NOTHING);
    views[1].ready = 0;
    struct pool_decision next = policy_decide(views, 2, &moment);
    assert_int_equal(next.action, POOL_FOR_SHELF);
    assert_int_equal(next.language, 1);
    moment.fill_ns = 10;
    assert_int_equal(policy_decide(views, 2, &moment).action, POOL_NOTHING);
}

static void grows_old(void **state)
{
    static const struct {
        struct pool_wear wear;
        bool old;
    } cases[] = {
        {{.jobs = 4, .jobs_max = 5}, false},
        {{.jobs = 5, .jobs_max = 5}, true},
        {{.jobs_max = 5, .age_ns = POOL_AGE_NS - 1}, false},
        {{.jobs_max = 5, .age_ns = POOL_AGE_NS}, true},
        {{.jobs_max = 5, .first_bytes = 1000, .bytes = 1000 + POOL_GROWN_BYTES}, false},
        {{.jobs_max = 5, .first_bytes = 1000, .bytes = 1001 + POOL_GROWN_BYTES}, true},
        {{.jobs_max = 5, .first_bytes = 1000, .bytes = 0}, false},
        {{.jobs_max = 5, .bytes = POOL_GROWN_BYTES + 1}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(policy_old(&cases[i].wear), cases[i].old);
}

static void wears(void **state)
{
    static const struct {
        struct pool_wear wear;
        bool worn;
    } cases[] = {
        {{.jobs = 74, .jobs_max = 100}, false},
        {{.jobs = 75, .jobs_max = 100}, true},
        {{.jobs = 1, .jobs_max = 2}, false},
        {{.jobs = 2, .jobs_max = 3}, false},
        {{.jobs_max = 5, .age_ns = POOL_AGE_NS / 4 * 3 - 1}, false},
        {{.jobs_max = 5, .age_ns = POOL_AGE_NS / 4 * 3}, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(policy_worn(&cases[i].wear), cases[i].worn);
}

static void replaces_one_at_a_time(void **state)
{
    static const struct {
        struct pool_view view;
        struct pool_moment moment;
        bool may;
    } cases[] = {
        {{.target = 1, .ready = 1}, {0}, true},
        {{.target = 2, .ready = 1, .shared = 1}, {0}, true},
        {{.target = 1, .shared = 1}, {0}, true},
        {{.target = 0, .ready = 0}, {0}, false},
        {{.target = 2, .ready = 1}, {0}, false},
        {{.target = 1, .ready = 1}, {.making = 1}, false},
        {{.target = 1, .ready = 1}, {.ending = 1}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(policy_may_replace(&cases[i].view, &cases[i].moment), cases[i].may);
}

static void takes_two_in_turn(void **state)
{
    (void)state;
    assert_true(policy_takes_another(1, 0));
    assert_false(policy_takes_another(2, 0));
    assert_false(policy_takes_another(1, 1)); /* other programs run */
}

static void settles(void **state)
{
    const struct pool_view shelf = {.target = 1}, request = {.requests = 1, .unmet = 1};

    (void)state;
    struct pool_moment moment = {.creations = 2, .room = 9, .fill_ns = 10, .now_ns = 9};

    assert_int_equal(policy_decide(&shelf, 1, &moment).action, POOL_NOTHING);
    assert_int_equal(policy_decide(&request, 1, &moment).action, POOL_FOR_REQUEST);
    moment.now_ns = 10;
    assert_int_equal(policy_decide(&shelf, 1, &moment).action, POOL_FOR_SHELF);
}

/* What comes after creations: the end of cells, and prewarming. */
static void tidies(void **state)
{
    static const uint64_t lasted = POOL_SURPLUS_NS;
    static const struct {
        const char *what;
        struct pool_view views[2];
        struct pool_moment moment;
        struct pool_decision expected;
    } cases[] = {
        {"a surplus that lasted", {{.target = 1, .ready = 3}}, {.room = 5}, {POOL_SURPLUS, 0}},
        {"a surplus that has just begun", {{.target = 1, .ready = 3, .surplus_ns = 1}}, {.room = 5}, {POOL_NOTHING, 0}},
        {"a surplus that takes the room of another language",
         {{.target = 1, .ready = 3, .surplus_ns = 1}, {.target = 2, .minimum = 1, .ready = 1}},
         {.room = 0},
         {POOL_SURPLUS, 0}},
        {"no room, but no language lacks cells",
         {{.target = 1, .ready = 3, .surplus_ns = 1}, {.target = 1, .ready = 1}},
         {.room = 0},
         {POOL_NOTHING, 0}},
        {"the larger surplus", {{.target = 1, .ready = 3}, {.target = 1, .ready = 4}}, {.room = 5}, {POOL_SURPLUS, 1}},
        {"one removal at a time", {{.target = 1, .ready = 3}}, {.room = 5, .ending = 1}, {POOL_NOTHING, 0}},
        {"no removal while a request waits",
         {{.target = 1, .ready = 3}, {.requests = 1, .making = 1}},
         {.room = 5, .making = 1},
         {POOL_NOTHING, 0}},
        {"a minimum is met without room", {{.target = 3, .minimum = 1}}, {.room = 0}, {POOL_FOR_SHELF, 0}},
        {"more than the minimum is not", {{.target = 3, .minimum = 1, .ready = 1}}, {.room = 0}, {POOL_NOTHING, 0}},
        {"prewarming", {{.target = 1, .ready = 1, .settled = 1}}, {.room = 5}, {POOL_PREWARM, 0}},
        {"prewarming where the fewest cells are prewarmed",
         {{.target = 2, .ready = 2, .prewarmed = 1, .settled = 1}, {.target = 2, .ready = 2, .settled = 2}},
         {.room = 5},
         {POOL_PREWARM, 1}},
        {"prewarming one cell at a time",
         {{.target = 1, .ready = 1, .settled = 1}},
         {.room = 5, .prewarming = true},
         {POOL_NOTHING, 0}},
        {"no prewarming while cells are made",
         {{.target = 1, .ready = 1, .settled = 1}},
         {.room = 5, .making = 1},
         {POOL_NOTHING, 0}},
        {"no prewarming while requests wait",
         {{.target = 1, .ready = 1, .settled = 1}, {.requests = 1}},
         {.room = 5},
         {POOL_NOTHING, 0}},
        {"a shelf comes first", {{.target = 2, .ready = 1, .settled = 1}}, {.room = 5}, {POOL_FOR_SHELF, 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pool_moment moment = cases[i].moment;

        moment.creations = 2;
        moment.now_ns = lasted;
        struct pool_decision d = policy_decide(cases[i].views, 2, &moment);
        if (d.action != cases[i].expected.action || d.language != cases[i].expected.language)
            fail_msg("%s: action %d for %zu", cases[i].what, (int)d.action, d.language);
    }
}

static void ranks(void **state)
{
    (void)state;
    assert_true(policy_rank(CELL_PREWARMED, true) < policy_rank(CELL_BLANK, true));
    assert_int_equal(policy_rank(CELL_BLANK, true), policy_rank(CELL_NOT_PREWARMED, true));
    assert_true(policy_rank(CELL_BLANK, true) < policy_rank(CELL_PREWARMING, true));
    assert_true(policy_rank(CELL_BLANK, false) < policy_rank(CELL_PREWARMING, false));
    assert_true(policy_rank(CELL_PREWARMING, false) < policy_rank(CELL_PREWARMED, false));
}

static void budgets(void **state)
{
    const struct pool_budget budget = {10, 1000};

    (void)state;
    assert_false(policy_over((struct pool_budget){4, 400}, (struct pool_budget){6, 600}, budget));
    assert_true(policy_over((struct pool_budget){5, 400}, (struct pool_budget){6, 600}, budget));
    assert_true(policy_over((struct pool_budget){4, 401}, (struct pool_budget){6, 600}, budget));
    assert_false(policy_over((struct pool_budget){0, 0}, (struct pool_budget){16, 1600}, budget)); /* minima */
}

static void pauses(void **state)
{
    (void)state;
    assert_int_equal(policy_pause_ns(0), 0);
    assert_int_equal(policy_pause_ns(1), 250000000);
    assert_int_equal(policy_pause_ns(2), 500000000);
    assert_int_equal(policy_pause_ns(8), 30000000000);
    assert_int_equal(policy_pause_ns(4000000000u), 30000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides),
        cmocka_unit_test(settles),
        cmocka_unit_test(shared_cells_count),
        cmocka_unit_test(kept_cells_come_first),
        cmocka_unit_test(a_flood_is_not_slowed_down),
        cmocka_unit_test(grows_old),
        cmocka_unit_test(wears),
        cmocka_unit_test(replaces_one_at_a_time),
        cmocka_unit_test(takes_two_in_turn),
        cmocka_unit_test(tidies),
        cmocka_unit_test(ranks),
        cmocka_unit_test(budgets),
        cmocka_unit_test(pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
