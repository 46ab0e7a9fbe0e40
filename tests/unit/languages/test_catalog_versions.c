/* The versions in a language's file, and the names by which languages and versions are found. */
#include "languages_stage.h"

static void test_find_sees_only_what_is_offered(void **state)
{
    (void)state;
    put("a", MINIMAL("a") ",\"aliases\":[\"first\",\"a++\"]}");
    struct said said;
    struct catalog *languages = load(&said);
    struct language *a = catalog_at(languages, 0);
    struct language_version *version;
    assert_null(catalog_find(languages, "a", &version));
    a->versions->offered = true;
    static const char *const names[] = {"A", "FIRST", "a++"};
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(catalog_find(languages, names[i], &version), a);
        assert_ptr_equal(version, a->versions);
    }
    assert_null(catalog_find(languages, "firs", &version));
    assert_null(catalog_find(languages, "", &version));
    catalog_free(languages);
}

/* What an entry leaves out is the file's own; null takes away what a language can do without. */
static void test_versions_of_one_language(void **state)
{
    (void)state;
    put("a", MINIMAL("a") ",\"image\":\"i\",\"compile\":{\"argv\":[\"c\"],\"timeout\":9},\"waiting\":\"open\","
                          "\"environment\":{\"A\":\"1\"},\"packages\":{\"argv\":[\"p\"]},\"versions\":[{},"
                          "{\"name\":\"clang\",\"image\":\"j\",\"compile\":null,\"packages\":null,\"waiting\":null,"
                          "\"environment\":{},\"run\":{\"argv\":[\"r\"]},\"version\":{\"argv\":[\"v\"]},"
                          "\"aliases\":[\"alang\"]}]}");
    struct said said;
    struct catalog *languages = load(&said);
    assert_int_equal(said.count, 0);
    struct language *a = catalog_at(languages, 0);
    assert_int_equal(a->versions_len, 3);
    const struct language_version *same = &a->versions[1], *other = &a->versions[2];
    assert_null(same->name);
    assert_string_equal(same->image, "i");
    assert_string_equal(same->compile[0], "c");
    assert_int_equal(same->compile_ms, 9000);
    assert_string_equal(same->run[0], "x");
    assert_string_equal(same->env[0], "A=1");
    assert_string_equal(same->packages_argv[0], "p");
    assert_string_equal(same->kind.prewarm_argv[0], "c");
    assert_null(same->aliases[0]);
    assert_string_equal(other->name, "clang");
    assert_string_equal(other->image, "j");
    assert_string_equal(other->kind.image, "j");
    assert_string_equal(other->kind.language, "a");
    assert_null(other->compile);
    assert_string_equal(other->run[0], "r");
    assert_string_equal(other->version_argv[0], "v");
    assert_null(other->packages_argv);
    assert_null(other->env[0]);
    assert_null(other->kind.prewarm_argv);
    assert_string_equal(other->aliases[0], "alang");
    catalog_without_prewarming(languages);
    assert_null(same->kind.prewarm_argv);
    catalog_free(languages);
}

/* An alias of a version's names the language with that version. */
static void test_find_a_version(void **state)
{
    (void)state;
    put("a", MINIMAL("a") ",\"versions\":[{\"aliases\":[\"a3.11\"]},{\"name\":\"pypy\",\"aliases\":[\"pypy\"]}]}");
    struct said said;
    struct catalog *languages = load(&said);
    struct language *a = catalog_at(languages, 0);
    struct language_version *version;
    assert_non_null(catalog_expected(languages, "a"));
    assert_non_null(catalog_expected(languages, "PyPy"));
    assert_null(catalog_expected(languages, "b"));
    a->versions[1].offered = true;
    assert_ptr_equal(catalog_find(languages, "A3.11", &version), a);
    assert_ptr_equal(version, &a->versions[1]);
    assert_ptr_equal(catalog_find(languages, "a", &version), a);
    assert_ptr_equal(version, &a->versions[1]);
    assert_null(catalog_find(languages, "pypy", &version));
    assert_non_null(catalog_expected(languages, "pypy"));
    a->versions[2].left_out = "why";
    assert_null(catalog_expected(languages, "pypy"));
    a->versions[1].offered = false;
    a->versions[1].left_out = "why";
    assert_null(catalog_find(languages, "a", &version));
    assert_non_null(catalog_expected(languages, "a")); /* the first may yet come */
    a->versions[0].left_out = "why";
    assert_null(catalog_expected(languages, "a"));
    catalog_free(languages);
}

/* Versions count as languages do. */
static void test_one_more_version_than_fit(void **state)
{
    (void)state;
    for (int i = 0; i < 67; i++) {
        char id[16], json[512];
        snprintf(id, sizeof id, "l%03d", i);
        snprintf(json, sizeof json, MINIMAL("%s") ",\"versions\":[{},{}]}", id);
        put(id, json);
    }
    struct said said;
    struct catalog *languages = load(&said);
    assert_int_equal(catalog_count(languages), 66);
    assert_int_equal(said.count, 1);
    catalog_free(languages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(test_find_sees_only_what_is_offered),
        ON_DISK(test_versions_of_one_language),
        ON_DISK(test_find_a_version),
        ON_DISK(test_one_more_version_than_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
