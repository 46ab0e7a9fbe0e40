/* The way of one request: agent402_run -> the payment, if any, is read and compared -> the body is read -> sale_start
 * -> call_run -> run_start -> on_done -> the answer is encoded (a large one on a worker thread) -> sale_ran -> on_over
 * -> http_respond. A client that goes away ends the run, and the sale goes on as it must. */
#include "api/answers.h"
#include "api/api.h"
#include "api/execute.h"
#include "api/manners.h"
#include "api/pending.h"
#include "api/run.h"
#include "api/work.h"
#include "base/container_of.h"
#include "base/json.h"
#include "base/seam.h"
#include "base/text.h"
#include "faces/agent402.h"
#include "faces/sale.h"
#include "faces/till.h"
#include "http/http.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX (1u << 20) /* 50,000 characters take at most 600,000 bytes in JSON */
#define PAYING_S 40         /* that verifying and settling take at most */
#define QUEUE_S 50          /* that a payment is good for besides, so that a program may wait for its slot */

struct agent402_call {
    struct pending pending;
    struct api *api;
    const struct agent402_product *product;
    int64_t key_row, key_credits;
    struct execute_rules rules;
    struct execution_request request;
    struct x402_payment payment; /* until the sale has it */
    struct sale *sale;           /* NULL: not begun, or over */
    struct run *run;             /* NULL: not begun, or over */
    struct execute_answer answer;
    struct work work;
    bool encoding; /* a worker has the answer */
    int status;    /* of the program's end */
    const char *sentence;
    char *text; /* of the answer */
    size_t len;
    struct error error;
    struct http_claim claim;
};

static void call_free(struct agent402_call *call)
{
    request_free(&call->request);
    execute_answer_free(&call->answer);
    x402_payment_free(&call->payment);
    http_claim_close(&call->claim);
    free(call->text);
    free(call);
}

static void call_on_gone(struct pending *pending)
{
    struct agent402_call *call = container_of(pending, struct agent402_call, pending);

    if (call->sale != NULL)
        sale_leave(call->sale);
    call->sale = NULL;
    if (call->run != NULL)
        run_leave(call->run);
    if (!call->encoding)
        call_free(call);
}

/* Answers. */

static void respond_json(struct http_exchange *ex, int status, json_t *object)
{
    http_header_add(ex, "Cache-Control", "no-store, private");
    api_respond(ex, status, object);
}

/* A status that our own errors do not have. */
static void respond_status(struct http_exchange *ex, const struct agent402_product *product, int status,
                           const char *sentence)
{
    if (status == 503)
        http_header_add(ex, "Retry-After", "1");
    respond_json(ex, status, agent402_error(status < 500 ? product : NULL, sentence));
}

static void respond_replay(struct http_exchange *ex, const char *sentence, const char *reason)
{
    http_header_add(ex, "X-Payment-Replay", "%s", reason);
    respond_json(ex, 409, json_pack("{s:s, s:s}", "error", sentence, "reason", reason));
}

static struct x402_requirement requirement_of(const struct http_exchange *ex, const struct agent402_product *product)
{
    const struct till *till = api_of(ex)->till;
    const char *host = http_header(ex, "Host"), *proto = http_header(ex, "X-Forwarded-Proto");
    struct x402_requirement requirement = {.terms = &till->terms,
                                           .amount = api_manners_of(ex)->credits * till->credit,
                                           .seconds = product->seconds + PAYING_S + QUEUE_S,
                                           .about = product->about};

    snprintf(requirement.resource, sizeof requirement.resource, "%s://%.255s%.300s",
             proto != NULL && strcmp(proto, "https") == 0 ? "https" : "http",
             host != NULL && *host != '\0' ? host : "localhost", http_path(ex));
    return requirement;
}

static void respond_challenge(struct http_exchange *ex, const struct agent402_product *product, const char *sentence)
{
    const struct x402_requirement requirement = requirement_of(ex, product);
    char *header = x402_challenge_header(&requirement, sentence);

    if (header != NULL)
        http_header_add(ex, "PAYMENT-REQUIRED", "%s", header);
    free(header);
    respond_json(ex, 402, x402_challenge(&requirement, sentence));
}

/* The sale's end. */

static void respond_paid(struct http_exchange *ex, const struct agent402_call *call, char *text, size_t len,
                         const char *receipt, int version)
{
    if (version != 0 && receipt != NULL && *receipt != '\0')
        http_header_add(ex, x402_receipt_header(version), "%s", receipt);
    http_header_add(ex, "Cache-Control", "no-store, private");
    if (text != NULL)
        http_respond(ex, 200, "application/json", text, len);
    else
        respond_status(ex, call->product, 503, ERROR_MEMORY_SENTENCE);
}

static void respond_repeated(struct http_exchange *ex, const struct agent402_call *call, const struct sale_end *end)
{
    if (end->again == NULL) {
        if (end->conflict)
            respond_status(ex, call->product, 422, "Idempotency-Key: it came with another request before");
        else
            respond_replay(ex, "The same request is under way", "inflight");
        return;
    }
    char *text = malloc(end->again->body_len + 1);
    if (text != NULL)
        memcpy(text, end->again->body, end->again->body_len);
    http_header_add(ex, "X-Idempotent-Replay", "true");
    respond_paid(ex, call, text, end->again->body_len, end->again->headers, end->version);
}

static void respond_unavailable(struct http_exchange *ex, const struct agent402_call *call, const struct sale_end *end)
{
    if (end->code == ERROR_CREDITS)
        respond_json(ex, 402, agent402_key_refusal(ex, "Out of credits", "insufficient", call->key_credits));
    else
        respond_status(ex, call->product, 503, end->sentence);
}

static void respond_end(struct http_exchange *ex, struct agent402_call *call, const struct sale_end *end)
{
    char balance[TILL_DOLLARS_MAX];

    switch (end->outcome) {
    case ORDER_PAID:
        till_price(call->api->till, end->credits, balance);
        if (end->credits >= 0)
            http_header_add(ex, "X-Credits-Balance", "%s", balance + 1); /* without the dollar sign */
        respond_paid(ex, call, end->body, end->body_len, end->receipt, end->version);
        break;
    case ORDER_NOT_RUN:
        respond_status(ex, call->product, call->status, call->sentence);
        break;
    case ORDER_REPEATED:
        respond_repeated(ex, call, end);
        break;
    case ORDER_REPLAYED:
        respond_replay(ex, "The payment was used before", "consumed");
        break;
    case ORDER_UNDER_WAY:
        respond_replay(ex, "The payment is in use by another request", "inflight");
        break;
    case ORDER_UNVERIFIED:
        respond_status(ex, call->product, 502, end->sentence);
        break;
    case ORDER_UNAVAILABLE:
        respond_unavailable(ex, call, end);
        break;
    default: /* not valid, unsettled, doubtful */
        if (end->receipt != NULL)
            http_header_add(ex, x402_receipt_header(end->version), "%s", end->receipt);
        respond_challenge(ex, call->product, end->sentence);
    }
}

static void on_over(void *arg, const struct sale_end *end)
{
    struct agent402_call *call = arg;

    call->sale = NULL;
    if (end->outcome != ORDER_PAID)
        free(end->body);
    respond_end(pending_end(&call->pending), call, end);
    call_free(call);
}

/* The program's end. */

static void call_encode(struct work *work)
{
    struct agent402_call *call = container_of(work, struct agent402_call, work);

    call->status = agent402_answer(call->product, &call->answer, &call->text, &call->len, &call->sentence);
    execute_answer_drop(&call->answer);
}

static void call_encoded(struct work *work)
{
    struct agent402_call *call = container_of(work, struct agent402_call, work);
    char *text = call->text;

    call->encoding = false;
    call->text = NULL;
    if (call->pending.ex == NULL) {
        free(text);
        call_free(call);
    } else if (call->status == 200 && text != NULL) {
        sale_ran(call->sale, call->answer.language, text, call->len);
    } else {
        if (call->status == 200) {
            call->status = 503;
            call->sentence = ERROR_MEMORY_SENTENCE;
        }
        free(text);
        sale_not_ran(call->sale);
    }
}

static void on_done(void *arg, struct execution *execution)
{
    struct agent402_call *call = arg;

    execute_answer_take(&call->answer, execution);
    call->encoding = true;
    call->work = (struct work){.run = call_encode, .done = call_encoded};
    work_start(&call->work, call->api->loop, execute_answer_size(&call->answer));
}

static void on_refused(void *arg, enum error_code code, const char *sentence)
{
    struct agent402_call *call = arg;

    error_set(&call->error, code, "%s", sentence);
    call->status = error_status(code) == 500 ? 502 : error_status(code);
    call->sentence = code == ERROR_INTERNAL ? "Internal error" : call->error.text;
    sale_not_ran(call->sale);
}

static const struct execution_listener listener = {.collects = true, .on_done = on_done};

/* The sale has the credits already. */
static void call_run(void *arg)
{
    struct agent402_call *call = arg;
    struct run_options options = {
        .maxima = &call->rules.maxima, .listener = &listener, .refused = on_refused, .arg = call};

    run_options_of(&options, call->pending.ex);
    options.credits = 0;
    run_start(&call->run, call->api, &call->request, &options);
}

/* The request. */

/* False: it was answered. No payment header is the first request of each x402 client. */
static bool take_payment(struct agent402_call *call, struct http_exchange *ex)
{
    int version = http_header(ex, x402_payment_header(2)) != NULL ? 2 : 1;
    const char *header = http_header(ex, x402_payment_header(version));
    const struct x402_requirement requirement = requirement_of(ex, call->product);
    struct error *error = &call->error;

    if (call->api->till->facilitator == NULL)
        respond_status(ex, call->product, 503, AGENT402_NOT_SET_UP);
    else if (header == NULL)
        respond_challenge(ex, call->product, "Payment required");
    else if (x402_payment_read(&call->payment, version, header, error) != 0)
        respond_status(ex, call->product, error_status(error->code), error->text);
    else if (x402_payment_fits(&call->payment, &requirement, seam_wall_ms() / 1000, call->product->seconds + PAYING_S,
                               error) != 0)
        respond_challenge(ex, call->product, error->text);
    else
        return true;
    return false;
}

static void hash_more(EVP_MD_CTX *hash, const char *text, size_t len)
{
    EVP_DigestUpdate(hash, text != NULL ? text : "", text != NULL ? len : 0);
    EVP_DigestUpdate(hash, "", 1);
}

/* What must be the same in a repeated request. */
static int hash_request(unsigned char out[IDEMPOTENCY_HASH_LEN], const struct agent402_query *query, const char *body,
                        size_t len)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();

    if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(hash);
        return -1;
    }
    hash_more(hash, query->code, query->code != NULL ? strlen(query->code) : 0);
    hash_more(hash, query->language, query->language != NULL ? strlen(query->language) : 0);
    hash_more(hash, body, len);
    EVP_DigestFinal_ex(hash, out, NULL);
    EVP_MD_CTX_free(hash);
    return 0;
}

/* Reads the body, and its hash for an Idempotency-Key. 0, or -1: `call->error` says why. */
static int take_body(struct agent402_call *call, struct http_exchange *ex, unsigned char hash[IDEMPOTENCY_HASH_LEN])
{
    const struct agent402_query query = {.code = http_query(ex, "code"), .language = http_query(ex, "language")};
    size_t len;
    char *body = http_claim_body(ex, &call->claim, &len);
    int failed = -1;

    if (body == NULL)
        error_memory(&call->error);
    else if (len > BODY_MAX)
        error_set(&call->error, ERROR_TOO_LARGE, "The body must be at most %u bytes", BODY_MAX);
    else if (!http_claim_set(&call->claim, EXECUTE_READ_COST(len)))
        error_set(&call->error, ERROR_UNAVAILABLE, "The server holds too many bodies. Please try again later.");
    else if (hash_request(hash, &query, body, len) != 0)
        error_memory(&call->error);
    else
        failed = agent402_read(&call->request, call->product, &query, body, len, &call->rules, &call->error);
    free(body);
    return failed;
}

static bool idempotency_is_fine(const char *header)
{
    size_t len = header != NULL ? strlen(header) : 1;

    if (len < 1 || len > SALE_IDEMPOTENCY_MAX)
        return false;
    for (; header != NULL && *header != '\0'; header++)
        if (*header <= ' ' || *header > '~')
            return false;
    return true;
}

/* Sells what was read. False: it was answered. */
static bool call_sell(struct agent402_call *call, struct http_exchange *ex, const unsigned char *hash)
{
    bool pays = call->payment.object != NULL;
    struct sale_options options = {.till = call->api->till,
                                   .store = call->api->store,
                                   .key_row = call->key_row,
                                   .credits = pays || call->key_credits < 0 ? 0 : api_manners_of(ex)->credits,
                                   .payment = pays ? &call->payment : NULL,
                                   .requirement = requirement_of(ex, call->product),
                                   .idempotency = http_header(ex, "Idempotency-Key"),
                                   .route = call->product->slug,
                                   .run = call_run,
                                   .over = on_over,
                                   .arg = call};

    if (!idempotency_is_fine(options.idempotency)) {
        respond_status(ex, call->product, 400, "Idempotency-Key: must be 1 to 255 visible ASCII characters");
        return false;
    }
    memcpy(options.body_sha256, hash, IDEMPOTENCY_HASH_LEN);
    call->sale = sale_start(&options);
    if (call->sale == NULL)
        respond_status(ex, call->product, 503, ERROR_MEMORY_SENTENCE);
    else
        pending_begin(&call->pending, ex, call_on_gone);
    return call->sale != NULL;
}

static struct agent402_call *call_new(struct http_exchange *ex, const struct agent402_product *product)
{
    const struct api_caller *caller = api_caller(ex);
    struct agent402_call *call = calloc(1, sizeof *call);

    if (call == NULL)
        return NULL;
    call->api = api_of(ex);
    call->product = product;
    call->key_row = caller->key.row;
    call->key_credits = caller->key.credits;
    call->rules = execute_rules(call->api, &caller->key);
    return call;
}

void agent402_run(struct http_exchange *ex, const struct agent402_product *product)
{
    struct agent402_call *call = call_new(ex, product);
    unsigned char hash[IDEMPOTENCY_HASH_LEN];

    if (call == NULL) {
        respond_status(ex, product, 503, ERROR_MEMORY_SENTENCE);
        return;
    }
    if (api_caller(ex)->anonymous && !take_payment(call, ex)) {
        call_free(call);
        return;
    }
    if (take_body(call, ex, hash) != 0) {
        respond_status(ex, product, error_status(call->error.code), call->error.text);
        call_free(call);
        return;
    }
    if (!call_sell(call, ex, hash))
        call_free(call);
}
