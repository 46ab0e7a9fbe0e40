/* The queue of executions, as a trace of pushes, turns and departures. Keys are numbers, turns are letters. */
#include "run/scheduler.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

#define TURNS 26

struct table {
    struct scheduler scheduler;
    struct turn turns[TURNS];
    uint64_t now_ns;
    char trace[256];
};

static char letter(struct table *t, const struct turn *turn)
{
    return turn == NULL ? '-' : (char)('a' + (turn - t->turns));
}

static void note(struct table *t, char c)
{
    size_t len = strlen(t->trace);

    assert_true(len + 2 < sizeof t->trace);
    t->trace[len] = c;
    t->trace[len + 1] = '\0';
}

/* "1a" pushes a for key 1; ">" gives turns until nobody may run; "!a" a leaves; "~" is the time of a short program; the
 * trace holds who got a turn, '#' for a refusal, and '(x)' for an eviction. */
static void play(struct table *t, const struct scheduler_options *options, const char *script)
{
    memset(t, 0, sizeof *t);
    scheduler_init(&t->scheduler, options);
    for (const char *p = script; *p != '\0'; p++) {
        struct turn *turn, *evicted;

        if (*p == ' ')
            continue;
        if (*p == '~') {
            t->now_ns += SCHEDULER_SHORT_NS;
            continue;
        }
        if (*p == '>') {
            while ((turn = scheduler_next(&t->scheduler, t->now_ns)) != NULL)
                note(t, letter(t, turn));
            continue;
        }
        struct turn *named = &t->turns[p[1] - 'a'];
        if (*p == '!') {
            scheduler_leave(&t->scheduler, named, t->now_ns);
        } else if (scheduler_push(&t->scheduler, named, *p, t->now_ns, &evicted) == SCHEDULER_FULL) {
            note(t, '#');
        } else if (evicted != NULL) {
            note(t, '(');
            note(t, letter(t, evicted));
            note(t, ')');
        }
        p++;
    }
}

static void end(struct table *t)
{
    for (size_t i = 0; i < TURNS; i++)
        if (t->turns[i].of != NULL)
            scheduler_leave(&t->scheduler, &t->turns[i], t->now_ns);
    assert_int_equal(t->scheduler.queued, 0);
    assert_int_equal(t->scheduler.running, 0);
    scheduler_free(&t->scheduler);
}

/* Without extra slots, and with the reserve beside those that the script is about, unless it is about that. */
static void gives_turns(void **state)
{
    static const struct {
        const char *what, *script, *trace;
        struct scheduler_options options;
    } cases[] = {
        {"first come, first served within a key", "1a1b1c >", "abc", {4, 0, 9}},
        {"a key leaves one slot free", "1a1b1c >", "ab", {3, 0, 9}},
        {"which another takes", "1a1b1c > 2d2e >", "abd", {3, 0, 9}},
        {"and has it again where its program ends", "1a1b1c > 2d2e > !d >", "abde", {3, 0, 9}},
        {"the reserve comes back with the next end", "1a1b1c1d > 2e2f > !a > 3g >", "abeg", {3, 0, 9}},
        {"one slot, and no extra one", "1a1b > 2c >", "a", {1, 0, 9}},
        {"one slot: an extra one for others", "1a1b > 2c2d >", "ac", {1, 1, 9}},
        {"but for long ones", "1a1b > 2c2d > ~3e >", "ac", {1, 1, 9}},
        {"a departure makes room", "1a1b1c > !a >", "abc", {3, 0, 9}},
        {"one that waits may leave", "1a1b1c > !b !a >", "ac", {2, 0, 9}},
        {"keys alternate", "1a1b1c2d2e >", "adbec", {6, 0, 9}},
        {"a newcomer comes before the many of another key", "1a1b1c1d > 2e !a >", "abe", {3, 0, 9}},
        {"the key with fewer running goes first", "1a1b1c > 2d2e !c!b >", "abcde", {4, 0, 9}},
        {"no extra slot beside short programs", "1a1b > 2c > 3d >", "ac", {2, 2, 9}},
        {"one for a long one", "1a1b > 2c > ~ 3d4e >", "acd", {2, 1, 9}},
        {"for as many as are long", "1a1b > 2c > ~ 3d4e5f >", "acde", {2, 9, 9}},
        {"those in extra slots among them", "1a1b > 2c > ~ 3d4e5f > ~ 6g >", "acdefg", {2, 9, 9}},
        {"not for who has something running", "1a1b > 2c2d > ~>", "ac", {2, 9, 9}},
        {"a key of long ones leaves half of them", "2b > ~!b 1a > 3c > ~ 4d5e > ~ 2f > 6g >", "bacdeg", {2, 4, 9}},
        {"a full queue refuses its only key", "1a >1b1c1d", "a#", {2, 0, 2}},
        {"a queue of none takes what can run at once", "1a > 1b", "a#", {2, 0, 0}},
        {"from another key, too", "1a > 2b > 2c 3d", "ab##", {2, 0, 0}},
        {"and with extra slots", "1a > 2b > ~ 3c > 2d", "abc#", {2, 9, 0}},
        {"a newcomer that can run evicts nobody", "1a > 1b1c1d 2e >", "ae", {2, 0, 3}},
        {"the greediest key's newest makes room for another", "1a > 2x > 1b1c1d 2e !a >", "ax(d)b", {2, 0, 3}},
        {"equal shares: the newcomer is refused", "1a > 3x > 1b2c 2d", "ax#", {2, 0, 2}},
        {"a key of one more keeps its place", "1a > 3x > 1b1c2d 2e", "ax#", {2, 0, 3}},
        {"nobody waits", ">", "", {1, 0, 1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct table t;

        play(&t, &cases[i].options, cases[i].script);
        if (strcmp(t.trace, cases[i].trace) != 0)
            fail_msg("%s: %s gave %s, not %s", cases[i].what, cases[i].script, t.trace, cases[i].trace);
        end(&t);
    }
}

/* The moment at which an extra slot opens, and none where none will. */
static void tells_when(void **state)
{
    struct table t;

    (void)state;
    play(&t, &(struct scheduler_options){2, 1, 9}, "1a > 2b > 1c");
    assert_int_equal(scheduler_when(&t.scheduler, 0), 0); /* who waits has something running */
    end(&t);
    play(&t, &(struct scheduler_options){2, 1, 9}, "1a > 2b > 3c >");
    assert_int_equal(scheduler_when(&t.scheduler, 0), SCHEDULER_SHORT_NS);
    assert_int_equal(scheduler_when(&t.scheduler, 7), SCHEDULER_SHORT_NS);
    end(&t);
    play(&t, &(struct scheduler_options){2, 1, 9}, "1a > ~2b ~3c > 4d >");
    assert_string_equal(t.trace, "abc");
    assert_int_equal(scheduler_when(&t.scheduler, t.now_ns), 0); /* there is no further one */
    end(&t);
    play(&t, &(struct scheduler_options){2, 0, 9}, "1a > 2b > 3c >");
    assert_int_equal(scheduler_when(&t.scheduler, 0), 0);
    end(&t);
}

/* What is remembered of keys that are gone is bounded, and who was there last is remembered. */
static void remembers_some(void **state)
{
    static struct turn turns[2 * SCHEDULER_REMEMBERED];
    const struct scheduler_options options = {2, 0, 9};
    struct scheduler scheduler;
    struct turn *evicted;
    uint64_t now = 0;

    (void)state;
    scheduler_init(&scheduler, &options);
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        assert_int_equal(scheduler_push(&scheduler, &turns[i], (int64_t)i, now, &evicted), SCHEDULER_ACCEPTED);
        assert_ptr_equal(scheduler_next(&scheduler, now), &turns[i]);
        now += SCHEDULER_SHORT_NS;
        scheduler_leave(&scheduler, &turns[i], now);
        assert_int_equal(scheduler.idle, i + 1 < SCHEDULER_REMEMBERED ? i + 1 : SCHEDULER_REMEMBERED);
    }
    for (unsigned i = 0; i < SCHEDULER_TRUST;
         i++) { /* the last one runs short programs, and is as if it had never been */
        assert_int_equal(scheduler.idle, SCHEDULER_REMEMBERED);
        scheduler_push(&scheduler, &turns[0], (int64_t)(sizeof turns / sizeof *turns) - 1, now, &evicted);
        assert_ptr_equal(scheduler_next(&scheduler, now), &turns[0]);
        scheduler_leave(&scheduler, &turns[0], now);
    }
    assert_int_equal(scheduler.idle, SCHEDULER_REMEMBERED - 1);
    scheduler_free(&scheduler);
}

/* Each long one is told of once, in the order of their beginning; one that ends before is not. */
static void tells_of_long_ones(void **state)
{
    const struct scheduler_options options = {4, 0, 9};
    struct table t;

    (void)state;
    play(&t, &options, "1a2b >");
    assert_int_equal(scheduler_grows(&t.scheduler), SCHEDULER_SHORT_NS);
    assert_null(scheduler_grown(&t.scheduler, SCHEDULER_SHORT_NS - 1));
    scheduler_leave(&t.scheduler, &t.turns[0], SCHEDULER_SHORT_NS - 1);
    assert_ptr_equal(scheduler_grown(&t.scheduler, SCHEDULER_SHORT_NS), &t.turns[1]);
    assert_null(scheduler_grown(&t.scheduler, SCHEDULER_SHORT_NS));
    assert_int_equal(scheduler_grows(&t.scheduler), 0);
    scheduler_leave(&t.scheduler, &t.turns[1], SCHEDULER_SHORT_NS);
    scheduler_free(&t.scheduler);
}

/* A key alone on the server is first with each of its own; beside another, with one of them. */
static void ranks(void **state)
{
    const struct scheduler_options options = {9, 0, 9};
    struct turn *evicted;
    struct table t;

    (void)state;
    play(&t, &options, "1a1b >");
    assert_int_equal(scheduler_rank(&t.scheduler, &t.turns[1]), 1);
    assert_int_equal(scheduler_push(&t.scheduler, &t.turns[2], '2', 100, &evicted), SCHEDULER_ACCEPTED);
    assert_ptr_equal(scheduler_next(&t.scheduler, 100), &t.turns[2]);
    assert_int_equal(scheduler_rank(&t.scheduler, &t.turns[2]), 1);
    assert_int_equal(scheduler_push(&t.scheduler, &t.turns[3], '1', 100, &evicted), SCHEDULER_ACCEPTED);
    assert_ptr_equal(scheduler_next(&t.scheduler, 100), &t.turns[3]);
    assert_int_equal(scheduler_rank(&t.scheduler, &t.turns[3]), 3);
    for (unsigned i = 0; i < 4; i++)
        scheduler_leave(&t.scheduler, &t.turns[i], 100);
    for (unsigned i = 0; i < 2; i++) { /* the other key is long gone */
        scheduler_push(&t.scheduler, &t.turns[i], '1', 100 + SCHEDULER_SHARED_NS, &evicted);
        assert_ptr_equal(scheduler_next(&t.scheduler, 100 + SCHEDULER_SHARED_NS), &t.turns[i]);
    }
    assert_int_equal(scheduler_rank(&t.scheduler, &t.turns[1]), 1);
    scheduler_leave(&t.scheduler, &t.turns[0], 100 + SCHEDULER_SHARED_NS);
    scheduler_leave(&t.scheduler, &t.turns[1], 100 + SCHEDULER_SHARED_NS);
    scheduler_free(&t.scheduler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_turns),        cmocka_unit_test(tells_when), cmocka_unit_test(remembers_some),
        cmocka_unit_test(tells_of_long_ones), cmocka_unit_test(ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
