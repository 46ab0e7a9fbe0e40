/* Messages of MCP clients: what is no message, which era it is of, and headers that must repeat its body. */
#include "faces/mcp_message.h"

#include "base/json.h"
#include "base/json_scan.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const struct json_shape anything = {.open = '{', .most = 20};

static int message_read(struct mcp_message *message, const char *body, struct mcp_fault *fault)
{
    char *text = strdup(body);
    size_t cost;

    *message = (struct mcp_message){.root = NULL};
    *fault = (struct mcp_fault){.status = 0};
    int rc = mcp_message_read(message, text, strlen(text), &anything, &cost, fault);
    free(text);
    return rc;
}

static void test_what_is_no_message(void **state)
{
    (void)state;
    static const struct {
        const char *body, *text;
        int code;
    } table[] = {
        {"", "malformed JSON: the text is empty", -32700},
        {"{\"jsonrpc\":", "malformed JSON: the text ends too early at line 1, column 11", -32700},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2}", "name given twice: \"id\"", -32700},
        {"7", "The body must be a JSON object", -32600},
        {"[]", "Batches are not supported: send one message a request", -32600},
        {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]",
         "Batches are not supported: send one message a request", -32600},
        {"{}", "jsonrpc: must be \"2.0\"", -32600},
        {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", "jsonrpc: must be \"2.0\"", -32600},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", "id: must be a string or a number", -32600},
        {"{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"ping\"}", "id: must be a string or a number", -32600},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}", "method: must be a string", -32600},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", "method: must be a string", -32600},
        {"{\"jsonrpc\":\"2.0\",\"result\":{}}", "method: must be a string", -32600},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":[1]}", "params: must be an object", -32600},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":null}", "params: must be an object", -32600},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mcp_message message;
        struct mcp_fault fault;
        assert_int_equal(message_read(&message, table[i].body, &fault), -1);
        assert_string_equal(fault.text, table[i].text);
        assert_int_equal(fault.code, table[i].code);
        assert_int_equal(fault.status, 400);
        mcp_message_free(&message);
    }
}

static void test_the_kinds_of_messages(void **state)
{
    (void)state;
    static const struct {
        const char *body, *method, *version;
        bool has_id, has_progress;
    } table[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"ping\"}", "ping", NULL, true, false},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\",\"params\":{}}", "ping", NULL, true, false},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", "notifications/initialized", NULL, false,
         false},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"deep\":[1]}}", NULL, NULL, true, false},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1}}", NULL, NULL, true, false},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":{\"progressToken\":\"p\","
         "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"other\":{}}}}",
         "m", "2026-07-28", true, true},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":{\"progressToken\":{}}}}", "m", NULL,
         true, false},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mcp_message message;
        struct mcp_fault fault;
        assert_int_equal(message_read(&message, table[i].body, &fault), 0);
        assert_int_equal(message.method != NULL, table[i].method != NULL);
        if (table[i].method != NULL)
            assert_string_equal(message.method, table[i].method);
        assert_int_equal(message.version != NULL, table[i].version != NULL);
        if (table[i].version != NULL)
            assert_string_equal(message.version, table[i].version);
        assert_int_equal(message.id != NULL, table[i].has_id);
        assert_int_equal(message.progress != NULL, table[i].has_progress);
        mcp_message_free(&message);
    }
}

#define MODERN(version, method, rest)                    \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method \
    "\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" version "\"}" rest "}}"
#define LEGACY(method) "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\"}"

static void test_versions_and_headers(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        struct mcp_head head;
        int code; /* 0: fine */
        const char *text, *requested;
    } table[] = {
        {LEGACY("ping"), {NULL, NULL, NULL}, 0, NULL, NULL},
        {LEGACY("ping"), {"2025-11-25", NULL, NULL}, 0, NULL, NULL},
        {LEGACY("ping"), {"2024-11-05", "other", "other"}, 0, NULL, NULL},
        {LEGACY("ping"), {"1.0", NULL, NULL}, -32022, "Unsupported protocol version", "1.0"},
        {LEGACY("ping"),
         {"2026-07-28", NULL, NULL},
         -32602,
         "params._meta: io.modelcontextprotocol/protocolVersion is required",
         NULL},
        {LEGACY("initialize"), {"1.0", NULL, NULL}, 0, NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"n\"}", {"2026-07-28", NULL, NULL}, 0, NULL, NULL},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"n\"}", {"x", NULL, NULL}, -32022, "Unsupported protocol version", "x"},
        {MODERN("2026-07-28", "tools/list", ""), {"2026-07-28", "tools/list", NULL}, 0, NULL, NULL},
        {MODERN("2026-07-28", "tools/list", ""),
         {NULL, "tools/list", NULL},
         -32020,
         "MCP-Protocol-Version: the header is missing",
         NULL},
        {MODERN("2026-07-28", "tools/list", ""),
         {"2025-11-25", "tools/list", NULL},
         -32020,
         "MCP-Protocol-Version: header and body differ",
         NULL},
        {MODERN("2026-07-28", "tools/list", ""),
         {"2026-07-28", NULL, NULL},
         -32020,
         "Mcp-Method: the header is missing",
         NULL},
        {MODERN("2026-07-28", "tools/list", ""),
         {"2026-07-28", "tools/call", NULL},
         -32020,
         "Mcp-Method: header and body differ",
         NULL},
        {MODERN("2027-01-01", "tools/list", ""),
         {"2027-01-01", "tools/list", NULL},
         -32022,
         "Unsupported protocol version",
         "2027-01-01"},
        {MODERN("2025-11-25", "tools/list", ""),
         {"2025-11-25", "tools/list", NULL},
         -32022,
         "Unsupported protocol version",
         "2025-11-25"},
        {MODERN("2026-07-28", "tools/call", ",\"name\":\"a\""), {"2026-07-28", "tools/call", "a"}, 0, NULL, NULL},
        {MODERN("2026-07-28", "tools/call", ",\"name\":\"a\""),
         {"2026-07-28", "tools/call", "b"},
         -32020,
         "Mcp-Name: header and body differ",
         NULL},
        {MODERN("2026-07-28", "tools/call", ",\"name\":\"a\""),
         {"2026-07-28", "tools/call", NULL},
         -32020,
         "Mcp-Name: the header is missing",
         NULL},
        {MODERN("2026-07-28", "tools/call", ""), {"2026-07-28", "tools/call", NULL}, 0, NULL, NULL},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct mcp_message message;
        struct mcp_fault fault;
        assert_int_equal(message_read(&message, table[i].body, &fault), 0);
        assert_int_equal(mcp_message_check(&message, &table[i].head, &fault), table[i].code == 0 ? 0 : -1);
        assert_int_equal(fault.code, table[i].code);
        if (table[i].code != 0) {
            assert_int_equal(fault.status, 400);
            assert_string_equal(fault.text, table[i].text);
        }
        assert_int_equal(fault.requested != NULL, table[i].requested != NULL);
        if (table[i].requested != NULL)
            assert_string_equal(fault.requested, table[i].requested);
        mcp_message_free(&message);
    }
}

static void expect_json(json_t *value, const char *expected)
{
    size_t len;
    char *text = json_text(value, &len);

    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
    json_decref(value);
}

static void test_results_of_both_eras(void **state)
{
    (void)state;
    struct mcp_message message;
    struct mcp_fault fault;

    message_read(&message, LEGACY("tools/list"), &fault);
    expect_json(mcp_result(&message, json_pack("{s:[], s:i, s:s}", "tools", "ttlMs", 5, "cacheScope", "private")),
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[]}}");
    mcp_message_free(&message);
    message_read(&message, MODERN("2026-07-28", "tools/list", ""), &fault);
    expect_json(mcp_result(&message, json_pack("{s:[], s:i, s:s}", "tools", "ttlMs", 5, "cacheScope", "private")),
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[],\"ttlMs\":5,\"cacheScope\":\"private\","
                "\"resultType\":\"complete\",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"codecell\","
                "\"title\":\"Codecell\",\"version\":\"" CODECELL_VERSION "\"}}}}");
    assert_null(mcp_result(&message, NULL));
    mcp_message_free(&message);
}

static void test_errors(void **state)
{
    (void)state;
    struct mcp_fault fault;
    json_t *id = json_string("x");

    mcp_fault_set(&fault, 400, MCP_PARSE_ERROR, "%s", "no JSON");
    expect_json(mcp_error(NULL, &fault),
                "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"no JSON\"}}");
    mcp_fault_set(&fault, 400, MCP_OTHER_VERSION, "Unsupported protocol version");
    fault.requested = "1";
    expect_json(mcp_error(id, &fault),
                "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":{\"code\":-32022,\"message\":\"Unsupported protocol "
                "version\",\"data\":{\"supported\":[\"2026-07-28\",\"2025-11-25\",\"2025-06-18\",\"2025-03-26\","
                "\"2024-11-05\"],\"requested\":\"1\"}}}");
    json_decref(id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_message),
        cmocka_unit_test(test_the_kinds_of_messages),
        cmocka_unit_test(test_versions_and_headers),
        cmocka_unit_test(test_results_of_both_eras),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
