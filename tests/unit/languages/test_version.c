/* Numbers of versions, and the ranges that choose among them. */
#include "languages/version.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void found_in_what_programs_print(void **state)
{
    static const char *const cases[][2] = {
        {"Python 3.13.5", "3.13.5"},
        {"v20.19.2\n", "20.19.2"},
        {"GNU bash, version 5.2.37(1)-release (x86_64-pc-linux-gnu)", "5.2.37"},
        {"gcc (Debian 14.2.0-19) 14.2.0", "14.2.0"},
        {"Debian clang version 19.1.7 (3)", "19.1.7"},
        {"This is perl 5, version 40, subversion 1 (v5.40.1)", "5.40.1"},
        {"openjdk 25.0.3 2026-04-21", "25.0.3"},
        {"openjdk 21 2023-09-19", "21"},
        {"go version go1.24.4 linux/amd64", "1.24.4"},
        {"R version 4.5.0 (2025-04-11) -- \"How About a Twenty-Six\"", "4.5.0"},
        {"SBCL 2.5.2.debian", "2.5.2"},
        {"Version 7.0.2", "7.0.2"},
        {"jq-1.7.1", "1.7.1"},
        {"Free Pascal Compiler version 3.2.2+dfsg-46 [2025/01/27] for x86_64", "3.2.2"},
        {"LuaJIT 2.1.1720049189 -- Copyright (C) 2005-2023 Mike Pall.", "2.1.1720049189"},
        {"SWI-Prolog version 9.2.9 for x86_64-linux", "9.2.9"},
        {"cobc (GnuCOBOL) 3.2.0", "3.2.0"},
        {"x 7. y", "7"},
        {"1..2 and 3.4", "3.4"},
    };
    char out[VERSION_NUMBER_MAX + 1];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(version_in(cases[i][0], out, sizeof out), 0);
        assert_string_equal(out, cases[i][1]);
    }
    assert_int_equal(version_in("none here.", out, sizeof out), -1);
    assert_int_equal(version_in("", out, sizeof out), -1);
    assert_int_equal(version_in("3.13.5", out, 6), -1);
    assert_int_equal(version_in("3.13.5", out, 7), 0);
}

static void compared(void **state)
{
    static const struct {
        const char *a, *b;
        int order;
    } cases[] = {
        {"3.13.5", "3.13.5", 0},
        {"3.9", "3.10", -1},
        {"3.9.99", "3.10", -1},
        {"10", "9.9.9", 1},
        {"21", "21.0.0", 0},
        {"21", "21.0.1", -1},
        {"1.2.3.4.5.6.7.8.1", "1.2.3.4.5.6.7.8.2", 0}, /* past what counts */
        {"2.1.1720049189", "2.1.1720049188", 1},
        {"99999999999999999999999", "99999999999999999999998", 0}, /* past 64 bits */
        {"99999999999999999999999", "1", 1},
        {"", "0", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(version_compare(cases[i].a, cases[i].b), cases[i].order);
        assert_int_equal(version_compare(cases[i].b, cases[i].a), -cases[i].order);
    }
}

static void ranges(void **state)
{
    static const struct {
        const char *range, *fits, *fails; /* numbers with spaces between */
    } cases[] = {
        {"3", "3 3.0.1 3.13.5", "2.9 4 30 13.3"},
        {"3.11", "3.11 3.11.2", "3 3.1 3.110 3.12 13.11"},
        {"3.11.2", "3.11.2 3.11.2.1", "3.11 3.11.20"},
        {"v20", "20.19.2", "2 200"},
        {"3.x", "3 3.13.5", "2 4"},
        {"3.11.x", "3.11.0 3.11.9", "3.12"},
        {"3.*", "3.13.5", "4"},
        {"3.X.x", "3.13.5", "4"},
        {"*", "0 3.13.5 99", ""},
        {"x", "0 3.13.5", ""},
        {"latest", "0 3.13.5", ""},
        {"LATEST", "1", ""},
        {"=3.11.2", "3.11.2", "3.11.3 3.11"},
        {"= 3.11", "3.11.2", "3.12"},
        {">=20", "20 20.0 20.19.2 24", "19.9 2"},
        {">= v20", "20.19.2", "19"},
        {">20", "21 24.1", "20 20.19.2 19"},
        {"<24", "23.99 20", "24 24.0.1 25"},
        {"<=22", "22 22.9.9 1", "23"},
        {">=20 <24", "20 22.1 23.9", "19 24"},
        {">=20,<24", "20 23.9", "19 24"},
        {" >=20 ,  <24 ", "20 23.9", "19 24"},
        {">=20<24", "", ""},
        {">=3.11 <3.13 *", "3.11 3.12.9", "3.13 3.10"},
        {"^3.10", "3.10 3.10.4 3.13.5", "3.9 4"},
        {"^3", "3 3.13", "2 4"},
        {"^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3 1"},
        {"^0.0.3", "0.0.3", "0.0.2 0.0.4 0.1"},
        {"^0", "0.9", "1"},
        {"^ 3.x", "3.1", "4"},
        {"~3.11", "3.11 3.11.9", "3.10 3.12"},
        {"~3.11.2", "3.11.2 3.11.9", "3.11.1 3.12"},
        {"~3", "3 3.99", "4 2"},
        {"1 2", "", "1 2"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct version_range range;
        bool malformed = version_range_read(&range, cases[i].range) != 0;
        if (malformed != (*cases[i].fits == '\0' && *cases[i].fails == '\0'))
            fail_msg("%s: %s", cases[i].range, malformed ? "refused" : "taken");
        for (int fits = 0; !malformed && fits < 2; fits++) {
            char list[128], *rest = list, *number;
            snprintf(list, sizeof list, "%s", fits ? cases[i].fits : cases[i].fails);
            while ((number = strsep(&rest, " ")) != NULL)
                if (*number != '\0' && version_fits(&range, number) != (bool)fits)
                    fail_msg("%s and %s", cases[i].range, number);
        }
        if (!malformed)
            assert_string_equal(range.name, "");
    }
}

static void names(void **state)
{
    static const struct {
        const char *range, *name, *fits, *fails;
    } cases[] = {
        {"clang", "clang", "19.1.7", NULL},
        {"Clang-19", "clang", "19.1.7", "18.2"},
        {"clang19", "clang", "19.1.7", "18"},
        {"clang 19", "clang", "19.1.7", "18"},
        {"clang->=18 <20", "clang", "18", "20"},
        {"clang>=18", "clang", "19", "17"},
        {"clang >=18, <20", "clang", "19", "20"},
        {"clang-latest", "clang", "1", NULL},
        {"clang-*", "clang", "1", NULL},
        {"clang-x", "clang", "1", NULL},
        {"clang-v19", "clang", "19", "18"},
        {"a1b2", "a1b", "2", "3"},
        {"g", "g", "1", NULL},
        {"es6x", "es6x", "1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct version_range range;
        if (version_range_read(&range, cases[i].range) != 0)
            fail_msg("refused: %s", cases[i].range);
        assert_string_equal(range.name, cases[i].name);
        assert_true(version_fits(&range, cases[i].fits));
        if (cases[i].fails != NULL)
            assert_false(version_fits(&range, cases[i].fails));
    }
}

static void malformed(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "-",
        "3.",
        ".3",
        "3..1",
        "3.x.1",
        "3.11a",
        "3.11-rc1",
        "3-",
        ">=",
        ">",
        "=",
        "^",
        "~",
        ">=*",
        "<x",
        "^*",
        "=>3",
        "><3",
        "!=3",
        "==3",
        "3 ||4",
        "1 - 2",
        "clang-",
        "clang- 19",
        "clang_19",
        "latest-3",
        "3,,4",
        "3,",
        ",3",
        "a b",
        "clang gcc",
        "v",
        "-3",
        "+3",
        "3\n4",
        "\xc3\xa9",
        "3.1.1.1.1.1.1.1.1",
        "1 2 3 4 5 6 7 8 9",
        "^1 ^1 ^1 ^1 ^1",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "11111111111111111111111111111111111111111111111111111111111111111",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct version_range range;
        if (version_range_read(&range, cases[i]) == 0)
            fail_msg("taken: %s (name %s)", cases[i], range.name);
    }
}

static void what_may_be_a_name(void **state)
{
    static const char *const good[] = {"clang", "pypy", "a", "es6x", "a1b"}, *const bad[] = {
                                                                                 "",    "Clang", "clang19", "9a",
                                                                                 "a-b", "x",     "v",       "latest",
                                                                                 "a b", "lua5",  "a_b"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(version_is_name(good[i]));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(version_is_name(bad[i]));
    assert_true(version_is_name("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    assert_false(version_is_name("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_in_what_programs_print),
        cmocka_unit_test(compared),
        cmocka_unit_test(ranges),
        cmocka_unit_test(names),
        cmocka_unit_test(malformed),
        cmocka_unit_test(what_may_be_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
