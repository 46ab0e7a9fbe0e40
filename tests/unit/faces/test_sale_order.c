/* Every order of events around a sale: a walk over all of them, and some as a readable table. */
#include "base/buf.h"
#include "faces/sale_order.h"
#include "unit.h"

#include <stdbool.h>
#include <string.h>

/* What has happened so far, as somebody sees it who has no part in it. */
struct history {
    struct order order;
    bool asked_to_verify, verified, ran, runs, asked, asked_twice, lost, settled, refused, claimed, released, consumed;
    bool over, gone;
};

static void check_actions(const struct history *now, unsigned actions, enum order_event event)
{
    bool shown = (actions & ORDER_END) != 0 && now->order.outcome == ORDER_PAID;

    if (shown && !now->gone)
        assert_true(now->settled && now->ran);
    if ((actions & ORDER_RUN) != 0)
        assert_true(now->claimed && event == ORDER_VALID && !now->runs && !now->gone);
    if ((actions & ORDER_SETTLE) != 0)
        assert_true(now->ran && !now->settled && !now->refused && !now->asked_twice && !now->released);
    if ((actions & ORDER_RELEASE) != 0)
        assert_true(now->claimed && !now->settled && !now->lost && !now->released && !now->consumed);
    if ((actions & ORDER_CONSUME) != 0)
        assert_true((now->settled || now->lost) && !now->released && !now->consumed);
    if ((actions & ORDER_END) != 0 && now->settled && !now->gone)
        assert_int_equal(now->order.outcome, ORDER_PAID);
    if (now->over)
        assert_int_equal(actions, 0);
}

/* The event as a history; only what was asked for can be answered. */
static void note(struct history *now, enum order_state before, enum order_event event)
{
    bool settling = before == ORDER_SETTLING || before == ORDER_SETTLING_AGAIN;

    now->claimed |= event == ORDER_CLAIMED && (before == ORDER_CLAIMING || before == ORDER_CLAIM_LEFT);
    now->ran |= event == ORDER_RAN && before == ORDER_RUNNING;
    now->settled |= event == ORDER_SETTLED && settling;
    now->refused |= event == ORDER_REFUSED && settling;
    now->lost |= event == ORDER_LOST && settling;
    now->gone |= event == ORDER_GONE;
}

static void walk(struct history now, unsigned depth, unsigned long *ways)
{
    if (depth == 0) {
        ++*ways;
        return;
    }
    for (enum order_event event = 0; event < ORDER_EVENTS; event++) {
        struct history next = now;
        enum order_state before = now.order.state;
        unsigned actions = order_step(&next.order, event);
        if (actions == 0 && next.order.state == before && event != ORDER_GONE)
            continue; /* it changes nothing, so the ways after it are those without it */
        if (event == ORDER_GONE && now.gone)
            continue;
        note(&next, before, event);
        check_actions(&next, actions, event);
        next.runs |= (actions & ORDER_RUN) != 0;
        next.asked_twice |= (actions & ORDER_SETTLE) != 0 && now.asked;
        next.asked |= (actions & ORDER_SETTLE) != 0;
        next.released |= (actions & ORDER_RELEASE) != 0;
        next.consumed |= (actions & ORDER_CONSUME) != 0;
        next.over |= (actions & ORDER_END) != 0;
        assert_int_equal(next.over, next.order.state == ORDER_OVER);
        walk(next, depth - 1, ways);
    }
    ++*ways;
}

static void test_every_order(void **state)
{
    unsigned long ways = 0;

    (void)state;
    walk((struct history){.order = {.state = ORDER_CLAIMING}}, 14, &ways);
    assert_in_range(ways, 100, 100000);
}

/* Letters of events and actions, so that a way reads as a line. */
static const char events[ORDER_EVENTS + 1] = "CTUFSNVIRXDELWG";

static void trace(const char *way, struct buf *out)
{
    static const struct {
        unsigned action;
        const char *word;
    } words[] = {
        {ORDER_CANCEL, "cancel "}, {ORDER_VERIFY, "verify "}, {ORDER_RUN, "run "},         {ORDER_MARK, "mark "},
        {ORDER_SETTLE, "settle "}, {ORDER_PAUSE, "pause "},   {ORDER_CONSUME, "consume "}, {ORDER_RELEASE, "release "},
    };
    static const char *const outcomes[ORDER_OUTCOMES] = {"paid",      "not run",    "repeated",   "replayed",
                                                         "under way", "not valid",  "unverified", "unsettled",
                                                         "doubtful",  "unavailable"};
    struct order order = {.state = ORDER_CLAIMING, .outcome = ORDER_UNAVAILABLE};

    buf_reset(out);
    for (; *way != '\0'; way++) {
        unsigned actions = order_step(&order, (enum order_event)(strchr(events, *way) - events));
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if ((actions & words[i].action) != 0)
                buf_puts(out, words[i].word);
        if ((actions & ORDER_END) != 0)
            buf_puts(out, outcomes[order.outcome]);
    }
}

/* C claimed, T repeats, U was consumed, F in flight, S stored, N not stored, V valid, I invalid, R ran, X not ran, D
 * settled, E refused, L lost, W waited, G gone. */
static void test_some_orders(void **state)
{
    static const struct {
        const char *way, *trace;
    } cases[] = {
        {"CVRSDS", "verify run mark settle consume paid"},
        {"CVRSDN", "verify run mark settle consume paid"},
        {"T", "repeated"},
        {"U", "replayed"},
        {"F", "under way"},
        {"N", "unavailable"},
        {"CIS", "verify release not valid"},
        {"CLS", "verify release unverified"},
        {"CVXS", "verify run release not run"},
        {"CVRNS", "verify run mark release unavailable"},
        {"CVRSES", "verify run mark settle release unsettled"},
        /* A facilitator that dies during a settlement. */
        {"CVRSLWDS", "verify run mark settle pause settle consume paid"},
        {"CVRSLWES", "verify run mark settle pause settle consume doubtful"},
        {"CVRSLWLS", "verify run mark settle pause settle consume doubtful"},
        /* One that answers twice, or answers what was not asked. */
        {"CVVRRSDDS", "verify run mark settle consume paid"},
        {"CVIRSDES", "verify run mark settle consume paid"},
        {"CDVRSEDS", "verify run mark settle release unsettled"},
        {"CVRSLDWDS", "verify run mark settle pause settle consume paid"},
        /* Clients that leave. */
        {"GC", "release "},
        {"CG", "verify cancel release "},
        {"CVG", "verify run release "},
        {"CVRGS", "verify run mark release "},
        {"CVRSGDS", "verify run mark settle consume paid"},
        {"CVRSGLWLS", "verify run mark settle pause settle consume doubtful"},
    };
    struct buf text;

    (void)state;
    buf_init(&text, 200);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trace(cases[i].way, &text);
        assert_string_equal(text.data, cases[i].trace);
    }
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_order),
        cmocka_unit_test(test_some_orders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
