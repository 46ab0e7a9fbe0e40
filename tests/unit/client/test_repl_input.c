/* When the input of `codecell repl` is a whole cell. */
#include "client/repl_input.h"

#include "unit.h"

#include <string.h>

static const struct {
    enum repl_syntax syntax;
    const char *text;
    bool whole;
} table[] = {
    {REPL_PYTHON, "1 + 1\n", true},
    {REPL_PYTHON, "\n", true},
    {REPL_PYTHON, "print(\n", false},
    {REPL_PYTHON, "print(\n1)\n", true},
    {REPL_PYTHON, "a = [1,\n\n", false},
    {REPL_PYTHON, "a = [1, # ]\n2]\n", true},
    {REPL_PYTHON, "'('\n", true},
    {REPL_PYTHON, "'\\'('\n", true},
    {REPL_PYTHON, "'no end(\n", true},
    {REPL_PYTHON, "\"\"\"text\n", false},
    {REPL_PYTHON, "\"\"\"text ' \"\n\n\"\"\"\n", true},
    {REPL_PYTHON, "''''a'''\n", true},
    {REPL_PYTHON, "a = 1 + \\\n", false},
    {REPL_PYTHON, "a = 1 + \\\n1\n", true},
    {REPL_PYTHON, "# a comment: \\\n", false},
    {REPL_PYTHON, "for i in x:\n", false},
    {REPL_PYTHON, "for i in x:  # why\n", false},
    {REPL_PYTHON, "for i in x:\n    print(i)\n", false},
    {REPL_PYTHON, "for i in x:\n    print(i)\n\n", true},
    {REPL_PYTHON, "for i in x:\n    print(i)\n  \t\n", true},
    {REPL_PYTHON, "if a: b\n", true},
    {REPL_PYTHON, "a[1:\n", false},
    {REPL_PYTHON, "a[1:\n]\n", true},
    {REPL_PYTHON, "'ends in a colon:'\n", true},
    {REPL_PYTHON, "# so does this:\n", true},
    {REPL_PYTHON, "@cache\n", false},
    {REPL_PYTHON, "@cache\ndef f(): return 1\n\n", true},
    {REPL_PYTHON, ")\n", true},
    {REPL_JAVASCRIPT, "1 + 1\n", true},
    {REPL_JAVASCRIPT, "function f() {\n", false},
    {REPL_JAVASCRIPT, "function f() {\n\n}\n", true},
    {REPL_JAVASCRIPT, "`text\n", false},
    {REPL_JAVASCRIPT, "`text\n${1}`\n", true},
    {REPL_JAVASCRIPT, "/* a (\n", false},
    {REPL_JAVASCRIPT, "/* a (\n*/ 1\n", true},
    {REPL_JAVASCRIPT, "1 // (\n", true},
    {REPL_JAVASCRIPT, "label:\n", true},
    {REPL_JAVASCRIPT, "'\"{'\n", true},
};

static void test_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (repl_input_is_whole(table[i].syntax, table[i].text, strlen(table[i].text)) != table[i].whole)
            fail_msg("%s", table[i].text);
}

static void test_exit(void **state)
{
    static const char *const yes[] = {"exit\n", "exit()\n", "quit\n", "quit() ;\n", ".exit\n"}, *const no[] = {
                                                                                                    "exit(1)\n",
                                                                                                    "exits\n", "\n",
                                                                                                    "print(1)\nexit\n",
                                                                                                    ""};

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(repl_input_is_exit(yes[i], strlen(yes[i])));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(repl_input_is_exit(no[i], strlen(no[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_exit)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
