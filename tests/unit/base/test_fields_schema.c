/* A table of fields as a JSON Schema. */
#include "base/fields_schema.h"

#include "base/json.h"

#include "unit.h"

#include <stdlib.h>

enum { BOUND_SIZE = 1, BOUNDS };

static const char *const colors[] = {"red", "blue", NULL};

static const struct field point_list[] = {
    {.name = "x", .type = FIELD_INTEGER, .required = true, .least = -1, .most = 9, .at = FIELD_NOWHERE},
    {.name = "y", .type = FIELD_NUMBER, .least = 100, .most = 2500, .at = FIELD_NOWHERE, .fallback = "1"},
};
static const struct fields point_fields = FIELDS(point_list, 0);

static const struct field all_list[] = {
    {.name = "text",
     .type = FIELD_TEXT,
     .required = true,
     .least = 1,
     .most = 5,
     .at = FIELD_NOWHERE,
     .meaning = "words"},
    {.name = "bytes", .type = FIELD_BYTES, .bound = BOUND_SIZE, .at = FIELD_NOWHERE, .fallback = "null"},
    {.name = "flag", .type = FIELD_BOOLEAN, .at = FIELD_NOWHERE, .fallback = "false"},
    {.name = "color", .type = FIELD_CHOICE, .choices = colors, .at = FIELD_NOWHERE, .fallback = "\"red\""},
    {.name = "texts", .type = FIELD_TEXTS, .most = 3, .at = FIELD_NOWHERE, .fallback = "[]"},
    {.name = "names", .type = FIELD_VARIABLES, .most = 4, .at = FIELD_NOWHERE},
    {.name = "point", .type = FIELD_OBJECT, .inside = &point_fields, .at = FIELD_NOWHERE},
    {.name = "points", .type = FIELD_OBJECTS, .most = 2, .inside = &point_fields, .at = FIELD_NOWHERE},
    {.name = "any", .type = FIELD_ANY, .at = FIELD_NOWHERE, .meaning = "a thing"},
    {.name = "later", .type = FIELD_ANY, .later = true, .at = FIELD_NOWHERE},
};
static const struct fields all_fields = FIELDS(all_list, 0);
static const struct fields no_fields = {.list = NULL};

static const int64_t sizes[BOUNDS] = {[BOUND_SIZE] = 77};

static void expect_schema_in(const struct fields *fields, const struct fields_schema_way *way, const char *expected)
{
    json_t *schema = fields_schema(fields, way);
    size_t len;
    char *text = json_text(schema, &len);

    assert_string_equal(text, expected);
    free(text);
    json_decref(schema);
}

static void expect_schema(const struct fields *fields, const char *expected)
{
    expect_schema_in(fields, &(struct fields_schema_way){.bounds = sizes}, expected);
}

#define POINT                                                                                         \
    "{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\",\"minimum\":-1,\"maximum\":9}," \
    "\"y\":{\"type\":\"number\",\"default\":1,\"minimum\":0.1,\"maximum\":2.5}},\"required\":[\"x\"]}"

static void test_every_type(void **state)
{
    (void)state;
    expect_schema(&point_fields, POINT);
    expect_schema(&all_fields,
                  "{\"type\":\"object\",\"properties\":{"
                  "\"text\":{\"type\":\"string\",\"description\":\"words\",\"minLength\":1,\"maxLength\":5},"
                  "\"bytes\":{\"type\":\"string\",\"maxLength\":77},"
                  "\"flag\":{\"type\":\"boolean\",\"default\":false},"
                  "\"color\":{\"type\":\"string\",\"default\":\"red\",\"enum\":[\"red\",\"blue\"]},"
                  "\"texts\":{\"type\":\"array\",\"default\":[],\"maxItems\":3,\"items\":{\"type\":\"string\"}},"
                  "\"names\":{\"type\":\"object\",\"maxProperties\":4,\"additionalProperties\":{\"type\":\"string\"}},"
                  "\"point\":" POINT ","
                  "\"points\":{\"type\":\"array\",\"maxItems\":2,\"items\":" POINT "},"
                  "\"any\":{\"description\":\"a thing\"}},\"required\":[\"text\"]}");
    expect_schema(&no_fields, "{\"type\":\"object\",\"properties\":{}}");
}

static void test_what_a_reader_takes_besides(void **state)
{
    static const struct field list[] = {
        {.name = "a", .type = FIELD_TEXT, .required = true, .at = FIELD_NOWHERE},
        {.name = "b", .type = FIELD_CHOICE, .choices = colors, .at = FIELD_NOWHERE},
        {.name = "c", .type = FIELD_INTEGER, .elsewhere = true, .at = FIELD_NOWHERE},
        {.name = "d", .type = FIELD_INTEGER, .elsewhere = true, .at = FIELD_NOWHERE},
    };
    static const char *const elsewhere[] = {"c", NULL};
    static const struct fields fields = FIELDS(list, 0);

    (void)state;
    expect_schema(&fields, "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":"
                           "\"string\",\"enum\":[\"red\",\"blue\"]}},\"required\":[\"a\"]}");
    expect_schema_in(
        &fields, &(struct fields_schema_way){.bounds = sizes, .nulls = true, .elsewhere = elsewhere},
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":[\"string\","
        "\"null\"],\"enum\":[\"red\",\"blue\",null]},\"c\":{\"type\":[\"integer\",\"null\"]}},\"required\":"
        "[\"a\"]}");
}

static void test_fields_of_answers(void **state)
{
    static const struct field list[] = {
        FIELD_OUT("id", FIELD_TEXT, "its name", .schema = FIELD_SCHEMA_UUID),
        FIELD_OUT("end", FIELD_TEXT, NULL, .nullable = true),
        FIELD_OUT_MAYBE("any", FIELD_ANY, NULL, .schema = "{\"type\": \"array\"}"),
    };
    static const struct fields fields = FIELDS(list, 0);

    (void)state;
    expect_schema(&fields,
                  "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\",\"description\":\"its name\","
                  "\"format\":\"uuid\"},\"end\":{\"type\":[\"string\",\"null\"]},\"any\":{\"type\":\"array\"}},"
                  "\"required\":[\"id\",\"end\"]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_type),
                                       cmocka_unit_test(test_what_a_reader_takes_besides),
                                       cmocka_unit_test(test_fields_of_answers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
