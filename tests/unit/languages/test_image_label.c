/* What an image's label tells, and when it is not believed. */
#include "languages/image_label.h"

#include "docker/engine/codec_read.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define ANSWERS                                                                      \
    "\"answers\":[{\"argv\":[\"/bin/x\",\"-v\"],\"env\":{\"A\":\"1\",\"B\":\"=2\"}," \
    "\"output\":\"x 1.2\\n\"},{\"argv\":[\"/bin/x\"],\"env\":{},\"output\":\"other\"},3,{}]"
#define LABEL "{\"layers\":[\"l1\",\"l2\"],\"env\":[\"PATH=/bin\"]," ANSWERS "}"

static struct image_info image_of(const char *label, const char *layers, const char *env)
{
    return (struct image_info){.id = "sha256:1",
                               .labels = label != NULL ? json_pack("{s:s}", IMAGE_LABEL, label) : NULL,
                               .layers = layers != NULL ? json_loads(layers, 0, NULL) : NULL,
                               .env = env != NULL ? json_loads(env, 0, NULL) : NULL};
}

static json_t *read_and_free(struct image_info image)
{
    json_t *label = image_label_read(&image);

    json_decref((json_t *)image.labels);
    json_decref((json_t *)image.layers);
    json_decref((json_t *)image.env);
    return label;
}

static void test_whose_label_it_is(void **state)
{
    static const struct {
        const char *label, *layers, *env;
        bool good;
    } cases[] = {
        {LABEL, "[\"l1\",\"l2\"]", "[\"PATH=/bin\"]", true},
        {LABEL, "[\"l1\",\"l2\",\"l3\"]", "[\"PATH=/bin\"]", false}, /* an image made from it */
        {LABEL, "[\"l1\"]", "[\"PATH=/bin\"]", false},
        {LABEL, "[\"l1\",\"l2\"]", "[\"PATH=/bin\",\"X=1\"]", false},
        {LABEL, "[\"l1\",\"l2\"]", NULL, false},
        {LABEL, NULL, "[\"PATH=/bin\"]", false},
        {"{\"layers\":[\"l1\"],\"env\":[]," ANSWERS "}", "[\"l1\"]", NULL, true},
        {"{\"layers\":[\"l1\"]," ANSWERS "}", "[\"l1\"]", "[]", true},
        {NULL, "[]", NULL, false},
        {"", NULL, NULL, false},
        {"nonsense", NULL, NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *label = read_and_free(image_of(cases[i].label, cases[i].layers, cases[i].env));
        assert_int_equal(label != NULL, cases[i].good);
        json_decref(label);
    }
}

static void test_a_label_over_its_cap(void **state)
{
    char *text = malloc(IMAGE_LABEL_MAX + 2);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', IMAGE_LABEL_MAX + 1);
    memcpy(text, "{}", 2);
    text[IMAGE_LABEL_MAX + 1] = '\0';
    assert_null(read_and_free(image_of(text, NULL, NULL)));
    text[IMAGE_LABEL_MAX] = '\0';
    json_t *label = read_and_free(image_of(text, NULL, NULL));
    assert_non_null(label);
    json_decref(label);
    free(text);
}

/* A command that was changed, or its variables, was not asked. */
static void test_what_was_asked(void **state)
{
    static char *const cases[][2][3] = {
        {{"/bin/x", "-v", NULL}, {"B==2", "A=1", NULL}},
        {{"/bin/x", "-v", NULL}, {"A=1", NULL}},
        {{"/bin/x", "-v", NULL}, {"A=1", "B=2", NULL}},
        {{"/bin/x", "-w", NULL}, {"A=1", "B==2", NULL}},
        {{"/bin/x", NULL}, {NULL}},
        {{"/bin/x", NULL}, {"A=1", NULL}},
        {{NULL}, {NULL}},
    };
    static const char *const output[] = {"x 1.2\n", NULL, NULL, NULL, "other", NULL, NULL};
    json_t *label = json_loads(LABEL, 0, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *told = image_label_output(label, cases[i][0], cases[i][1]);
        if (output[i] == NULL)
            assert_null(told);
        else
            assert_string_equal(told, output[i]);
        assert_null(image_label_output(NULL, cases[i][0], cases[i][1]));
    }
    json_decref(label);
}

static void test_packages(void **state)
{
    static const struct {
        const char *text, *packages;
    } cases[] = {
        {"", "[]"},
        {"a 1\nb 2 more\n\nnonsense\n  c\t3", "[{\"name\":\"a\",\"version\":\"1\"},{\"name\":\"b\",\"version\":\"2\"},"
                                              "{\"name\":\"c\",\"version\":\"3\"}]"},
        {"\n\n", "[]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *packages = image_label_packages(cases[i].text);
        char *text = json_dumps(packages, JSON_COMPACT);
        assert_string_equal(text, cases[i].packages);
        free(text);
        json_decref(packages);
    }
}

static void test_packages_are_capped(void **state)
{
    char *text = malloc(2 * IMAGE_LABEL_PACKAGES_MAX * 4 + 1), *at = text;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < (size_t)2 * IMAGE_LABEL_PACKAGES_MAX; i++, at += 4)
        memcpy(at, "a 1\n", 5);
    json_t *packages = image_label_packages(text);
    assert_int_equal(json_array_size(packages), IMAGE_LABEL_PACKAGES_MAX);
    json_decref(packages);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whose_label_it_is),   cmocka_unit_test(test_a_label_over_its_cap),
        cmocka_unit_test(test_what_was_asked),      cmocka_unit_test(test_packages),
        cmocka_unit_test(test_packages_are_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
