/* The first pass agrees with json_parse, on texts from tables and on random ones; and what it keeps. */
#include "unit.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/json_scan.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct json_shape_member inner[] = {{"n", NULL}};
static const struct json_shape item = {
    .open = '{', .members = inner, .members_len = COUNT(inner), .most = 1, .names_only = true};
static const struct json_shape list = {.open = '[', .most = 3, .item = &item};
static const struct json_shape_member members[] = {{"a", NULL}, {"b", &list}};
static const struct json_shape shape = {
    .open = '{', .members = members, .members_len = COUNT(members), .most = 2, .names_only = true};

/* As it comes, so that a look past its end is seen. */
static char *copy_of(const char *text, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    return copy;
}

/* Asserts that both agree on it. */
static void agree(const char *text, size_t len)
{
    struct error whole = {0}, shaped = {0};
    char *a = copy_of(text, len), *b = copy_of(text, len);
    size_t cost;
    json_t *first = json_parse(a, len, &whole), *second = json_parse_shape(b, len, &shape, &cost, &shaped);

    if ((first == NULL) != (second == NULL) || strcmp(whole.text, shaped.text) != 0)
        fail_msg("%.*s:\n%s\n%s", (int)len, text, whole.text, shaped.text);
    json_decref(first);
    json_decref(second);
    free(a);
    free(b);
}

static void faults_are_told_as_the_parser_tells_them(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "1",
        " 01",
        "[",
        "{",
        "[1,]",
        "[1\n,]",
        "{\"a\":1,}",
        "{\"a\":1,\n \"b\":[{},{},{}] x",
        "[[],[],{}]]",
        "{\"j\":[{},{},{}",
        "{\"j\":[{},{\"x\":1,\"x\":2}]}",
        "{\"j\":1,\"\\u006a\":2}",
        "{\"j\":1,\"j\" 2}",
        "{\"j\":1,\"k\":2,\"j\":[1,2,}",
        "{\"j\":[1e999]}",
        "{\"j\":[-1e-999,1E+2]}",
        "{\"j\":9223372036854775808}",
        "{\"j\":-9223372036854775808}",
        "{\"j\":[01]}",
        "{\"j\":[1.]}",
        "{\"j\":[.5]}",
        "{\"j\":[-]}",
        "{\"j\":[+1]}",
        "{\"j\":[tru]}",
        "{\"j\":[truex]}",
        "{\"j\":[nul,1]}",
        "{\"j\":\"\\ud800\"}",
        "{\"j\":\"\\udc00\"}",
        "{\"j\":\"\\ud83d\\ude00\"}",
        "{\"j\":\"\\ud83dx\"}",
        "{\"j\":\"\\ud83d\\u0041\"}",
        "{\"j\":\"\\u00g0\"}",
        "{\"j\\u0000\":1}",
        "{\"j\":\"\\u0000\"}",
        "{\"j\":\"a\tb\"}",
        "{\"j\":\"\xc3\xa4\",x}",
        "{\"j\":\"\xc0\x80\"}",
        "{\"j\":\"\xed\xa0\x80\"}",
        "{\"j\":\"\xf4\x90\x80\x80\"}",
        "{\"\xc3\xa4\":1,\"\\u00e4\":2}",
        "{\"j\":[\"\xc3\xa4\xc3\xa4\",\n\"\xe2\x82\xac\",]}",
        "{\"j\":{\"k\":{}},\"l\" :[1 2]}",
        "{1:2}",
        "{\"j\"}",
        "{} {}",
        "[]x",
        "\"\xf0\x9f\x98\x80\" x",
        "{\"j\":\"\\x\"}",
        "{\"j\":[\"abc",
        "{\"j\":[\"\\",
        "{\"j\":[1",
        "{\"a\":{\"a\":1,\"b\":2},\"b\":3,\"c\":{\"a\":1,\"b\":2},\"a\":[}",
        "[1,2,[3,4,[5,6 7]]]",
        "\xef\xbb\xbf{}",
        "{\"j\":1,\n\n\"k\":[1,\n2,\n3,\n]}",
        "[{\"a\":1,\"b\":2,\"c\":}]",
        "[{\"a\":1,\"b\":2,\"c\" \"d\"}]",
        "[{\"a\":1,\"b\":2 \"c\"}]",
        "[{\"a\":[[]],\"b\":[[]] 1}]",
        "{\"a\":{}, \"b\":{}x}",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        agree(texts[i], strlen(texts[i]));
}

/* Random texts of JSON's tokens: most are invalid. */
static void they_agree_on_what_chance_makes(void **state)
{
    (void)state;
    static const char *const pieces[] = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         ",",
                                         ":",
                                         "\"a\":",
                                         "\"b\":[",
                                         "\"j\":",
                                         "\"b\" :",
                                         "\"\\u0061\":",
                                         "1",
                                         "-0.5e3",
                                         "true",
                                         "null",
                                         "\"\xc3\xa4\"",
                                         "\"\\n\"",
                                         " ",
                                         "\n",
                                         "{\"n\":",
                                         "{}",
                                         "[]",
                                         "\"",
                                         "\\",
                                         "\xc3",
                                         ",\"k\":",
                                         "},",
                                         "],",
                                         "1e400"};
    uint32_t seed = 1;
    for (int round = 0; round < 200000; round++) {
        struct buf text;
        buf_init(&text, 4096);
        buf_puts(&text, "{");
        for (unsigned n = 0; n < 3 + seed % 14; n++) {
            seed = seed * 1664525u + 1013904223u;
            buf_puts(&text, pieces[(seed >> 8) % COUNT(pieces)]);
        }
        agree(text.data, text.len);
        buf_free(&text);
    }
}

static void only_what_is_looked_at_is_kept(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{}", "{}"},
        {" { \"a\" : 1 , \"z\" : [ { } , { } ] } ", "{\"a\":1,\"z\":0}"},
        {"{\"z\":\"long\",\"y\":{\"a\":1},\"x\":1,\"w\":2,\"\\u0061\":\"}]\\\"\"}",
         "{\"z\":0,\"y\":0,\"\\u0061\":\"}]\\\"\"}"},
        {"{\"a\" :1}", "{\"a\":1}"},
        {"{\"z\"\n:\"9\"}", "{\"z\":0}"},
        {"{\"a\":[[1],2]}", "{\"a\":[]}"},
        {"{\"a\":{\"b\":2}}", "{\"a\":{}}"},
        {"{\"b\":[1,[2],{\"n\":[3],\"o\":4,\"p\":5},4,5]}", "{\"b\":[1,[],{\"n\":[],\"o\":0}]}"},
        {"{\"b\":{\"n\":1}}", "{\"b\":{}}"},
        {"[{\"a\":1},2]", "[]"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i][0]);
        char *text = copy_of(rows[i][0], len);
        struct json_scan_fault fault;
        assert_int_equal(json_scan(text, &len, &fault), JSON_SCAN_GOOD);
        assert_true(json_keep(text, &len, &shape) > len);
        assert_int_equal(len, strlen(rows[i][1]));
        assert_memory_equal(text, rows[i][1], len);
        free(text);
    }
}

/* What is about to be built is small, however large the text, whether it is JSON or not. */
static void junk_is_not_built(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    static const char *const ends[] = {"0]}", "0}", "{},]}", "0]} x"};
    for (size_t end = 0; end < COUNT(ends); end++) {
        struct buf text;
        struct json_scan_fault fault;
        buf_init(&text, (size_t)MANY * 4);
        buf_puts(&text, "{\"junk\":[");
        for (size_t i = 0; i < MANY; i++)
            buf_puts(&text, "{},");
        buf_puts(&text, ends[end]);
        size_t len = text.len, brackets = 0;
        if (json_scan(text.data, &len, &fault) == JSON_SCAN_GOOD)
            assert_true(json_keep(text.data, &len, &shape) < 4096);
        for (size_t i = 0; i < len; i++)
            brackets += text.data[i] == '{' || text.data[i] == '[';
        assert_in_range(brackets, 1, 3);
        buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_told_as_the_parser_tells_them),
        cmocka_unit_test(they_agree_on_what_chance_makes),
        cmocka_unit_test(only_what_is_looked_at_is_kept),
        cmocka_unit_test(junk_is_not_built),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
