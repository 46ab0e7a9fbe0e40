/* Limits as a request may set them: every range by its edges, and nothing taken over from a bad object. */
#include "languages/limits.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct limits maxima = {.cell = {.milli_cpus = 2000, .memory_mb = 2048, .disk_mb = 1024, .processes = 256},
                                     .output_kb = 16384};

static int note_unknown(void *arg, const char *path)
{
    return arg != NULL ? json_array_append_new(arg, json_string(path)) : 0;
}

/* Reads `json` as what `limits` says in a body. */
static int read_text(struct limits *limits, const char *json, json_t *unknown, struct error *error)
{
    static const struct field list[] = {{.name = "limits", .type = FIELD_OBJECT, .inside = &limits_fields, .at = 0}};
    static const struct fields body = FIELDS(list, sizeof(struct limits_overrides));
    int64_t bounds[LIMITS_BOUNDS];
    struct limits_overrides overrides = {.value = {0}};
    const struct fields_reading reading = {
        .error = error, .bounds = bounds, .null_is_absent = true, .unknown = note_unknown, .arg = unknown};
    json_t *object = json_pack("{so}", "limits", json_parse(json, strlen(json), error));

    assert_non_null(object);
    limits_bounds(bounds, &maxima);
    int failed = fields_read(&body, object, &reading, &overrides);
    if (failed == 0)
        failed = limits_override(limits, &overrides, &maxima, error);
    json_decref(object);
    return failed;
}

static void test_every_bad_value_names_its_range(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"cpu\": 0.09}", "limits.cpu: must be a number from 0.1 to 2"},
        {"{\"cpu\": 2.01}", "limits.cpu: must be a number from 0.1 to 2"},
        {"{\"cpu\": \"1\"}", "limits.cpu: must be a number from 0.1 to 2"},
        {"{\"cpu\": true}", "limits.cpu: must be a number from 0.1 to 2"},
        {"{\"memory_mb\": 31}", "limits.memory_mb: must be an integer from 32 to 2048"},
        {"{\"memory_mb\": 2049}", "limits.memory_mb: must be an integer from 32 to 2048"},
        {"{\"memory_mb\": 64.5}", "limits.memory_mb: must be an integer from 32 to 2048"},
        {"{\"memory_mb\": 4294967360}", "limits.memory_mb: must be an integer from 32 to 2048"},
        {"{\"disk_mb\": 0}", "limits.disk_mb: must be an integer from 1 to 1024"},
        {"{\"disk_mb\": 1025}", "limits.disk_mb: must be an integer from 1 to 1024"},
        {"{\"processes\": 7}", "limits.processes: must be an integer from 8 to 256"},
        {"{\"processes\": -8}", "limits.processes: must be an integer from 8 to 256"},
        {"{\"processes\": []}", "limits.processes: must be an integer from 8 to 256"},
        {"{\"output_kb\": 0}", "limits.output_kb: must be an integer from 1 to 16384"},
        {"{\"output_kb\": 16385}", "limits.output_kb: must be an integer from 1 to 16384"},
        {"[]", "limits: must be an object"},
        {"7", "limits: must be an object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct limits limits = limits_defaults;
        struct error error = {.code = ERROR_NONE};
        assert_int_equal(read_text(&limits, cases[i][0], NULL, &error), -1);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, cases[i][1]);
    }
}

static void test_edges_are_taken(void **state)
{
    (void)state;
    struct error error;
    struct limits limits = limits_defaults;
    assert_int_equal(read_text(&limits, "{\"cpu\":0.1,\"memory_mb\":32,\"disk_mb\":1,\"processes\":8,\"output_kb\":1}",
                               NULL, &error),
                     0);
    assert_memory_equal(&limits, &limits_minima, sizeof limits);
    assert_int_equal(
        read_text(&limits, "{\"cpu\":2,\"memory_mb\":2048.0,\"disk_mb\":1024,\"processes\":256,\"output_kb\":16384}",
                  NULL, &error),
        0);
    assert_memory_equal(&limits, &maxima, sizeof limits);
}

static void test_what_is_not_named_stays(void **state)
{
    (void)state;
    struct error error;
    struct limits limits = limits_defaults;
    assert_int_equal(read_text(&limits, "{\"cpu\": 0.5, \"memory_mb\": null}", NULL, &error), 0);
    assert_int_equal(limits.cell.milli_cpus, 500);
    assert_int_equal(limits.cell.memory_mb, limits_defaults.cell.memory_mb);
    assert_int_equal(limits.output_kb, limits_defaults.output_kb);
}

static void test_a_bad_object_changes_nothing(void **state)
{
    (void)state;
    struct error error;
    struct limits limits = limits_defaults;
    assert_int_equal(read_text(&limits, "{\"cpu\": 0.5, \"memory_mb\": 1}", NULL, &error), -1);
    assert_memory_equal(&limits, &limits_defaults, sizeof limits);
}

static void test_unknown_members_are_collected(void **state)
{
    (void)state;
    struct error error;
    struct limits limits = limits_defaults;
    json_t *unknown = json_array();
    assert_int_equal(read_text(&limits, "{\"gpu\": 1, \"cpu\": 1, \"disk\": 2}", unknown, &error), 0);
    assert_int_equal(json_array_size(unknown), 2);
    assert_string_equal(json_string_value(json_array_get(unknown, 0)), "limits.gpu");
    assert_string_equal(json_string_value(json_array_get(unknown, 1)), "limits.disk");
    json_decref(unknown);
    assert_int_equal(read_text(&limits, "{\"gpu\": 1}", NULL, &error), 0);
}

static void test_json_has_the_order_of_the_api(void **state)
{
    (void)state;
    struct limits limits = limits_defaults;
    limits.cell.milli_cpus = 100;
    json_t *object = limits_json(&limits);
    size_t len;
    char *text = json_text(object, &len);
    assert_string_equal(text, "{\"cpu\":0.1,\"memory_mb\":512,\"disk_mb\":100,\"processes\":64,\"output_kb\":1024}");
    free(text);
    json_decref(object);
}

/* The first that is too low is named, with the language and what it needs. */
static void test_least_limits_of_a_language(void **state)
{
    static const struct limits least = {.cell = {.milli_cpus = 100, .memory_mb = 96, .disk_mb = 2, .processes = 20},
                                        .output_kb = 1};
    static const struct {
        struct cell_limits cell;
        const char *sentence; /* NULL: they suffice */
    } cases[] = {
        {{100, 96, 2, 20}, NULL},
        {{100, 2048, 1024, 256}, NULL},
        {{100, 95, 2, 20}, "limits.memory_mb: Java needs at least 96"},
        {{100, 96, 1, 20}, "limits.disk_mb: Java needs at least 2"},
        {{100, 96, 2, 19}, "limits.processes: Java needs at least 20"},
        {{100, 32, 1, 8}, "limits.memory_mb: Java needs at least 96"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct limits limits = {.cell = cases[i].cell, .output_kb = 1};
        struct error error = {.code = ERROR_NONE};
        int failed = limits_suffice(&limits, &least, "Java", &error);
        assert_int_equal(failed, cases[i].sentence == NULL ? 0 : -1);
        if (failed == 0)
            continue;
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, cases[i].sentence);
        limits_rise(&limits, &least);
        assert_int_equal(limits_suffice(&limits, &least, "Java", &error), 0);
    }
}

static void test_only_low_limits_rise(void **state)
{
    static const struct limits least = {.cell = {.milli_cpus = 900, .memory_mb = 96, .disk_mb = 2, .processes = 20},
                                        .output_kb = 9};
    struct limits limits = {.cell = {.milli_cpus = 100, .memory_mb = 95, .disk_mb = 3, .processes = 8}, .output_kb = 1};

    (void)state;
    limits_rise(&limits, &least);
    assert_int_equal(limits.cell.memory_mb, 96);
    assert_int_equal(limits.cell.disk_mb, 3);
    assert_int_equal(limits.cell.processes, 20);
    assert_int_equal(limits.cell.milli_cpus, 100); /* languages have no least ones of these */
    assert_int_equal(limits.output_kb, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_least_limits_of_a_language),      cmocka_unit_test(test_only_low_limits_rise),
        cmocka_unit_test(test_every_bad_value_names_its_range), cmocka_unit_test(test_edges_are_taken),
        cmocka_unit_test(test_what_is_not_named_stays),         cmocka_unit_test(test_a_bad_object_changes_nothing),
        cmocka_unit_test(test_unknown_members_are_collected),   cmocka_unit_test(test_json_has_the_order_of_the_api),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
