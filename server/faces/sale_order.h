/* The order of events around one sale (sale.h): which step may follow which event, so that no output is shown unpaid,
 * and nothing is paid for that did not run. Pure: sale.c carries the actions out.
 *
 *   claiming ─ verifying ─ running ─ marking ─ settling ─ consuming ─ over: the output is shown
 *      │           │          │         │         ├ refused ─ releasing ─ over: 402
 *      │           └──────────┴─────────┴─ releasing ─ over: nothing was paid
 *      └ over: the payment was presented before       └ no answer ─ pausing ─ settling again ─ consuming ─ over
 *
 * What was claimed is released only if the facilitator was never asked to settle, or if it refused when it was asked
 * first. If its first answer was lost, the money may have been taken. Then the payment counts as consumed, also if the
 * second answer is no: otherwise one payment could pay for two runs, or be taken twice. */
#ifndef CODECELL_FACES_SALE_ORDER_H
#define CODECELL_FACES_SALE_ORDER_H

enum order_state {
    ORDER_CLAIMING,
    ORDER_CLAIM_LEFT, /* the client went while its payment was being claimed */
    ORDER_VERIFYING,
    ORDER_RUNNING,
    ORDER_MARKING,   /* the database marks that the settlement begins */
    ORDER_MARK_LEFT, /* the client went meanwhile */
    ORDER_SETTLING,
    ORDER_PAUSING, /* the settlement got no answer */
    ORDER_SETTLING_AGAIN,
    ORDER_CONSUMING,
    ORDER_RELEASING,
    ORDER_OVER,
    ORDER_STATES
};

enum order_event {
    ORDER_CLAIMED,
    ORDER_REPEATS,      /* the same request was sent before: it is under way, or its answer is there */
    ORDER_WAS_CONSUMED, /* an earlier request was paid with it */
    ORDER_IS_IN_FLIGHT, /* an earlier request has claimed it */
    ORDER_STORED,       /* the database did what it was asked for last */
    ORDER_NOT_STORED,
    ORDER_VALID,
    ORDER_INVALID,
    ORDER_RAN, /* to an answer that is paid for */
    ORDER_NOT_RAN,
    ORDER_SETTLED,
    ORDER_REFUSED,
    ORDER_LOST, /* no answer of the facilitator, or none that can be believed */
    ORDER_WAITED,
    ORDER_GONE, /* the client */
    ORDER_EVENTS
};

enum order_action {
    ORDER_VERIFY = 1,
    ORDER_RUN = 2,
    ORDER_MARK = 4,
    ORDER_SETTLE = 8,
    ORDER_PAUSE = 16,
    ORDER_CONSUME = 32,
    ORDER_RELEASE = 64,
    ORDER_CANCEL = 128, /* the question to the facilitator */
    ORDER_END = 256,    /* tells the outcome, unless the client is gone */
};

enum order_outcome {
    ORDER_PAID,        /* show the output */
    ORDER_NOT_RUN,     /* show why it did not run */
    ORDER_REPEATED,    /* the same request was sent before */
    ORDER_REPLAYED,    /* another request was paid with the payment */
    ORDER_UNDER_WAY,   /* another request has the payment in hand */
    ORDER_NOT_VALID,   /* the facilitator says so */
    ORDER_UNVERIFIED,  /* the facilitator could not be asked */
    ORDER_UNSETTLED,   /* the facilitator has refused the settlement */
    ORDER_DOUBTFUL,    /* it is not known whether the money was taken */
    ORDER_UNAVAILABLE, /* the database could not do it, or the key has too few credits */
    ORDER_OUTCOMES
};

struct order {
    enum order_state state;     /* at first ORDER_CLAIMING: its owner asks for the claim */
    enum order_outcome outcome; /* of ORDER_END */
};

/* Takes an event and returns the actions, or'ed. An event that its state does not expect changes nothing. */
unsigned order_step(struct order *order, enum order_event event);

#endif
