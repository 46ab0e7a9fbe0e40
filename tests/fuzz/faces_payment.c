/* A payment's header of either version of x402, and after a NUL the facilitator's answer: each is read or refused with
 * a sentence, and what was read holds. */
#include "checks.h"

#include "base/json.h"
#include "faces/x402.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct x402_terms terms = {.pay_to = "0xabababababababababababababababababababab",
                                        .asset = "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
                                        .asset_name = "USDC",
                                        .asset_version = "2"};

static void check_hex(const char *text, size_t len)
{
    must(strlen(text) == len && text[strspn(text, "0123456789abcdefx")] == '\0');
}

static void check_answer(const struct x402_payment *payment, const struct x402_requirement *requirement,
                         const char *text, size_t len)
{
    char reason[X402_REASON_MAX + 1];
    struct error error;
    json_t *answer = json_parse(text, len, &error);

    x402_read_verify(200, answer, payment, reason);
    if (x402_read_settle(200, answer, payment, requirement, reason) == X402_YES) {
        char *receipt = x402_receipt(answer, payment, requirement, reason);
        must(receipt != NULL && strlen(receipt) < 2048); /* it goes into a header */
        free(receipt);
    }
    must(strlen(reason) > 0);
    json_decref(answer);
}

static void check_payment(const struct x402_payment *payment, const char *answer, size_t len)
{
    struct x402_terms ours = terms;
    struct x402_requirement requirement = {.terms = &ours, .amount = 20000, .seconds = 120, .about = "about"};
    struct error error = {0};

    ours.network = x402_network_find("base-sepolia");
    check_hex(payment->from, X402_ADDRESS_LEN);
    check_hex(payment->to, X402_ADDRESS_LEN);
    check_hex(payment->nonce, X402_NONCE_LEN);
    must(payment->valid_after >= 0 && payment->valid_before >= 0);
    if (x402_payment_fits(payment, &requirement, 1000, 100, &error) == 0)
        must(strcmp(payment->amount, "20000") == 0 && payment->valid_before >= 1100);
    else
        must(error.code == ERROR_CREDITS);
    json_t *question = x402_question(payment, &requirement);
    must(question != NULL);
    json_decref(question);
    check_answer(payment, &requirement, answer, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct x402_payment payment;
    struct error error = {0};

    if (size == 0)
        return 0;
    char *text = malloc(size);
    must(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    size_t len = strlen(text), answer = len + 1 < size ? len + 1 : size - 1;
    if (x402_payment_read(&payment, 1 + data[0] % 2, text, &error) == 0)
        check_payment(&payment, text + answer, size - 1 - answer);
    else
        check_error(&error);
    x402_payment_free(&payment);
    free(text);
    return 0;
}
