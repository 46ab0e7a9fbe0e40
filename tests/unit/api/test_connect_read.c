/* A client's messages on a WebSocket: what each says, and what is wrong with it. */
#include "api/connect_read.h"

#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int reads(const char *text, struct connect_message *message, struct error *error)
{
    char *copy = strdup(text);

    assert_non_null(copy);
    *message = (struct connect_message){.type = -1};
    int result = connect_read(message, copy, strlen(copy), error);
    free(copy);
    return result;
}

static void test_what_they_say(void **state)
{
    (void)state;
    struct connect_message message;
    struct error error;
    assert_int_equal(reads("{\"type\": \"key\", \"key\": \"cc_x\", \"more\": 1}", &message, &error), 0);
    assert_int_equal(message.type, CONNECT_KEY);
    assert_string_equal(message.key, "cc_x");
    connect_message_free(&message);
    assert_int_equal(reads("{\"data\": \"a\\u0000b\", \"type\": \"stdin\", \"encoding\": null}", &message, &error), 0);
    assert_int_equal(message.type, CONNECT_STDIN);
    assert_int_equal(message.data_len, 3);
    assert_memory_equal(message.data, "a\0b", 3);
    connect_message_free(&message);
    assert_int_equal(reads("{\"type\": \"stdin\", \"data\": \"AAH/\", \"encoding\": \"base64\"}", &message, &error), 0);
    assert_int_equal(message.data_len, 3);
    assert_memory_equal(message.data, "\0\1\xff", 3);
    connect_message_free(&message);
    assert_int_equal(reads("{\"type\": \"eof\"}", &message, &error), 0);
    assert_int_equal(message.type, CONNECT_EOF);
    connect_message_free(&message);
    assert_int_equal(reads("{\"type\": \"resize\", \"columns\": 1, \"rows\": 1000}", &message, &error), 0);
    assert_int_equal(message.columns, 1);
    assert_int_equal(message.rows, 1000);
    connect_message_free(&message);
}

static void test_signals(void **state)
{
    static const struct {
        const char *name;
        uint32_t number;
    } table[] = {{"SIGINT", SIGINT},   {"SIGTERM", SIGTERM}, {"SIGKILL", SIGKILL}, {"SIGHUP", SIGHUP},
                 {"SIGUSR1", SIGUSR1}, {"SIGUSR2", SIGUSR2}, {"SIGQUIT", SIGQUIT}, {"SIGWINCH", SIGWINCH}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct connect_message message;
        struct error error;
        char text[64];
        snprintf(text, sizeof text, "{\"type\": \"signal\", \"signal\": \"%s\"}", table[i].name);
        assert_int_equal(reads(text, &message, &error), 0);
        assert_int_equal(message.number, table[i].number);
        connect_message_free(&message);
    }
}

static void test_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *sentence;
    } table[] = {
        {"{", "malformed JSON"},
        {"[]", "a message must be a JSON object"},
        {"{}", "type: is required"},
        {"{\"type\": 1}", "type: must be"},
        {"{\"type\": \"hello\"}", "type: must be"},
        {"{\"type\": \"key\", \"key\": \"a\\u0000\"}", "key: must"},
        {"{\"type\": \"stdin\"}", "data: is required"},
        {"{\"type\": \"stdin\", \"data\": \"A\", \"encoding\": \"base64\"}", "data: must be base64"},
        {"{\"type\": \"stdin\", \"data\": \"A\", \"encoding\": \"hex\"}", "encoding: must be"},
        {"{\"type\": \"signal\", \"signal\": \"SIGSTOP\"}", "signal: must be"},
        {"{\"type\": \"signal\", \"signal\": 2}", "signal: must be"},
        {"{\"type\": \"resize\", \"columns\": 80}", "rows: is required"},
        {"{\"type\": \"resize\", \"columns\": 1001, \"rows\": 1}", "columns: must be an integer from 1 to 1000"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct connect_message message;
        struct error error;
        assert_int_equal(reads(table[i].text, &message, &error), -1);
        assert_int_equal(error.code, ERROR_INVALID);
        if (strncmp(error.text, table[i].sentence, strlen(table[i].sentence)) != 0)
            fail_msg("%s: %s", table[i].text, error.text);
        connect_message_free(&message);
    }
}

static void test_start(void **state)
{
    static const struct execute_rules rules = {.max_code = 100, .max_stdin = 100, .max_timeout = 300};
    static const struct {
        const char *text, *sentence; /* NULL: it is fine */
        int64_t columns;
    } table[] = {
        {"{\"type\": \"start\", \"code\": \"1\", \"language\": \"c\"}", NULL, 0},
        {"{\"type\": \"start\", \"code\": \"1\", \"language\": \"c\", \"terminal\": null}", NULL, 0},
        {"{\"code\": \"1\", \"language\": \"c\", \"terminal\": {\"columns\": 80, \"rows\": 24}, \"type\": \"start\"}",
         NULL, 80},
        {"{\"type\": \"stdin\", \"code\": \"1\", \"language\": \"c\"}", "type: must be", 0},
        {"{\"type\": \"start\", \"code\": \"\", \"language\": \"c\"}", "code: must", 0},
        {"{\"type\": \"start\", \"code\": \"1\", \"language\": \"c\", \"terminal\": 80}", "terminal: must be", 0},
        {"{\"type\": \"start\", \"code\": \"1\", \"language\": \"c\", \"terminal\": {}}",
         "terminal.columns: is required", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct execution_request request;
        struct error error;
        size_t cost = 0;
        char *text = strdup(table[i].text);
        assert_non_null(text);
        int result = connect_read_start(&request, text, strlen(text), &rules, &cost, &error);
        if (table[i].sentence == NULL) {
            assert_int_equal(result, 0);
            assert_int_equal(request.terminal.columns, table[i].columns);
            assert_int_equal(request.warnings_len, 0);
        } else {
            assert_int_equal(result, -1);
            assert_int_equal(strncmp(error.text, table[i].sentence, strlen(table[i].sentence)), 0);
        }
        request_free(&request);
        free(text);
    }
    assert_int_equal(connect_start_fields()->count, execute_fields.count + 2); /* the joined table has room for all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_they_say),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
