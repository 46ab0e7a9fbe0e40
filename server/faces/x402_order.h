/* The order of events around one payment: which step may follow which event, so that no output is shown unpaid, and
 * nothing is paid for that was not run. Pure: x402_sale.c carries the actions out.
 *
 *   claiming ─ verifying ─ running ─ marking ─ settling ─ consuming ─ over: the output is shown
 *      │           │          │         │         ├ refused ─ releasing ─ over: 402
 *      │           └──────────┴─────────┴─ releasing ─ over: nothing was paid
 *      └ over: the payment was presented before       └ no answer ─ pausing ─ settling again ─ consuming
 *                                                                                 └ over: 402, the claim stays
 *
 * A claim is released only if the facilitator was never asked to settle, or if it has refused its first settlement. If
 * the first one got no answer, the money may have been taken, so that the payment must not be presented again. */
#ifndef CODECELL_FACES_X402_ORDER_H
#define CODECELL_FACES_X402_ORDER_H

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
    ORDER_CANCEL = 128, /* the call to the facilitator */
    ORDER_END = 256,    /* tells the outcome, unless the client is gone */
};

enum order_outcome {
    ORDER_PAID,        /* show the output */
    ORDER_NOT_RUN,     /* show why it did not run */
    ORDER_REPLAYED,    /* 409 consumed */
    ORDER_UNDER_WAY,   /* 409 inflight */
    ORDER_NOT_VALID,   /* 402 */
    ORDER_UNVERIFIED,  /* 502: the facilitator could not be asked */
    ORDER_UNSETTLED,   /* 402: the facilitator has refused the settlement */
    ORDER_DOUBTFUL,    /* 402: nobody knows whether the money was taken */
    ORDER_UNAVAILABLE, /* 503: the database */
    ORDER_OUTCOMES
};

struct order {
    enum order_state state;     /* at first ORDER_CLAIMING, whose claim its owner asks for */
    enum order_outcome outcome; /* of ORDER_END */
};

/* Takes an event and returns the actions, or'ed. An event that its state does not expect changes nothing. */
unsigned order_step(struct order *order, enum order_event event);

#endif
