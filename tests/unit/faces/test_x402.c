/* x402's texts: what is asked for, what a client pays with, and what a facilitator says. */
#include "base/json.h"
#include "base/text.h"
#include "faces/till.h"
#include "faces/x402.h"
#include "faces/x402_text.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define PAY_TO "0xabababababababababababababababababababab"
#define PAYER "0xCDcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
#define NONCE "0x00000000000000000000000000000000000000000000000000000000000000FF"
#define ASSET "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
#define NOW 1000000

static struct x402_terms terms;

static struct x402_requirement requirement(void)
{
    terms = (struct x402_terms){.network = x402_network_find("base-sepolia"),
                                .pay_to = PAY_TO,
                                .asset = ASSET,
                                .asset_name = "USDC",
                                .asset_version = "2"};
    return (struct x402_requirement){
        .terms = &terms, .amount = 20000, .seconds = 120, .about = "about", .resource = "http://h/api/code-run"};
}

static void assert_json(json_t *value, const char *text)
{
    size_t len;
    char *got = json_text(value, &len);

    assert_string_equal(got, text);
    free(got);
    json_decref(value);
}

#define TERMS_START "{\"scheme\":\"exact\",\"network\":"
#define TERMS_END                                                           \
    "\"payTo\":\"" PAY_TO "\",\"maxTimeoutSeconds\":120,\"asset\":\"" ASSET \
    "\",\"extra\":{\"name\":\"USDC\",\"version\":\"2\"}"

static void test_challenge(void **state)
{
    struct x402_requirement required = requirement();
    char text[2000];

    (void)state;
    assert_json(
        x402_challenge(&required, "why"),
        "{\"x402Version\":1,\"error\":\"why\",\"accepts\":[" TERMS_START
        "\"base-sepolia\",\"maxAmountRequired\":\"20000\"," TERMS_END
        ",\"resource\":\"http://h/api/code-run\",\"description\":\"about\",\"mimeType\":\"application/json\"}]}");
    char *header = x402_challenge_header(&required, "why");
    long len = text_base64_decode(header, strlen(header), text);
    assert_in_range(len, 1, sizeof text - 1);
    text[len] = '\0';
    assert_string_equal(text, "{\"x402Version\":2,\"error\":\"why\",\"resource\":{\"url\":\"http://h/api/code-run\","
                              "\"description\":\"about\",\"mimeType\":\"application/json\"},\"accepts\":[" TERMS_START
                              "\"eip155:84532\",\"amount\":\"20000\"," TERMS_END "}]}");
    free(header);
}

static void test_networks(void **state)
{
    (void)state;
    assert_ptr_equal(x402_network_find("base"), x402_network_find("eip155:8453"));
    assert_string_equal(x402_network_find("base")->asset_name, "USD Coin");
    assert_null(x402_network_find("Base"));
    assert_null(x402_network_find(""));
}

/* `path`: "payload.authorization.value". `value`: "-" leaves the member out. */
static void replace(json_t *object, const char *path, const char *value)
{
    const char *dot = strchr(path, '.');
    char name[40];

    if (dot != NULL) {
        text_copy(name, (size_t)(dot - path) + 1, path);
        replace(json_object_get(object, name), dot + 1, value);
    } else if (strcmp(value, "-") == 0) {
        json_object_del(object, path);
    } else {
        json_object_set_new(object, path, json_string(value));
    }
}

/* A payment of which one member was replaced; path NULL: none. */
static char *header_of(int version, const char *path, const char *value)
{
    json_t *whole =
        json_pack("{s:i, s:s, s:s, s:{s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s}}}", "x402Version", version, "scheme",
                  "exact", "network", "base-sepolia", "payload", "signature", "0x00", "authorization", "from", PAYER,
                  "to", PAY_TO, "value", "20000", "validAfter", "0", "validBefore", "1000100", "nonce", NONCE);

    if (version == 2)
        json_object_set_new(whole, "accepted",
                            json_pack("{s:s, s:s, s:s, s:s, s:s}", "scheme", "exact", "network", "eip155:84532",
                                      "amount", "20000", "payTo", PAY_TO, "asset", ASSET));
    if (path != NULL)
        replace(whole, path, value);
    char *text = x402_encode(whole);
    json_decref(whole);
    return text;
}

static void test_a_payment_is_read(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        struct x402_requirement required = requirement();
        struct x402_payment payment;
        struct error error = {0};
        char *header = header_of(version, NULL, NULL);
        assert_int_equal(x402_payment_read(&payment, version, header, &error), 0);
        assert_string_equal(payment.from, "0xcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd");
        assert_string_equal(payment.to, PAY_TO);
        assert_string_equal(payment.nonce, "0x00000000000000000000000000000000000000000000000000000000000000ff");
        assert_string_equal(payment.amount, "20000");
        assert_int_equal(payment.valid_before, 1000100);
        assert_int_equal(x402_payment_fits(&payment, &required, NOW, 100, &error), 0);
        x402_payment_free(&payment);
        assert_int_equal(x402_payment_read(&payment, 3 - version, header, &error), -1);
        assert_string_equal(strchr(error.text, ' '),
                            version == 1 ? " x402Version must be 2" : " x402Version must be 1");
        x402_payment_free(&payment);
        free(header);
    }
}

static void test_what_is_no_payment(void **state)
{
    static const struct {
        const char *path, *value, *sentence;
    } cases[] = {
        {"x402Version", "1", "X-PAYMENT: x402Version must be 1"},
        {"payload", "-", "X-PAYMENT: payload.signature must be a string"},
        {"payload.signature", "-", "X-PAYMENT: payload.signature must be a string"},
        {"payload.authorization", "-", "X-PAYMENT: payload.authorization must have from, to and nonce in hex"},
        {"payload.authorization.from", "0x12", "X-PAYMENT: payload.authorization must have from, to and nonce in hex"},
        {"payload.authorization.from", "-", "X-PAYMENT: payload.authorization must have from, to and nonce in hex"},
        {"payload.authorization.to", "0xgbababababababababababababababababababab",
         "X-PAYMENT: payload.authorization must have from, to and nonce in hex"},
        {"payload.authorization.nonce", NONCE "0",
         "X-PAYMENT: payload.authorization must have from, to and nonce in hex"},
        {"payload.authorization.value", "-", "X-PAYMENT: payload.authorization.value must be a string of digits"},
        {"payload.authorization.value", "123456789012345678901",
         "X-PAYMENT: payload.authorization.value must be a string of digits"},
        {"payload.authorization.validBefore", "soon",
         "X-PAYMENT: payload.authorization must have validAfter and validBefore in Unix seconds"},
        {"payload.authorization.validBefore", "1234567890123456789",
         "X-PAYMENT: payload.authorization must have validAfter and validBefore in Unix seconds"},
        {"payload.authorization.validAfter", "-1",
         "X-PAYMENT: payload.authorization must have validAfter and validBefore in Unix seconds"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct x402_payment payment;
        struct error error = {0};
        char *header = header_of(1, cases[i].path, cases[i].value);
        assert_int_equal(x402_payment_read(&payment, 1, header, &error), -1);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, cases[i].sentence);
        x402_payment_free(&payment);
        free(header);
    }
}

static void test_a_header_is_bounded_before_it_is_decoded(void **state)
{
    static char header[X402_HEADER_MAX + 2];
    struct x402_payment payment;
    struct error error = {0};

    (void)state;
    memset(header, 'A', sizeof header - 1);
    assert_int_equal(x402_payment_read(&payment, 2, header, &error), -1);
    assert_string_equal(error.text, "PAYMENT-SIGNATURE: must be at most 8192 bytes");
    header[X402_HEADER_MAX] = '\0';
    assert_int_equal(x402_payment_read(&payment, 2, header, &error), -1);
    assert_string_equal(error.text, "PAYMENT-SIGNATURE: must be a JSON object in base64");
    assert_int_equal(x402_payment_read(&payment, 2, "", &error), -1);
    assert_string_equal(error.text, "PAYMENT-SIGNATURE: must be a JSON object in base64");
}

static void test_what_does_not_fit(void **state)
{
    static const struct {
        int version;
        const char *path, *value, *sentence;
    } cases[] = {
        {1, "scheme", "upto", "The payment's scheme must be exact"},
        {1, "network", "base", "The payment's network must be base-sepolia"},
        {1, "network", "eip155:84532", "The payment's network must be base-sepolia"},
        {1, "payload.authorization.to", PAYER, "The payment's recipient must be " PAY_TO},
        {1, "payload.authorization.value", "19999", "The payment's value must be 20000"},
        {1, "payload.authorization.value", "20001", "The payment's value must be 20000"},
        {1, "payload.authorization.value", "020000", "The payment's value must be 20000"},
        {1, "payload.authorization.validAfter", "1000006", "The payment is not valid yet"},
        {1, "payload.authorization.validBefore", "1000099", "The payment must be valid for at least 100 seconds"},
        {2, "accepted", "-", "The payment's scheme must be exact"},
        {2, "accepted.scheme", "upto", "The payment's scheme must be exact"},
        {2, "accepted.network", "base-sepolia", "The payment's network must be eip155:84532"},
        {2, "accepted.asset", PAYER, "The payment's asset must be " ASSET},
        {2, "accepted.payTo", PAYER, "The payment's payTo must be " PAY_TO},
        {2, "accepted.amount", "1", "The payment's amount must be 20000"},
        {2, "payload.authorization.value", "1", "The payment's value must be 20000"},
        {2, "payload.authorization.to", PAYER, "The payment's recipient must be " PAY_TO},
    };
    struct x402_requirement required = requirement();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct x402_payment payment;
        struct error error = {0};
        char *header = header_of(cases[i].version, cases[i].path, cases[i].value);
        assert_int_equal(x402_payment_read(&payment, cases[i].version, header, &error), 0);
        assert_int_equal(x402_payment_fits(&payment, &required, NOW, 100, &error), -1);
        assert_int_equal(error.code, ERROR_CREDITS);
        assert_string_equal(error.text, cases[i].sentence);
        x402_payment_free(&payment);
        free(header);
    }
}

static void test_what_a_facilitator_says(void **state)
{
    static const struct {
        bool settles;
        int status;
        const char *answer;
        enum x402_verdict verdict;
        const char *reason;
    } cases[] = {
        {false, 200, "{\"isValid\": true, \"payer\": \"" PAYER "\"}", X402_YES, "no reason given"},
        {false, 200, "{\"isValid\": true}", X402_YES, "no reason given"},
        {false, 200, "{\"isValid\": true, \"payer\": \"" PAY_TO "\"}", X402_LOST, "no reason given"},
        {false, 200, "{\"isValid\": true, \"payer\": 7}", X402_LOST, "no reason given"},
        {false, 200, "{\"isValid\": 1}", X402_LOST, "no reason given"},
        {false, 201, "{\"isValid\": true}", X402_LOST, "no reason given"},
        {false, 0, "null", X402_LOST, "no reason given"},
        {false, 200, "[]", X402_LOST, "no reason given"},
        {false, 200, "{\"isValid\": false, \"invalidReason\": \"a\\nb\\u00e9\"}", X402_NO, "a?b??"},
        {false, 400, "{\"isValid\": false}", X402_NO, "no reason given"},
        {false, 500, "{\"isValid\": false}", X402_LOST, "no reason given"},
        {true, 200, "{\"success\": true, \"transaction\": \"0x1\", \"network\": \"base-sepolia\"}", X402_YES,
         "no reason given"},
        {true, 200, "{\"success\": true, \"transaction\": \"0x1\", \"network\": \"eip155:84532\"}", X402_YES,
         "no reason given"},
        {true, 200, "{\"success\": true, \"transaction\": \"0x1\", \"network\": \"base\"}", X402_LOST,
         "no reason given"},
        {true, 200, "{\"success\": true, \"transaction\": \"0x1\"}", X402_LOST, "no reason given"},
        {true, 200, "{\"success\": true, \"transaction\": \"\", \"network\": \"base-sepolia\"}", X402_LOST,
         "no reason given"},
        {true, 200,
         "{\"success\": true, \"transaction\": \"0x1\", \"network\": \"base-sepolia\", \"payer\": \"" PAY_TO "\"}",
         X402_LOST, "no reason given"},
        {true, 200, "{\"success\": false, \"errorReason\": \"insufficient_funds\"}", X402_NO, "insufficient_funds"},
        {true, 502, "{\"success\": false}", X402_LOST, "no reason given"},
        {true, 0, "null", X402_LOST, "no reason given"},
    };
    struct x402_requirement required = requirement();
    struct x402_payment payment;
    struct error error = {0};
    char *header = header_of(1, NULL, NULL);

    (void)state;
    assert_int_equal(x402_payment_read(&payment, 1, header, &error), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *answer = json_parse(cases[i].answer, strlen(cases[i].answer), &error);
        char reason[X402_REASON_MAX + 1];
        enum x402_verdict verdict = cases[i].settles
                                        ? x402_read_settle(cases[i].status, answer, &payment, &required, reason)
                                        : x402_read_verify(cases[i].status, answer, &payment, reason);
        assert_int_equal(verdict, cases[i].verdict);
        assert_string_equal(reason, cases[i].reason);
        json_decref(answer);
    }
    x402_payment_free(&payment);
    free(header);
}

static void test_prices(void **state)
{
    static const struct {
        int64_t credit, credits;
        const char *price;
    } cases[] = {
        {10000, 2, "$0.02"}, {10000, 5, "$0.05"},     {10000, 100, "$1.00"},  {10000, 0, "$0.00"},
        {1, 1, "$0.000001"}, {1000000, 12, "$12.00"}, {12345, 2, "$0.02469"}, {100000, 1, "$0.10"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct till till = {.credit = cases[i].credit};
        char text[TILL_DOLLARS_MAX];
        till_price(&till, cases[i].credits, text);
        assert_string_equal(text, cases[i].price);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenge),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_a_payment_is_read),
        cmocka_unit_test(test_what_is_no_payment),
        cmocka_unit_test(test_a_header_is_bounded_before_it_is_decoded),
        cmocka_unit_test(test_what_does_not_fit),
        cmocka_unit_test(test_what_a_facilitator_says),
        cmocka_unit_test(test_prices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
