/* When a step's memory is looked at, and what follows: the pure part, on a made-up clock. */
#include "unit.h"

#include "docker/agent/cgroup.h"
#include "docker/agent/watch.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MB (UINT64_C(1) << 20)
#define MS UINT64_C(1000000)
#define START (UINT64_C(1000) * MS)

static struct watch begin(uint64_t limit, uint64_t mark)
{
    struct watch watch;
    watch_begin(&watch, limit, mark, START);
    return watch;
}

static void test_what_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(watch_allowance(32 * MB), 2 * MB);
    assert_int_equal(watch_allowance(80 * MB), 2 * MB);
    assert_int_equal(watch_allowance(512 * MB), 512 * MB / 40);
}

/* A program that ends within milliseconds is not looked at, whatever its limit. */
static void test_the_first_look(void **state)
{
    (void)state;
    assert_in_range(begin(32 * MB, 0).due - START, 6 * MS, 7 * MS);
    assert_in_range(begin(64 * MB, 0).due - START, 8 * MS, 9 * MS);
    assert_in_range(begin(512 * MB, 0).due - START, 38 * MS, 40 * MS);
    assert_true(begin(0, 0).due == UINT64_MAX);
}

/* From `held` to the next look, and whether it strikes. */
static void test_the_next_look(void **state)
{
    static const struct {
        uint64_t before, held, elapsed, least, most;
        bool strikes;
    } cases[] = {
        {0, 10, 8, 7, 8, false},  /* far away: as long as the fastest would take, and what a look may be late */
        {60, 60, 8, 4, 5, false}, /* near, but it rests */
        {60, 40, 8, 5, 6, false}, /* it shrinks */
        {59, 60, 8, 4, 5, false}, /* it grows, but slowly */
        {40, 60, 8, 1, 2, false}, /* it will be over in about 2 ms */
        {64, 65, 1, 1, 2, false}, /* above the limit, but it may be what the counters lag by */
        {64, 66, 1, 0, UINT64_MAX, false}, {60, 67, 8, 0, UINT64_MAX, true}, {0, 300, 8, 0, UINT64_MAX, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct watch watch = begin(64 * MB, 0);
        uint64_t at = START + 100 * MS;
        watch.at = at - cases[i].elapsed * MS;
        watch.held = cases[i].before * MB;
        assert_int_equal(watch_take(&watch, &(struct watch_sight){.at = at, .held = cases[i].held * MB}),
                         cases[i].strikes);
        assert_in_range((watch.due - at) / MS, cases[i].least, cases[i].most);
    }
}

/* Whatever it does, from the moment at which it may be over its limit it is seen within 5 ms, and near its limit it is
 * not looked at more often than each millisecond. */
static void test_no_growth_is_missed(void **state)
{
    static const uint64_t limits[] = {32 * MB, 64 * MB, 512 * MB, 2048 * MB};
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        for (uint64_t speed = 1; speed <= WATCH_SPEED; speed++)
            for (uint64_t wait = 0; wait < 50 * MS; wait += 7 * MS) {
                struct watch watch = begin(limits[i], 0);
                uint64_t start = START + wait, over = limits[i] + watch_allowance(limits[i]);
                uint64_t at = START, held = 0;
                bool strikes = false;
                while (!strikes) {
                    assert_true(watch.due - at >= WATCH_SOON_NS);
                    at = watch.due;
                    held = at > start ? (at - start) * speed : 0;
                    strikes = watch_take(&watch, &(struct watch_sight){.at = at, .held = held});
                }
                assert_true(held - over <= 5 * MS * speed);
            }
}

/* Sources of the peak: looks, the high-water mark, or the largest process. */
static void test_the_peak(void **state)
{
    struct watch watch = begin(64 * MB, 50 * MB);
    (void)state;
    assert_int_equal(watch_peak(&watch, 9 * MB), 9 * MB); /* nothing was seen */

    /* A compiler before it has used more: what a look sees, and what its processes had, but no more than the mark
     * leaves room for. */
    watch_take(&watch, &(struct watch_sight){.at = START, .held = 5 * MB, .rest = 30 * MB, .mark = 50 * MB});
    assert_int_equal(watch_peak(&watch, 9 * MB), 9 * MB);
    assert_int_equal(watch_peak(&watch, 3 * MB), 5 * MB);
    assert_int_equal(watch_peak(&watch, 40 * MB), 20 * MB);

    /* Files that the largest process has mapped are not the step's memory. */
    watch_take(&watch,
               &(struct watch_sight){.at = START, .held = 5 * MB, .rest = 30 * MB, .mark = 50 * MB, .files = 33 * MB});
    watch_take(&watch,
               &(struct watch_sight){.at = START, .held = 5 * MB, .rest = 30 * MB, .mark = 50 * MB, .files = 2 * MB});
    assert_int_equal(watch_peak(&watch, 40 * MB), 7 * MB);
    assert_int_equal(watch_peak(&watch, 20 * MB), 5 * MB);

    /* The mark has moved: the rest is not the step's. */
    watch_take(&watch, &(struct watch_sight){.at = START, .held = 6 * MB, .rest = 35 * MB, .mark = 60 * MB});
    assert_int_equal(watch_peak(&watch, 40 * MB), 25 * MB);

    /* A file of 50 MB is deleted while the mark moves by 20: it is not taken for the step's memory. */
    watch = begin(64 * MB, 10 * MB);
    watch_take(&watch, &(struct watch_sight){.at = START, .held = 4 * MB, .rest = 60 * MB, .mark = 64 * MB});
    watch_take(&watch, &(struct watch_sight){.at = START, .held = 4 * MB, .rest = 10 * MB, .mark = 84 * MB});
    assert_int_equal(watch_peak(&watch, 0), 24 * MB);
}

/* Of both versions, without what the agent itself has used: nearly nothing here. */
static void test_the_time_used(void **state)
{
    static const struct {
        const char *text;
        bool known;
        int64_t ns;
    } cases[] = {
        {"412345678901\n", true, 412345678901},
        {"usage_usec 412345678\nuser_usec 9\nsystem_usec 8\n", true, 412345678000},
        {"user_usec 9\nusage_usec 7000000\n", true, 7000000000},
        {"user_usec 9\n", false, 0},
        {"", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cgroup cgroup = {.used = memfd_create("used", 0)};
        struct timespec own;
        assert_int_equal(write(cgroup.used, cases[i].text, strlen(cases[i].text)), strlen(cases[i].text));
        struct cgroup_used used = cgroup_read_used(&cgroup);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
        assert_int_equal(used.known, cases[i].known);
        if (used.known)
            assert_in_range(cases[i].ns - used.ns, 1, own.tv_sec * 1000000000 + own.tv_nsec);
        close(cgroup.used);
    }
    assert_false(cgroup_read_used(&(struct cgroup){.used = -1}).known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_allowed), cmocka_unit_test(test_the_first_look),
        cmocka_unit_test(test_the_next_look),   cmocka_unit_test(test_no_growth_is_missed),
        cmocka_unit_test(test_the_peak),        cmocka_unit_test(test_the_time_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
