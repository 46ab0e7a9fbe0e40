/* What a client pays with, and what the facilitator says of it. Nothing here believes either: each value is compared
 * with our own requirement. */
#include "base/json.h"
#include "base/text.h"
#include "faces/x402.h"
#include "faces/x402_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SKEW_S 5            /* that the payer's clock may be ahead of ours */
#define TRANSACTION_MAX 200 /* bytes of a transaction's name, which receipts repeat */

const char *x402_payment_header(int version)
{
    return version == 1 ? "X-PAYMENT" : "PAYMENT-SIGNATURE";
}

const char *x402_receipt_header(int version)
{
    return version == 1 ? "X-PAYMENT-RESPONSE" : "PAYMENT-RESPONSE";
}

/* Reading. */

static json_t *header_object(const char *header, const char *name, struct error *error)
{
    size_t len = strlen(header);
    struct error why;
    json_t *object = NULL;

    if (len > X402_HEADER_MAX) {
        error_set(error, ERROR_INVALID, "%s: must be at most %d bytes", name, X402_HEADER_MAX);
        return NULL;
    }
    char *text = malloc(len + 1);
    if (text == NULL) {
        error_memory(error);
        return NULL;
    }
    long bytes = text_base64_decode(header, len, text);
    if (bytes > 0)
        object = json_parse(text, (size_t)bytes, &why);
    free(text);
    if (json_is_object(object))
        return object;
    json_decref(object);
    error_set(error, ERROR_INVALID, "%s: must be a JSON object in base64", name);
    return NULL;
}

static const char *member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);

    return text != NULL && strlen(text) == json_string_length(value) ? text : NULL;
}

/* A whole number of at most X402_AMOUNT_MAX - 2 digits, as a string or, from some clients, as a number. -1: none. */
static int64_t seconds_of(const json_t *value)
{
    const char *text = json_string_value(value);
    int64_t number = -1;

    if (json_is_integer(value))
        return json_integer_value(value);
    if (text == NULL || *text == '\0' || strlen(text) > X402_AMOUNT_MAX - 2 || text[strspn(text, "0123456789")] != '\0')
        return -1;
    number = strtoll(text, NULL, 10);
    return number;
}

static int wrong(struct error *error, int version, const char *what)
{
    return error_set(error, ERROR_INVALID, "%s: %s", x402_payment_header(version), what);
}

static int read_authorization(struct x402_payment *payment, const json_t *authorization, struct error *error)
{
    const char *amount = member(authorization, "value");

    if (x402_hex_lower(member(authorization, "from"), X402_ADDRESS_LEN, payment->from) != 0 ||
        x402_hex_lower(member(authorization, "to"), X402_ADDRESS_LEN, payment->to) != 0 ||
        x402_hex_lower(member(authorization, "nonce"), X402_NONCE_LEN, payment->nonce) != 0)
        return wrong(error, payment->version, "payload.authorization must have from, to and nonce in hex");
    if (amount == NULL || strlen(amount) > X402_AMOUNT_MAX)
        return wrong(error, payment->version, "payload.authorization.value must be a string of digits");
    text_copy(payment->amount, sizeof payment->amount, amount);
    payment->valid_after = seconds_of(json_object_get(authorization, "validAfter"));
    payment->valid_before = seconds_of(json_object_get(authorization, "validBefore"));
    if (payment->valid_after < 0 || payment->valid_before < 0)
        return wrong(error, payment->version,
                     "payload.authorization must have validAfter and validBefore in Unix seconds");
    return 0;
}

int x402_payment_read(struct x402_payment *payment, int version, const char *header, struct error *error)
{
    *payment = (struct x402_payment){.version = version};
    payment->object = header_object(header, x402_payment_header(version), error);
    if (payment->object == NULL)
        return -1;
    if (json_integer_value(json_object_get(payment->object, "x402Version")) != version)
        return wrong(error, version, version == 1 ? "x402Version must be 1" : "x402Version must be 2");
    const json_t *payload = json_object_get(payment->object, "payload");
    if (member(payload, "signature") == NULL)
        return wrong(error, version, "payload.signature must be a string");
    return read_authorization(payment, json_object_get(payload, "authorization"), error);
}

void x402_payment_free(struct x402_payment *payment)
{
    json_decref(payment->object);
    payment->object = NULL;
}

/* Comparing. */

static int differs(struct error *error, const char *what, const char *wanted)
{
    return error_set(error, ERROR_CREDITS, "The payment's %s must be %s", what, wanted);
}

/* What the client says that it accepts. Version 2 repeats the whole entry, and version 1 the scheme and network. */
static int accepted_fits(const struct x402_payment *payment, const struct x402_requirement *requirement,
                         const char *amount, struct error *error)
{
    const struct x402_terms *terms = requirement->terms;
    const json_t *said = payment->version == 1 ? payment->object : json_object_get(payment->object, "accepted");
    const char *network = payment->version == 1 ? terms->network->name : terms->network->id;
    const char *scheme = member(said, "scheme"), *said_network = member(said, "network");

    if (scheme == NULL || strcmp(scheme, "exact") != 0)
        return differs(error, "scheme", "exact");
    if (said_network == NULL || strcmp(said_network, network) != 0)
        return differs(error, "network", network);
    if (payment->version == 1)
        return 0;
    const char *asset = member(said, "asset"), *pay_to = member(said, "payTo"), *said_amount = member(said, "amount");
    if (asset == NULL || strcasecmp(asset, terms->asset) != 0)
        return differs(error, "asset", terms->asset);
    if (pay_to == NULL || strcasecmp(pay_to, terms->pay_to) != 0)
        return differs(error, "payTo", terms->pay_to);
    return said_amount != NULL && strcmp(said_amount, amount) == 0 ? 0 : differs(error, "amount", amount);
}

int x402_payment_fits(const struct x402_payment *payment, const struct x402_requirement *requirement, int64_t now,
                      int64_t seconds, struct error *error)
{
    char amount[X402_AMOUNT_MAX + 1];

    snprintf(amount, sizeof amount, "%lld", (long long)requirement->amount);
    if (accepted_fits(payment, requirement, amount, error) != 0)
        return -1;
    if (strcasecmp(payment->to, requirement->terms->pay_to) != 0)
        return differs(error, "recipient", requirement->terms->pay_to);
    if (strcmp(payment->amount, amount) != 0)
        return differs(error, "value", amount);
    if (payment->valid_after > now + SKEW_S)
        return error_set(error, ERROR_CREDITS, "The payment is not valid yet");
    if (payment->valid_before < now + seconds)
        return error_set(error, ERROR_CREDITS, "The payment must be valid for at least %lld seconds",
                         (long long)seconds);
    return 0;
}

/* The facilitator's answers. */

static void read_reason(const json_t *answer, const char *name, char reason[X402_REASON_MAX + 1])
{
    const char *said = member(answer, name);
    size_t len = 0;

    for (; said != NULL && said[len] != '\0' && len < X402_REASON_MAX; len++)
        reason[len] = said[len] >= ' ' && said[len] <= '~' ? said[len] : '?';
    reason[len] = '\0';
    if (len == 0)
        text_copy(reason, X402_REASON_MAX + 1, "no reason given");
}

/* An answer that names a payer must name ours. */
static bool payer_fits(const json_t *answer, const struct x402_payment *payment)
{
    const json_t *value = json_object_get(answer, "payer");
    const char *payer = member(answer, "payer");

    return value == NULL || json_is_null(value) || (payer != NULL && strcasecmp(payer, payment->from) == 0);
}

enum x402_verdict x402_read_verify(int status, const json_t *answer, const struct x402_payment *payment,
                                   char reason[X402_REASON_MAX + 1])
{
    const json_t *valid = json_object_get(answer, "isValid");

    read_reason(answer, "invalidReason", reason);
    if (status >= 200 && status < 500 && json_is_false(valid))
        return X402_NO;
    return status == 200 && json_is_true(valid) && payer_fits(answer, payment) ? X402_YES : X402_LOST;
}

static bool network_fits(const json_t *answer, const struct x402_requirement *requirement)
{
    const struct x402_network *network = requirement->terms->network;
    const char *said = member(answer, "network");

    return said != NULL && (strcmp(said, network->name) == 0 || strcmp(said, network->id) == 0);
}

enum x402_verdict x402_read_settle(int status, const json_t *answer, const struct x402_payment *payment,
                                   const struct x402_requirement *requirement, char reason[X402_REASON_MAX + 1])
{
    const json_t *success = json_object_get(answer, "success");
    const char *transaction = member(answer, "transaction");

    read_reason(answer, "errorReason", reason);
    if (status >= 200 && status < 500 && json_is_false(success))
        return X402_NO;
    if (status == 200 && json_is_true(success) && payer_fits(answer, payment) && network_fits(answer, requirement) &&
        transaction != NULL && *transaction != '\0' && strlen(transaction) <= TRANSACTION_MAX)
        return X402_YES;
    return X402_LOST;
}

char *x402_receipt(const json_t *settled, const struct x402_payment *payment,
                   const struct x402_requirement *requirement, const char *reason)
{
    const struct x402_network *network = requirement->terms->network;
    json_t *receipt = json_pack("{s:b, s:s, s:s, s:s}", "success", settled != NULL, "transaction",
                                settled != NULL ? member(settled, "transaction") : "", "network",
                                payment->version == 1 ? network->name : network->id, "payer", payment->from);

    if (settled == NULL && receipt != NULL)
        json_object_set_new(receipt, "errorReason", json_string(reason));
    char *text = x402_encode(receipt);
    json_decref(receipt);
    return text;
}
