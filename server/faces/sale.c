/* Callbacks record what happened and call sale_on(), which asks sale_order.h what comes next. At most one thing is
 * under way at a time: a job of the database, a question to the facilitator, a pause, or the run. */
#include "faces/sale.h"

#include "base/container_of.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/seam.h"
#include "base/text.h"
#include "store/credits.h"
#include "store/payments.h"
#include "store/usage.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERIFY_MS 10000u
#define SETTLE_MS 30000u
#define PAUSE_MS 2000u

struct sale {
    struct list node; /* in till->sales */
    struct sale_options options;
    struct x402_payment payment;
    struct order order;
    bool left; /* nobody listens */
    struct store_job job;
    struct facilitator_call *call; /* NULL: none */
    uv_timer_t pause;

    /* What the jobs found. */
    enum payment_outcome found;
    int64_t claim, reservation, credits_left;
    char idempotency[SALE_IDEMPOTENCY_MAX + 1]; /* its text in the database; "": none */
    enum idempotency_outcome repeats;
    int64_t idempotency_row; /* 0: none */
    struct idempotency_answer again;

    struct error error;
    char sentence[SALE_SENTENCE_MAX];
    char *receipt, *body;
    size_t body_len;
    char language[USAGE_LANGUAGE_MAX + 1]; /* that ran */
};

static void sale_on(struct sale *sale, enum order_event event);

static bool sale_is_x402(const struct sale *sale)
{
    return sale->payment.object != NULL;
}

/* The end. */

static void sale_free(uv_handle_t *timer)
{
    struct sale *sale = container_of((uv_timer_t *)timer, struct sale, pause);

    x402_payment_free(&sale->payment);
    idempotency_clear(&sale->again);
    free(sale->receipt);
    free(sale->body);
    free(sale);
}

static void sale_count(const struct sale *sale)
{
    static const char *const names[ORDER_OUTCOMES] = {"paid",      "not_run",    "repeated",   "replayed",
                                                      "under_way", "not_valid",  "unverified", "unsettled",
                                                      "doubtful",  "unavailable"};
    static const char *const labels[METRIC_LABELS_MAX + 1] = {"way", "outcome", NULL};
    const char *const values[METRIC_LABELS_MAX + 1] = {sale_is_x402(sale) ? "x402" : "credits",
                                                       names[sale->order.outcome], NULL};

    metric_add(metric_series(metric_family("codecell_sales_total", "Executions that were to be paid for, by their end.",
                                           METRIC_COUNTER, labels, NULL),
                             values),
               1);
}

/* The operator may have to look into it: the payer may have paid for nothing. */
static void log_doubt(const struct sale *sale)
{
    log_event(LOG_ERROR, "payment.doubtful", LOG_STR("network", sale->options.till->terms.network->id),
              LOG_STR("payer", sale->payment.from), LOG_STR("nonce", sale->payment.nonce),
              LOG_STR("amount", sale->payment.amount),
              LOG_STR("reason", "the facilitator did not say whether it has settled the payment"));
}

static void sale_end(struct sale *sale)
{
    const struct sale_options options = sale->options;
    bool answered = sale->repeats == IDEMPOTENCY_ANSWERED;
    struct sale_end end = {.outcome = sale->order.outcome,
                           .version = sale->payment.version,
                           .sentence = sale->sentence,
                           .code = sale->error.code,
                           .receipt = sale->receipt,
                           .credits = sale->credits_left,
                           .body = sale->body,
                           .body_len = sale->body_len,
                           .conflict = sale->repeats == IDEMPOTENCY_CONFLICT,
                           .again = answered ? &sale->again : NULL};

    list_forget(&sale->node);
    if (sale->order.outcome == ORDER_DOUBTFUL)
        log_doubt(sale);
    sale_count(sale);
    if (!sale->left) {
        sale->body = NULL;
        options.over(options.arg, &end);
    }
    uv_close((uv_handle_t *)&sale->pause, sale_free);
}

/* The database. */

static void sale_submit(struct sale *sale, int (*work)(struct db *db, struct store_job *job, struct error *error),
                        void (*done)(struct store_job *job, const struct error *error))
{
    sale->job = (struct store_job){.work = work, .done = done};
    store_submit(sale->options.store, &sale->job);
}

static void on_stored(struct store_job *job, const struct error *error)
{
    struct sale *sale = container_of(job, struct sale, job);

    if (error != NULL) {
        sale->error = *error;
        text_copy(sale->sentence, sizeof sale->sentence, error->text);
    }
    sale_on(sale, error == NULL ? ORDER_STORED : ORDER_NOT_STORED);
}

static int begin_idempotency(struct db *db, struct sale *sale, struct error *error)
{
    struct idempotency_request request = {
        .key_row = sale->options.key_row, .text = sale->idempotency, .route = sale->options.route};

    sale->repeats = IDEMPOTENCY_FRESH;
    if (*sale->idempotency == '\0')
        return 0;
    memcpy(request.body_sha256, sale->options.body_sha256, sizeof request.body_sha256);
    return idempotency_begin(db, &request, seam_wall_ms(), &sale->repeats, &sale->idempotency_row, &sale->again, error);
}

static int claim_payment(struct db *db, struct sale *sale, struct error *error)
{
    struct payment payment = {
        .valid_before_ms = sale->payment.valid_before < INT64_MAX / 1000 ? sale->payment.valid_before * 1000 : 0};

    text_copy(payment.network, sizeof payment.network, sale->options.till->terms.network->id);
    text_copy(payment.nonce, sizeof payment.nonce, sale->payment.nonce);
    if (payments_claim(db, &payment, seam_wall_ms(), &sale->found, &sale->claim, error) != 0)
        return -1;
    return sale->found == PAYMENT_FRESH ? 0 : idempotency_forget(db, sale->idempotency_row, error);
}

static int claim_work(struct db *db, struct store_job *job, struct error *error)
{
    struct sale *sale = container_of(job, struct sale, job);

    if (begin_idempotency(db, sale, error) != 0)
        return -1;
    if (sale->repeats != IDEMPOTENCY_FRESH)
        return 0;
    return sale_is_x402(sale)
               ? claim_payment(db, sale, error)
               : credits_reserve(db, sale->options.key_row, sale->options.credits, &sale->reservation, error);
}

static void on_claimed(struct store_job *job, const struct error *error)
{
    struct sale *sale = container_of(job, struct sale, job);

    if (error != NULL)
        on_stored(job, error);
    else if (sale->repeats != IDEMPOTENCY_FRESH)
        sale_on(sale, ORDER_REPEATS);
    else if (sale->found != PAYMENT_FRESH)
        sale_on(sale, sale->found == PAYMENT_CONSUMED ? ORDER_WAS_CONSUMED : ORDER_IS_IN_FLIGHT);
    else
        sale_on(sale, ORDER_CLAIMED);
}

static int mark_work(struct db *db, struct store_job *job, struct error *error)
{
    return payments_settle(db, container_of(job, struct sale, job)->claim, error);
}

/* Without it the answer is sent all the same, so its failure fails nothing. */
static void keep_answer(struct db *db, const struct sale *sale)
{
    char type[] = "application/json";
    const struct idempotency_answer answer = {.status = 200,
                                              .content_type = type,
                                              .headers = sale->receipt != NULL ? sale->receipt : (char[]){""},
                                              .body = sale->body,
                                              .body_len = sale->body_len};
    struct error ignored;

    if (sale->order.outcome != ORDER_PAID ||
        idempotency_finish(db, sale->idempotency_row, &answer, seam_wall_ms(), &ignored) != 0)
        idempotency_forget(db, sale->idempotency_row, &ignored);
}

static int consume_work(struct db *db, struct store_job *job, struct error *error)
{
    struct sale *sale = container_of(job, struct sale, job);

    if (sale->idempotency_row != 0)
        keep_answer(db, sale);
    if (sale_is_x402(sale))
        return payments_consume(db, sale->claim, error);
    return credits_take(db, sale->reservation, sale->language, error) != 0 || sale->options.credits == 0
               ? 0
               : credits_balance(db, sale->options.key_row, &sale->credits_left, error);
}

static int release_work(struct db *db, struct store_job *job, struct error *error)
{
    struct sale *sale = container_of(job, struct sale, job);

    if (idempotency_forget(db, sale->idempotency_row, error) != 0)
        return -1;
    return sale_is_x402(sale) ? payments_release(db, sale->claim, error)
                              : credits_give_back(db, sale->reservation, error);
}

/* The facilitator. */

static void on_verified(void *arg, int status, const json_t *answer)
{
    struct sale *sale = arg;
    char reason[X402_REASON_MAX + 1];
    enum x402_verdict verdict = x402_read_verify(status, answer, &sale->payment, reason);

    sale->call = NULL;
    if (verdict == X402_NO)
        snprintf(sale->sentence, sizeof sale->sentence, "The payment is not valid: %s", reason);
    else if (verdict == X402_LOST)
        text_copy(sale->sentence, sizeof sale->sentence, "The payment could not be verified. Please try again later.");
    sale_on(sale, verdict == X402_YES ? ORDER_VALID : verdict == X402_NO ? ORDER_INVALID : ORDER_LOST);
}

static void on_settled(void *arg, int status, const json_t *answer)
{
    struct sale *sale = arg;
    char reason[X402_REASON_MAX + 1];
    enum x402_verdict verdict = x402_read_settle(status, answer, &sale->payment, &sale->options.requirement, reason);

    sale->call = NULL;
    if (verdict == X402_LOST)
        text_copy(reason, sizeof reason, "settlement_unknown");
    free(sale->receipt);
    sale->receipt =
        x402_receipt(verdict == X402_YES ? answer : NULL, &sale->payment, &sale->options.requirement, reason);
    if (verdict != X402_YES)
        snprintf(sale->sentence, sizeof sale->sentence, "The payment was not settled: %s", reason);
    sale_on(sale, verdict == X402_YES ? ORDER_SETTLED : verdict == X402_NO ? ORDER_REFUSED : ORDER_LOST);
}

static void ask(struct sale *sale, const char *path, unsigned deadline_ms, facilitator_done *done)
{
    struct facilitator *facilitator = sale->options.till->facilitator;
    json_t *question = x402_question(&sale->payment, &sale->options.requirement);

    if (facilitator != NULL && question != NULL)
        sale->call = facilitator_ask(facilitator, path, question, deadline_ms, done, sale);
    json_decref(question);
    if (sale->call == NULL)
        done(sale, 0, NULL);
}

static void on_pause_over(uv_timer_t *timer)
{
    sale_on(container_of(timer, struct sale, pause), ORDER_WAITED);
}

/* What the order says. A key needs no facilitator. */

static void sale_verify(struct sale *sale)
{
    if (sale_is_x402(sale))
        ask(sale, "/verify", VERIFY_MS, on_verified);
    else
        sale_on(sale, ORDER_VALID);
}

static void sale_mark(struct sale *sale)
{
    if (sale_is_x402(sale))
        sale_submit(sale, mark_work, on_stored);
    else
        sale_on(sale, ORDER_STORED);
}

static void sale_settle(struct sale *sale)
{
    if (sale_is_x402(sale))
        ask(sale, "/settle", SETTLE_MS, on_settled);
    else
        sale_on(sale, ORDER_SETTLED);
}

static void sale_on(struct sale *sale, enum order_event event)
{
    unsigned actions = order_step(&sale->order, event);

    if ((actions & ORDER_CANCEL) != 0) {
        facilitator_cancel(sale->call);
        sale->call = NULL;
    }
    switch (actions & ~(unsigned)ORDER_CANCEL) {
    case ORDER_VERIFY:
        sale_verify(sale);
        break;
    case ORDER_RUN:
        sale->options.run(sale->options.arg);
        break;
    case ORDER_MARK:
        sale_mark(sale);
        break;
    case ORDER_SETTLE:
        sale_settle(sale);
        break;
    case ORDER_PAUSE:
        uv_timer_start(&sale->pause, on_pause_over, PAUSE_MS, 0);
        break;
    case ORDER_CONSUME:
        sale_submit(sale, consume_work, on_stored);
        break;
    case ORDER_RELEASE:
        sale_submit(sale, release_work, on_stored);
        break;
    case ORDER_END:
        sale_end(sale);
        break;
    default:
        break;
    }
}

/* The owner. */

/* An Idempotency-Key counts for one key's requests, and for one payment, because the payers share a key. */
static void name_idempotency(struct sale *sale, const char *header)
{
    unsigned char hash[IDEMPOTENCY_HASH_LEN];
    char both[SALE_IDEMPOTENCY_MAX + X402_NONCE_LEN + 2];

    if (header == NULL)
        return;
    if (!sale_is_x402(sale)) {
        text_copy(sale->idempotency, sizeof sale->idempotency, header);
        return;
    }
    int len = snprintf(both, sizeof both, "%s %s", sale->payment.nonce, header);
    EVP_Digest(both, (size_t)len, hash, NULL, EVP_sha256(), NULL);
    _Static_assert(IDEMPOTENCY_HASH_LEN * (size_t)2 < sizeof sale->idempotency, "a hash in hex fits");
    text_hex(hash, sizeof hash, sale->idempotency);
}

struct sale *sale_start(const struct sale_options *options)
{
    struct sale *sale = calloc(1, sizeof *sale);

    if (sale == NULL)
        return NULL;
    sale->options = *options;
    sale->order = (struct order){.state = ORDER_CLAIMING};
    sale->credits_left = -1;
    if (options->payment != NULL) {
        sale->payment = *options->payment;
        *options->payment = (struct x402_payment){.object = NULL};
    }
    name_idempotency(sale, options->idempotency);
    uv_timer_init(options->till->loop, &sale->pause);
    list_push(&options->till->sales, &sale->node);
    sale_submit(sale, claim_work, on_claimed);
    return sale;
}

void sale_ran(struct sale *sale, const char *language, char *body, size_t len)
{
    text_copy(sale->language, sizeof sale->language, language);
    sale->body = body;
    sale->body_len = len;
    sale_on(sale, ORDER_RAN);
}

void sale_not_ran(struct sale *sale)
{
    sale_on(sale, ORDER_NOT_RAN);
}

void sale_leave(struct sale *sale)
{
    sale->left = true;
    sale_on(sale, ORDER_GONE);
}

/* A sale that waits for the database goes on to its end. */
static void sale_abort(struct sale *sale)
{
    bool settles = sale->call != NULL || uv_is_active((uv_handle_t *)&sale->pause);

    list_remove(&sale->node);
    if (sale->call != NULL)
        facilitator_cancel(sale->call);
    if (!settles)
        return;
    log_doubt(sale);
    uv_close((uv_handle_t *)&sale->pause, sale_free);
}

void sale_abort_all(struct till *till)
{
    for (struct list *node; (node = list_first(&till->sales)) != NULL;)
        sale_abort(container_of(node, struct sale, node));
}
