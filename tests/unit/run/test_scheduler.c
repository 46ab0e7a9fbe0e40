/* The queue of executions, as a trace of pushes, turns and departures. Keys are numbers, turns are letters. */
#include "run/scheduler.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

#define TURNS 26

struct table {
    struct scheduler scheduler;
    struct turn turns[TURNS];
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

/* "1a" pushes a for key 1; ">" gives turns until nobody may run; "!a" a leaves; the trace holds who got a turn, '#' for
 * a refusal, and '(x)' for an eviction. */
static void play(struct table *t, unsigned concurrency, unsigned queue, const char *script)
{
    memset(t, 0, sizeof *t);
    scheduler_init(&t->scheduler, concurrency, queue);
    for (const char *p = script; *p != '\0'; p++) {
        struct turn *turn, *evicted;

        if (*p == ' ')
            continue;
        if (*p == '>') {
            while ((turn = scheduler_next(&t->scheduler)) != NULL)
                note(t, letter(t, turn));
            continue;
        }
        struct turn *named = &t->turns[p[1] - 'a'];
        if (*p == '!') {
            scheduler_leave(&t->scheduler, named);
        } else if (scheduler_push(&t->scheduler, named, *p, &evicted) == SCHEDULER_FULL) {
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
            scheduler_leave(&t->scheduler, &t->turns[i]);
    assert_int_equal(t->scheduler.waiting, 0);
    assert_int_equal(t->scheduler.running, 0);
    scheduler_free(&t->scheduler);
}

static void gives_turns(void **state)
{
    static const struct {
        const char *what, *script, *trace;
        unsigned concurrency, queue;
    } cases[] = {
        {"first come, first served within a key", "1a1b1c >", "abc", 3, 9},
        {"no more than the concurrency", "1a1b1c >", "ab", 2, 9},
        {"a departure makes room", "1a1b1c > !a >", "abc", 2, 9},
        {"one that waits may leave", "1a1b1c > !b !a >", "ac", 1, 9},
        {"keys alternate", "1a1b1c2d2e >", "adbec", 5, 9},
        {"a newcomer comes before the many of another key", "1a1b1c1d > 2e !a >", "abe", 2, 9},
        {"the key with fewer running goes first", "1a1b1c > 2d2e !c >", "abcd", 3, 9},
        {"a full queue refuses its only key", "1a >1b1c1d", "a#", 1, 2},
        {"a queue of none takes what can run at once", "1a > 1b", "a#", 1, 0},
        {"the greediest key's newest makes room for another", "1a > 1b1c1d 2e !a >", "a(d)e", 1, 3},
        {"equal shares: the newcomer is refused", "1a > 1b2c 2d", "a#", 1, 2},
        {"a key of one more keeps its place", "1a > 1b1c2d 2e", "a#", 1, 3},
        {"nobody waits", ">", "", 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct table t;

        play(&t, cases[i].concurrency, cases[i].queue, cases[i].script);
        if (strcmp(t.trace, cases[i].trace) != 0)
            fail_msg("%s: %s gave %s, not %s", cases[i].what, cases[i].script, t.trace, cases[i].trace);
        end(&t);
    }
}

/* A key with a hundred waiting does not hold up the one program of each of ten others. */
static void is_fair(void **state)
{
    static struct turn greedy[100], modest[10];
    struct scheduler scheduler;
    struct turn *evicted, *running[2], *turn;
    unsigned served_modest = 0, turns = 0;

    (void)state;
    scheduler_init(&scheduler, 2, 1000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(scheduler_push(&scheduler, &greedy[i], 1, &evicted), SCHEDULER_ACCEPTED);
    running[0] = scheduler_next(&scheduler);
    running[1] = scheduler_next(&scheduler);
    for (int i = 0; i < 10; i++)
        assert_int_equal(scheduler_push(&scheduler, &modest[i], 100 + i, &evicted), SCHEDULER_ACCEPTED);
    while (served_modest < 10) {
        scheduler_leave(&scheduler, running[turns % 2]);
        turn = scheduler_next(&scheduler);
        running[turns++ % 2] = turn;
        served_modest += turn->key >= 100;
    }
    assert_true(turns <= 20);
    while (scheduler.running > 0) {
        scheduler_leave(&scheduler, running[turns % 2]);
        running[turns++ % 2] = scheduler_next(&scheduler);
        if (scheduler.waiting == 0) {
            scheduler_leave(&scheduler, running[0]);
            scheduler_leave(&scheduler, running[1]);
        }
    }
    scheduler_free(&scheduler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_turns),
        cmocka_unit_test(is_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
