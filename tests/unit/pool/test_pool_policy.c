/* What the pool makes next, by table. */
#include "docker/pool/pool_policy.h"

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
        {"nothing is wanted", {{0}}, 0, 2, 0, {POOL_NOTHING, 0}},
        {"a shelf is filled", {{.want = 1}}, 0, 2, 0, {POOL_FOR_SHELF, 0}},
        {"what is coming counts", {{.want = 1, .making = 1}}, 1, 2, 0, {POOL_NOTHING, 0}},
        {"what is coming for a wish does not", {{.want = 1, .making = 1, .wishes = 1}}, 1, 2, 0, {POOL_FOR_SHELF, 0}},
        {"a full shelf is left alone", {{.want = 2, .ready = 2}}, 0, 2, 0, {POOL_NOTHING, 0}},
        {"as many at once as allowed", {{.want = 9}}, 2, 2, 0, {POOL_NOTHING, 0}},
        {"what nobody asked for leaves one creation", {{.want = 9, .unasked = true}}, 1, 2, 0, {POOL_NOTHING, 0}},
        {"and is made where none is under way", {{.want = 9, .unasked = true}}, 0, 1, 0, {POOL_FOR_SHELF, 0}},
        {"which a request gets",
         {{.want = 9, .unasked = true}, {.wishes = 1, .unmet = 1, .oldest_ns = 7}},
         1,
         2,
         9,
         {POOL_FOR_WISH, 1}},
        {"or what was asked for", {{.want = 9, .unasked = true}, {.want = 1}}, 1, 2, 0, {POOL_FOR_SHELF, 1}},
        {"a wish comes before a shelf",
         {{.want = 4}, {.wishes = 1, .unmet = 1, .oldest_ns = 7}},
         0,
         2,
         9,
         {POOL_FOR_WISH, 1}},
        {"the oldest wish first",
         {{.wishes = 1, .unmet = 1, .oldest_ns = 5}, {.wishes = 1, .unmet = 1, .oldest_ns = 3}},
         0,
         2,
         9,
         {POOL_FOR_WISH, 1}},
        {"an older wish of a higher rank after it",
         {{.wishes = 1, .unmet = 1, .rank = 2, .oldest_ns = 3}, {.wishes = 1, .unmet = 1, .rank = 1, .oldest_ns = 5}},
         0,
         2,
         9,
         {POOL_FOR_WISH, 1}},
        {"which comes after the first cell of a language that has none",
         {{.want = 2}, {.want = 1, .ready = 1}, {.wishes = 1, .unmet = 1, .rank = 2, .oldest_ns = 3}},
         0,
         2,
         9,
         {POOL_FOR_SHELF, 0}},
        {"but not after a second",
         {{.want = 2, .making = 1}, {.want = 2, .ready = 1}, {.wishes = 1, .unmet = 1, .rank = 2, .oldest_ns = 3}},
         1,
         2,
         9,
         {POOL_FOR_WISH, 2}},
        {"nor after one that nobody asked for",
         {{.want = 2, .unasked = true}, {.wishes = 1, .unmet = 1, .rank = 2, .oldest_ns = 3}},
         0,
         2,
         9,
         {POOL_FOR_WISH, 1}},
        {"a wish whose cell is on its way needs none", {{.making = 1, .wishes = 1}}, 1, 2, 9, {POOL_NOTHING, 0}},
        {"the shelf that lacks the larger part",
         {{.want = 4, .ready = 3}, {.want = 2, .ready = 1}, {.want = 3, .ready = 3}},
         0,
         2,
         0,
         {POOL_FOR_SHELF, 1}},
        {"an empty shelf before a half-full one", {{.want = 4, .ready = 2}, {.want = 1}}, 0, 2, 0, {POOL_FOR_SHELF, 1}},
        {"after a failure it waits", {{.want = 1, .not_before_ns = 10}}, 0, 2, 9, {POOL_NOTHING, 0}},
        {"and then goes on", {{.want = 1, .not_before_ns = 10}}, 0, 2, 10, {POOL_FOR_SHELF, 0}},
        {"one that waits does not hold up another",
         {{.wishes = 1, .unmet = 1, .oldest_ns = 1, .not_before_ns = 10}, {.want = 1}},
         0,
         2,
         9,
         {POOL_FOR_SHELF, 1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pool_decision d = pool_decide(
            cases[i].views, 3,
            &(struct pool_moment){
                .making = cases[i].making, .creations = cases[i].creations, .room = 99, .now_ns = cases[i].now_ns});
        if (d.action != cases[i].expected.action ||
            (d.action != POOL_NOTHING && d.language != cases[i].expected.language))
            fail_msg("%s: action %d for %zu", cases[i].what, (int)d.action, d.language);
    }
}

static void settles(void **state)
{
    const struct pool_view shelf = {.want = 1}, wish = {.wishes = 1, .unmet = 1};

    (void)state;
    struct pool_moment moment = {.creations = 2, .room = 9, .fill_ns = 10, .now_ns = 9};

    assert_int_equal(pool_decide(&shelf, 1, &moment).action, POOL_NOTHING);
    assert_int_equal(pool_decide(&wish, 1, &moment).action, POOL_FOR_WISH);
    moment.now_ns = 10;
    assert_int_equal(pool_decide(&shelf, 1, &moment).action, POOL_FOR_SHELF);
}

/* What comes after creations. */
static void tidies(void **state)
{
    static const uint64_t lasted = POOL_SURPLUS_NS;
    static const struct {
        const char *what;
        struct pool_view views[2];
        struct pool_moment moment;
        struct pool_decision expected;
    } cases[] = {
        {"a surplus that lasted", {{.want = 1, .ready = 3}}, {.room = 5}, {POOL_SURPLUS, 0}},
        {"one that has just begun", {{.want = 1, .ready = 3, .surplus_ns = 1}}, {.room = 5}, {POOL_NOTHING, 0}},
        {"one that takes another's room",
         {{.want = 1, .ready = 3, .surplus_ns = 1}, {.want = 2, .minimum = 1, .ready = 1}},
         {.room = 0},
         {POOL_SURPLUS, 0}},
        {"no room, but nobody lacks any",
         {{.want = 1, .ready = 3, .surplus_ns = 1}, {.want = 1, .ready = 1}},
         {.room = 0},
         {POOL_NOTHING, 0}},
        {"the larger one", {{.want = 1, .ready = 3}, {.want = 1, .ready = 4}}, {.room = 5}, {POOL_SURPLUS, 1}},
        {"one removal at a time", {{.want = 1, .ready = 3}}, {.room = 5, .ending = 1}, {POOL_NOTHING, 0}},
        {"not while a request waits",
         {{.want = 1, .ready = 3}, {.wishes = 1, .making = 1}},
         {.room = 5, .making = 1},
         {POOL_NOTHING, 0}},
        {"a minimum is met without room", {{.want = 3, .minimum = 1}}, {.room = 0}, {POOL_FOR_SHELF, 0}},
        {"more than that is not", {{.want = 3, .minimum = 1, .ready = 1}}, {.room = 0}, {POOL_NOTHING, 0}},
        {"an interpreter", {{.want = 1, .ready = 1, .settled = 1}}, {.room = 5}, {POOL_PREPARE, 0}},
        {"where fewest wait",
         {{.want = 2, .ready = 2, .held = 1, .settled = 1}, {.want = 2, .ready = 2, .settled = 2}},
         {.room = 5},
         {POOL_PREPARE, 1}},
        {"one at a time", {{.want = 1, .ready = 1, .settled = 1}}, {.room = 5, .preparing = true}, {POOL_NOTHING, 0}},
        {"not while cells are made",
         {{.want = 1, .ready = 1, .settled = 1}},
         {.room = 5, .making = 1},
         {POOL_NOTHING, 0}},
        {"not while requests wait",
         {{.want = 1, .ready = 1, .settled = 1}, {.wishes = 1}},
         {.room = 5},
         {POOL_NOTHING, 0}},
        {"a shelf comes first", {{.want = 2, .ready = 1, .settled = 1}}, {.room = 5}, {POOL_FOR_SHELF, 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pool_moment moment = cases[i].moment;

        moment.creations = 2;
        moment.now_ns = lasted;
        struct pool_decision d = pool_decide(cases[i].views, 2, &moment);
        if (d.action != cases[i].expected.action || d.language != cases[i].expected.language)
            fail_msg("%s: action %d for %zu", cases[i].what, (int)d.action, d.language);
    }
}

static void ranks(void **state)
{
    (void)state;
    assert_true(pool_rank(CELL_HELD, true) < pool_rank(CELL_BLANK, true));
    assert_int_equal(pool_rank(CELL_BLANK, true), pool_rank(CELL_UNHELD, true));
    assert_true(pool_rank(CELL_BLANK, true) < pool_rank(CELL_PREPARING, true));
    assert_true(pool_rank(CELL_BLANK, false) < pool_rank(CELL_PREPARING, false));
    assert_true(pool_rank(CELL_PREPARING, false) < pool_rank(CELL_HELD, false));
}

static void budgets(void **state)
{
    const struct pool_budget budget = {10, 1000};

    (void)state;
    assert_false(pool_over((struct pool_budget){4, 400}, (struct pool_budget){6, 600}, budget));
    assert_true(pool_over((struct pool_budget){5, 400}, (struct pool_budget){6, 600}, budget));
    assert_true(pool_over((struct pool_budget){4, 401}, (struct pool_budget){6, 600}, budget));
    assert_false(pool_over((struct pool_budget){0, 0}, (struct pool_budget){16, 1600}, budget)); /* minima */
}

static void pauses(void **state)
{
    (void)state;
    assert_int_equal(pool_pause_ns(0), 0);
    assert_int_equal(pool_pause_ns(1), 250000000);
    assert_int_equal(pool_pause_ns(2), 500000000);
    assert_int_equal(pool_pause_ns(8), 30000000000);
    assert_int_equal(pool_pause_ns(4000000000u), 30000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides), cmocka_unit_test(settles), cmocka_unit_test(tidies),
        cmocka_unit_test(ranks),   cmocka_unit_test(budgets), cmocka_unit_test(pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
