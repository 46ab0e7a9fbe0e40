/* Tables of fields: what each type takes, and the sentence for what it does not. */
#include "base/fields.h"
#include "base/json.h"
#include "base/json_scan.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
    const char *name;
    int64_t size;
};

struct thing {
    const char *text, *bytes, *rule;
    size_t bytes_len, parts_len;
    int64_t integer, number;
    bool flag, has_inner;
    int choice;
    char **texts, **variables;
    struct part inner, *parts;
    const json_t *any;
};

static int check_rule(const struct field_place *place, const struct field *field, const void *value)
{
    (void)field;
    return **(const char *const *)value == 'r' ? 0 : field_wrong(place, "must begin with r");
}

static const char *const colours[] = {"red", "green", "blue", NULL};
static const struct field part_list[] = {
    {.name = "name", .type = FIELD_TEXT, .required = true, .at = offsetof(struct part, name)},
    {.name = "size", .type = FIELD_INTEGER, .most = 9, .at = offsetof(struct part, size)},
};
static const struct fields part_fields = FIELDS(part_list, sizeof(struct part));
static const struct field others_list[] = {{.name = "elsewhere", .type = FIELD_ANY, .at = FIELD_NOWHERE}};
static const struct fields others = FIELDS(others_list, 0);
static const struct field thing_list[] = {
    {.name = "text", .type = FIELD_TEXT, .least = 1, .most = 5, .at = offsetof(struct thing, text)},
    {.name = "bytes",
     .type = FIELD_BYTES,
     .bound = 1,
     .at = offsetof(struct thing, bytes),
     .len_at = offsetof(struct thing, bytes_len)},
    {.name = "rule", .type = FIELD_TEXT, .check = check_rule, .at = offsetof(struct thing, rule)},
    {.name = "integer",
     .type = FIELD_INTEGER,
     .least = 1,
     .most = 300,
     .empty_is_absent = true,
     .at = offsetof(struct thing, integer)},
    {.name = "number", .type = FIELD_NUMBER, .least = 100, .most = 2000, .at = offsetof(struct thing, number)},
    {.name = "flag", .type = FIELD_BOOLEAN, .at = offsetof(struct thing, flag)},
    {.name = "choice", .type = FIELD_CHOICE, .choices = colours, .at = offsetof(struct thing, choice)},
    {.name = "texts", .type = FIELD_TEXTS, .most = 3, .total = 8, .at = offsetof(struct thing, texts)},
    {.name = "variables", .type = FIELD_VARIABLES, .most = 2, .total = 8, .at = offsetof(struct thing, variables)},
    {.name = "inner",
     .type = FIELD_OBJECT,
     .inside = &part_fields,
     .at = offsetof(struct thing, inner),
     .len_at = offsetof(struct thing, has_inner)},
    {.name = "parts",
     .type = FIELD_OBJECTS,
     .least = 1,
     .most = 2,
     .inside = &part_fields,
     .at = offsetof(struct thing, parts),
     .len_at = offsetof(struct thing, parts_len)},
    {.name = "any", .type = FIELD_ANY, .at = offsetof(struct thing, any)},
    {.name = "later", .type = FIELD_ANY, .later = true, .at = FIELD_NOWHERE},
};
static const struct fields thing_fields = {
    .list = thing_list, .count = sizeof thing_list / sizeof *thing_list, .size = sizeof(struct thing), .also = &others};

static const int64_t bounds[] = {0, 4};
static struct arena arena;
static struct error error;
static struct thing thing;
static json_t *tree;
static char unknown[256];

static int setup(void **state)
{
    (void)state;
    thing = (struct thing){.choice = -1, .integer = 7};
    error = (struct error){.code = ERROR_NONE};
    unknown[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(tree);
    tree = NULL;
    arena_free(&arena);
    return 0;
}

static int note_unknown(void *arg, const char *path)
{
    (void)arg;
    size_t len = strlen(unknown);
    snprintf(unknown + len, sizeof unknown - len, "%s;", path);
    return 0;
}

static int read_with(const char *json, bool lenient)
{
    struct fields_reading reading = {.arena = &arena,
                                     .error = &error,
                                     .bounds = bounds,
                                     .null_is_absent = lenient,
                                     .unknown = lenient ? note_unknown : NULL};

    json_decref(tree);
    tree = json_parse(json, strlen(json), &error);
    assert_non_null(tree);
    return fields_read(&thing_fields, tree, &reading, &thing);
}

static void test_every_type(void **state)
{
    (void)state;
    assert_int_equal(read_with("{\"text\":\"abcde\",\"bytes\":\"a\\u0000b\",\"rule\":\"right\",\"integer\":300.0,"
                               "\"number\":1.5,\"flag\":true,\"choice\":\"blue\",\"texts\":[\"\",\"xy\"],"
                               "\"variables\":{\"A\":\"1\",\"_b\":\"\"},\"inner\":{\"name\":\"i\"},"
                               "\"parts\":[{\"name\":\"p\",\"size\":9},{\"name\":\"q\"}],\"any\":[1],\"elsewhere\":1}",
                               false),
                     0);
    assert_string_equal(thing.text, "abcde");
    assert_int_equal(thing.bytes_len, 3);
    assert_memory_equal(thing.bytes, "a\0b", 4);
    assert_string_equal(thing.rule, "right");
    assert_int_equal(thing.integer, 300);
    assert_int_equal(thing.number, 1500);
    assert_true(thing.flag);
    assert_int_equal(thing.choice, 2);
    assert_string_equal(thing.texts[1], "xy");
    assert_null(thing.texts[2]);
    assert_string_equal(thing.variables[0], "A=1");
    assert_string_equal(thing.variables[1], "_b=");
    assert_null(thing.variables[2]);
    assert_true(thing.has_inner);
    assert_string_equal(thing.inner.name, "i");
    assert_int_equal(thing.parts_len, 2);
    assert_int_equal(thing.parts[0].size, 9);
    assert_string_equal(thing.parts[1].name, "q");
    assert_true(json_is_array(thing.any));
}

static void test_absent_fields_stay(void **state)
{
    (void)state;
    assert_int_equal(read_with("{\"integer\":null,\"choice\":null}", true), 0);
    assert_int_equal(thing.integer, 7);
    assert_int_equal(thing.choice, -1);
    assert_false(thing.has_inner);
    assert_int_equal(read_with("{\"integer\":\"\"}", false), 0);
    assert_int_equal(thing.integer, 7);
}

static void test_sentences(void **state)
{
    static const struct {
        const char *json, *sentence;
    } cases[] = {
        {"{\"text\":\"\"}", "text: must be a string of 1 to 5 bytes"},
        {"{\"text\":\"abcdef\"}", "text: must be a string of 1 to 5 bytes"},
        {"{\"text\":7}", "text: must be a string of 1 to 5 bytes"},
        {"{\"text\":null}", "text: must be a string of 1 to 5 bytes"},
        {"{\"bytes\":7}", "bytes: must be a string"},
        {"{\"bytes\":\"abcde\"}", "bytes: must be at most 4 bytes"},
        {"{\"rule\":\"wrong\"}", "rule: must begin with r"},
        {"{\"rule\":\"r\\u0000\"}", "rule: must be a string without NUL"},
        {"{\"integer\":0}", "integer: must be an integer from 1 to 300"},
        {"{\"integer\":301}", "integer: must be an integer from 1 to 300"},
        {"{\"integer\":1.5}", "integer: must be an integer from 1 to 300"},
        {"{\"integer\":\"1\"}", "integer: must be an integer from 1 to 300"},
        {"{\"number\":0.0999}", "number: must be a number from 0.1 to 2"},
        {"{\"number\":2.0001}", "number: must be a number from 0.1 to 2"},
        {"{\"number\":\"1\"}", "number: must be a number from 0.1 to 2"},
        {"{\"flag\":0}", "flag: must be true or false"},
        {"{\"choice\":\"Red\"}", "choice: must be \"red\", \"green\" or \"blue\""},
        {"{\"texts\":{}}", "texts: must be an array of at most 3 strings"},
        {"{\"texts\":[\"\",\"\",\"\",\"\"]}", "texts: must be an array of at most 3 strings"},
        {"{\"texts\":[\"\",1]}", "texts[1]: must be a string without NUL"},
        {"{\"texts\":[\"12345\",\"6789\"]}", "texts: must be at most 8 bytes in all"},
        {"{\"variables\":[]}", "variables: must be an object of strings"},
        {"{\"variables\":{\"A\":\"\",\"B\":\"\",\"C\":\"\"}}", "variables: must have at most 2 names"},
        {"{\"variables\":{\"1\":\"\"}}", "variables: a name must match [A-Za-z_][A-Za-z0-9_]*"},
        {"{\"variables\":{\"A\":1}}", "variables.A: must be a string without NUL"},
        {"{\"variables\":{\"A\":\"1234\",\"B\":\"123\"}}", "variables: must be at most 8 bytes in all"},
        {"{\"inner\":[]}", "inner: must be an object"},
        {"{\"inner\":{}}", "inner.name: is required"},
        {"{\"inner\":{\"name\":\"\",\"size\":10}}", "inner.size: must be an integer from 0 to 9"},
        {"{\"inner\":{\"name\":\"\",\"colour\":1}}", "inner.colour: unknown field"},
        {"{\"parts\":[]}", "parts: must be an array of 1 to 2 objects"},
        {"{\"parts\":[{\"name\":\"\"},1]}", "parts[1]: must be an object of name and size"},
        {"{\"parts\":[{\"name\":\"\"},{\"name\":1}]}", "parts[1].name: must be a string without NUL"},
        {"{\"later\":1}", "later: not supported yet"},
        {"{\"colour\":1}", "colour: unknown field"},
        {"[]", "must be an object"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (read_with(cases[i].json, false) == 0)
            fail_msg("accepted: %s", cases[i].json);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, cases[i].sentence);
    }
}

static void test_unknown_fields_are_told(void **state)
{
    (void)state;
    assert_int_equal(
        read_with("{\"colour\":1,\"parts\":[{\"name\":\"\",\"b\":2}],\"inner\":{\"name\":\"\",\"c\":3}}", true), 0);
    assert_string_equal(unknown, "inner.c;parts[0].b;colour;");
}

static const char *parameter(const void *from, const char *name)
{
    for (const char *const *pair = from; *pair != NULL; pair += 2)
        if (strcmp(*pair, name) == 0)
            return pair[1];
    return NULL;
}

static int query(const char *name, const char *value)
{
    const char *const pairs[] = {name, value, NULL};
    const struct fields_reading reading = {.error = &error, .bounds = bounds};

    return fields_read_query(&thing_fields, parameter, pairs, &reading, &thing);
}

static void test_parameters_of_a_url(void **state)
{
    static const char *const wrong[][3] = {
        {"integer", "0", "integer: must be an integer from 1 to 300"},
        {"integer", "-1", "integer: must be an integer from 1 to 300"},
        {"integer", "1.0", "integer: must be an integer from 1 to 300"},
        {"integer", "", "integer: must be an integer from 1 to 300"},
        {"integer", "99999999999999999999", "integer: must be an integer from 1 to 300"},
        {"choice", "", "choice: must be red, green or blue"},
        {"text", "abcdef", "text: must be a string of 1 to 5 bytes"},
        {"rule", "x", "rule: must begin with r"},
    };

    (void)state;
    assert_int_equal(query("integer", "020"), 0);
    assert_int_equal(thing.integer, 20);
    assert_int_equal(query("choice", "green"), 0);
    assert_int_equal(thing.choice, 1);
    assert_int_equal(query("text", "abc"), 0);
    assert_string_equal(thing.text, "abc");
    assert_int_equal(query("other", "x"), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(query(wrong[i][0], wrong[i][1]), -1);
        assert_string_equal(error.text, wrong[i][2]);
    }
}

/* What a reader of the table looks at in a text, and no more. */
static void test_shape(void **state)
{
    char text[] =
        "{\"texts\":[\"1\",\"2\",\"3\",\"4\",\"5\"],\"x\":{\"deep\":[1]},\"y\":2,\"z\":3,\"inner\":{\"name\":\"n\"}}";
    const struct json_shape *shape = fields_shape(&thing_fields, 2, &arena);
    size_t cost;

    (void)state;
    assert_non_null(shape);
    tree = json_parse_shape(text, sizeof text - 1, shape, &cost, &error);
    assert_non_null(tree);
    assert_int_equal(json_array_size(json_object_get(tree, "texts")), 4); /* one more than may be */
    assert_int_equal(json_object_size(tree), 4);                          /* z is one unknown field too many */
    assert_string_equal(json_string_value(json_object_get(json_object_get(tree, "inner"), "name")), "n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_type, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absent_fields_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sentences, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_fields_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parameters_of_a_url, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shape, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
