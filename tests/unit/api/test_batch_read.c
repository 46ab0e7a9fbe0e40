/* The body of a batch: each item as if alone, and the sentence that names the first wrong one. */
#include "api/batch_read.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct execution_request requests[BATCH_MAX];
static size_t count;
static struct error failure;

static int read_text(const char *text)
{
    const struct execute_rules rules = {
        .max_code = 100, .max_stdin = 100, .max_timeout = 300, .maxima = {.output_kb = 16384}};
    size_t len = strlen(text), cost = 0;
    char *copy = strdup(text);
    memset(requests, 0, sizeof requests);
    failure = (struct error){.code = ERROR_NONE};
    int result = batch_read(requests, &count, copy, len, &rules, &cost, &failure);
    assert_true(result != 0 || cost > 0);
    free(copy);
    return result;
}

static void drop(void)
{
    for (size_t i = 0; i < BATCH_MAX; i++)
        request_free(&requests[i]);
}

static void reads_each_item(void **state)
{
    (void)state;
    assert_int_equal(
        read_text("[{\"code\":\"a\",\"language\":\"c\",\"timeout\":2},{\"code\":\"bc\",\"language\":\"d\",\"x\":1}]"),
        0);
    assert_int_equal(count, 2);
    assert_string_equal(requests[0].code, "a");
    assert_int_equal(requests[0].timeout_ms, 2000);
    assert_int_equal(requests[0].warnings_len, 0);
    request_free(&requests[0]); /* the other one goes on */
    assert_string_equal(requests[1].code, "bc");
    assert_string_equal(requests[1].language_name, "d");
    assert_int_equal(requests[1].timeout_ms, 30000);
    assert_string_equal(requests[1].warnings[0], "unknown field: x");
    drop();
}

static void says_what_is_wrong(void **state)
{
    (void)state;
#define GOOD "{\"code\":\"a\",\"language\":\"c\"}"
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"[]", "the body must be an array of 1 to 10 requests"},
        {"{}", "the body must be an array of 1 to 10 requests"},
        {"7", "the body must be an array of 1 to 10 requests"},
        {"[" GOOD ",7]", "[1]: must be an object"},
        {"[" GOOD ",[]]", "[1]: must be an object"},
        {"[{}]", "[0].code: is required"},
        {"[" GOOD ",{\"code\":\"a\",\"language\":\"c\",\"timeout\":301}]",
         "[1].timeout: must be an integer from 1 to 300"},
        {"[" GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "," GOOD "]",
         "Maximum 10 executions allowed in a batch"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_text(cases[i].text), -1);
        assert_int_equal(failure.code, ERROR_INVALID);
        assert_string_equal(failure.text, cases[i].sentence);
        drop();
    }
}

static void joins_a_number_and_a_sentence(void **state)
{
    (void)state;
    assert_string_equal(batch_joint("limits.cpu: must be less"), ".");
    assert_string_equal(batch_joint("Unsupported language: x"), ": ");
    assert_string_equal(batch_joint(""), ": ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_item),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(joins_a_number_and_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
