/* Which versions of a language can run, in which order, which one a range chooses, and what is told of them. */
#include "languages/catalog.h"

#include "base/json.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *no_aliases[] = {NULL};

static struct language_version version_of(const char *of, const char *number)
{
    struct language_version version = {
        .name = (char *)of, .aliases = no_aliases, .offered = number != NULL, .least = limits_minima, .packages = NULL};

    snprintf(version.number, sizeof version.number, "%s", number != NULL ? number : "");
    snprintf(version.reported, sizeof version.reported, "%s%s%s", of != NULL ? of : "", of != NULL ? "-" : "",
             version.number);
    return version;
}

static char id[] = "c", name[] = "C", file[] = "main.c", code[] = "code", out_text[] = "out";

static struct language language_of(struct language_version *versions, size_t count)
{
    return (struct language){.id = id,
                             .name = name,
                             .file = file,
                             .aliases = no_aliases,
                             .limits = limits_defaults,
                             .versions = versions,
                             .versions_len = count,
                             .example_code = code,
                             .example_stdout = out_text};
}

/* Without a name the newest first, then the others by their names; what is not offered is not there. */
static void order(void **state)
{
    struct language_version versions[] = {
        version_of(NULL, "3.9"),     version_of("pypy", "7.3.19"), version_of(NULL, NULL),
        version_of("clang", "18.1"), version_of(NULL, "3.13.5"),   version_of("clang", "19.1"),
        version_of(NULL, "3.9"),     version_of("clang", NULL),    version_of(NULL, "3.10.12"),
    };
    struct language language = language_of(versions, 9);
    static const char *const expected[] = {"3.13.5", "3.10.12", "3.9", "clang-19.1", "clang-18.1", "pypy-7.3.19"};
    struct language_version *out[LANGUAGE_VERSIONS_MAX];

    (void)state;
    assert_int_equal(language_versions(&language, out), 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(out[i]->reported, expected[i]);
    assert_ptr_equal(language_default(&language), &versions[4]);
    assert_false(language_asked(&language));
    versions[2].left_out = versions[7].left_out = "why";
    assert_true(language_asked(&language));
    versions[4].offered = false; /* its image went away */
    assert_string_equal(language_default(&language)->reported, "3.10.12");
    for (size_t i = 0; i < 9; i++)
        versions[i].offered = false;
    assert_null(language_default(&language));
}

static void with_names_alone(void **state)
{
    struct language_version versions[] = {version_of(NULL, NULL), version_of("guile", "3.0.10"),
                                          version_of("chez", "10.0.0")};
    struct language language = language_of(versions, 3);

    (void)state;
    assert_string_equal(language_default(&language)->reported, "chez-10.0.0");
}

static void chosen(void **state)
{
    struct language_version versions[] = {version_of(NULL, "14.2.0"), version_of(NULL, "12.4.0"),
                                          version_of("clang", "19.1.7"), version_of("clang", "18.1.8")};
    struct language language = language_of(versions, 4);
    static const struct {
        const char *range, *usual;
        int expected; /* -1: none */
    } cases[] = {
        {"latest", NULL, 0},    {"*", NULL, 0},           {"12", NULL, 1},     {"<14", NULL, 1},
        {"19", NULL, -1},       {"13", NULL, -1},         {"clang", NULL, 2},  {"CLANG-18", NULL, 3},
        {"clang<19", NULL, 3},  {"clang-14", NULL, -1},   {"gcc", NULL, -1},   {"18", "clang", 3},
        {"latest", "clang", 2}, {"clang-18", "clang", 3}, {"14", "clang", -1}, {"clan", NULL, -1},
        {">=12 <14", NULL, 1},  {"^12.1", NULL, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct version_range range;
        assert_int_equal(version_range_read(&range, cases[i].range), 0);
        const struct language_version *version = language_choose(&language, &range, cases[i].usual);
        if (version != (cases[i].expected < 0 ? NULL : &versions[cases[i].expected]))
            fail_msg("%s: %s", cases[i].range, version != NULL ? version->reported : "none");
    }
}

static void expect_told(const struct language *language, const char *expected)
{
    json_t *object = language_json(language);
    size_t len;
    char *text = json_text(object, &len);

    assert_string_equal(text, expected);
    free(text);
    json_decref(object);
}

#define REST(memory)                                                                                         \
    "\"limits\":{\"cpu\":1.0,\"memory_mb\":512,\"disk_mb\":100,\"processes\":64,\"output_kb\":1024}"         \
    ",\"least_limits\":{\"cpu\":0.1,\"memory_mb\":" memory ",\"disk_mb\":1,\"processes\":8,\"output_kb\":1}" \
    ",\"example\":{\"code\":\"code\",\"stdout\":\"out\"}}"

static void told(void **state)
{
    struct language_version versions[] = {version_of(NULL, "12.4"), version_of(NULL, "14.2.0"),
                                          version_of("clang", "19.1.7")};
    struct language language = language_of(versions, 3);
    char *aliases[] = {(char[]){"gcc"}, NULL}, *clang[] = {(char[]){"clang"}, NULL},
         *compile[] = {(char[]){"cc"}, NULL};

    (void)state;
    language.aliases = aliases;
    versions[2].aliases = clang;
    versions[1].compile = compile;
    versions[1].least.cell.memory_mb = 48; /* the default's is told */
    versions[0].packages = json_pack("[{ssss}]", "name", "old", "version", "1");
    versions[1].packages = json_pack("[{ssss}]", "name", "libc6", "version", "2.41");
    expect_told(&language, "{\"id\":\"c\",\"name\":\"C\",\"version\":\"14.2.0\","
                           "\"versions\":[\"14.2.0\",\"12.4\",\"clang-19.1.7\"],\"aliases\":[\"gcc\",\"clang\"],"
                           "\"file\":\"main.c\",\"compiled\":true,"
                           "\"packages\":[{\"name\":\"libc6\",\"version\":\"2.41\"}]," REST("48"));
    versions[1].offered = versions[2].offered = false;
    expect_told(&language, "{\"id\":\"c\",\"name\":\"C\",\"version\":\"12.4\",\"versions\":[\"12.4\"],"
                           "\"aliases\":[\"gcc\"],\"file\":\"main.c\",\"compiled\":false,"
                           "\"packages\":[{\"name\":\"old\",\"version\":\"1\"}]," REST("32"));
    versions[0].offered = false;
    expect_told(&language, "{\"id\":\"c\",\"name\":\"C\",\"version\":null,\"versions\":[],\"aliases\":[\"gcc\"],"
                           "\"file\":\"main.c\",\"compiled\":false,\"packages\":[]," REST("32"));
    json_decref(versions[0].packages);
    json_decref(versions[1].packages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order),
        cmocka_unit_test(with_names_alone),
        cmocka_unit_test(chosen),
        cmocka_unit_test(told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
