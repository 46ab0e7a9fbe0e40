/* Patterns of paths: what each matches, and which folders it looks into. */
#include "unit.h"

#include "docker/agent/glob.h"

#include <stdio.h>
#include <string.h>

/* Walks down the path. False: the pattern would not have looked into one of its folders, or does not match. */
static bool matches(const char *pattern, const char *path)
{
    struct glob glob;
    char name[256];
    assert_true(glob_read(&glob, pattern));
    glob_set set = glob_start(&glob);
    for (;;) {
        size_t len = strcspn(path, "/");
        snprintf(name, sizeof name, "%.*s", (int)len, path);
        set = glob_enter(&glob, set, name);
        if (path[len] == '\0')
            return glob_matched(&glob, set);
        if (!glob_goes_on(&glob, set))
            return false;
        path += len + 1;
    }
}

static void test_matches(void **state)
{
    static const struct {
        const char *pattern, *yes[4], *no[6];
    } lines[] = {
        {"a.txt", {"a.txt"}, {"a.txt/a.txt", "b/a.txt", "a-txt", "A.txt"}},
        {"*", {"a", "a b\n"}, {"a/b", ".a"}},
        {"*.png", {"a.png", "a.b.png"}, {".png", "a.PNG", "a.pngx", "a/b.png"}},
        {"?.c", {"a.c", "\xc3\xa4.c", "\xff.c"}, {".c", "ab.c", "\xc3.\xa4"}},
        {"out/*.csv", {"out/a.csv"}, {"out/b/a.csv", "in/a.csv", "out"}},
        {"**", {"a", "a/b", "a/b/c"}, {".a", "a/.b", ".a/b"}},
        {"**/*.txt", {"a.txt", "x/a.txt", "x/y/a.txt"}, {"x/.a.txt", ".x/a.txt", "a.txt/b"}},
        {"a/**", {"a/b", "a/b/c"}, {"a", "b/a", "a/.b"}},
        {"a/**/z", {"a/z", "a/b/z", "a/b/c/z"}, {"z", "a/b", "b/a/z"}},
        {"**/a/**/b", {"a/b", "x/a/b", "a/a/b/b"}, {"a", "b", "b/a"}},
        {"a**b", {"ab", "axxb"}, {"a/b"}},
        {"[abc]", {"a", "c"}, {"d", "ab", "-"}},
        {"[a-c]x", {"bx"}, {"dx", "-x"}},
        {"[!a-c]x", {"dx", "\xc3\xa4x"}, {"ax"}},
        {"[^a]x", {"bx"}, {"ax"}},
        {"[]a]x", {"]x", "ax"}, {"x"}},
        {"[a-]x", {"ax", "-x"}, {"bx"}},
        {"[\xc3\xa4-\xc3\xbc]", {"\xc3\xb6"}, {"a", "\xc3", "\xb6"}},
        {"a[1].txt", {"a1.txt", "a[1].txt"}, {"a[1]1.txt"}},
        {"[a", {"[a"}, {"a"}},
        {"[", {"["}, {"a"}},
        {".*", {".a", ".."}, {"a", ".a/b"}},
        {".a/*", {".a/b"}, {".a/.b", ".b/a"}},
        {"*a*a*a*a*a*b",
         {"aaaaab"},
         {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        for (size_t j = 0; j < 4 && lines[i].yes[j]; j++)
            if (!matches(lines[i].pattern, lines[i].yes[j]))
                fail_msg("%s does not match %s", lines[i].pattern, lines[i].yes[j]);
        for (size_t j = 0; j < 6 && lines[i].no[j]; j++)
            if (matches(lines[i].pattern, lines[i].no[j]))
                fail_msg("%s matches %s", lines[i].pattern, lines[i].no[j]);
    }
}

static void test_refused(void **state)
{
    static const char *const bad[] = {"", "/a", "../a", "a/../b", "a//b", "a/", "./a"};
    struct glob glob;
    char deep[2 * GLOB_NAMES_MAX + 3];
    const size_t last = (size_t)2 * GLOB_NAMES_MAX - 3;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(glob_read(&glob, bad[i]));
    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = i % 2 ? '/' : 'a';
    deep[2 * GLOB_NAMES_MAX - 1] = '\0';
    assert_true(matches(deep, deep));
    deep[2 * GLOB_NAMES_MAX - 1] = '/';
    deep[2 * GLOB_NAMES_MAX + 1] = '\0';
    assert_false(glob_read(&glob, deep));
    memset(deep, '*', sizeof deep);
    for (size_t i = 1; i < sizeof deep; i += 2)
        deep[i] = '/';
    snprintf(deep + last, sizeof deep - last, "/**"); /* as many names as there may be, and the last is "**" */
    assert_true(glob_read(&glob, deep));
    assert_true(glob_goes_on(&glob, glob_start(&glob)));
}

/* A folder that no pattern needs is not looked into. */
static void test_pruned(void **state)
{
    struct glob glob;
    (void)state;
    assert_true(glob_read(&glob, "out/x/*.txt"));
    glob_set top = glob_start(&glob);
    assert_false(glob_goes_on(&glob, glob_enter(&glob, top, "other")));
    assert_true(glob_goes_on(&glob, glob_enter(&glob, top, "out")));
    assert_false(glob_goes_on(&glob, glob_enter(&glob, glob_enter(&glob, top, "out"), "y")));
}

/* The worst pattern on the longest name costs the product of their lengths, not a power of it. */
static void test_linear(void **state)
{
    char pattern[256], name[256];
    (void)state;
    memset(name, 'a', sizeof name);
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = i % 2 ? '*' : 'a';
    pattern[253] = 'b';
    pattern[254] = pattern[255] = name[255] = '\0';
    for (int i = 0; i < 1000; i++)
        assert_false(matches(pattern, name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_pruned),
        cmocka_unit_test(test_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
