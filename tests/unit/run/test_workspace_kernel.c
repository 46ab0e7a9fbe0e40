/* What a workspace's next kernel step is told of the kernel before it. */
#include "run/workspace_private.h"
#include "unit.h"

static struct workspaces all;
static struct language_version python, node;

/* It has no row, so nothing is written. */
static struct workspace workspace_with(enum workspace_kernel kernel)
{
    return (struct workspace){
        .all = &all, .state = WORKSPACE_BUSY, .kernel_version = &python, .row = {.row = 0, .kernel = kernel}};
}

static const char *told(struct workspace *workspace, const struct language_version *version, bool fresh, bool lives)
{
    struct workspace_use use = {.workspace = workspace, .version = (struct language_version *)version, .has = true};

    return workspace_kernel_ended(&use, fresh, lives);
}

static void test_what_is_told(void **state)
{
    static const struct {
        enum workspace_kernel before;
        const char *why;
    } cases[] = {
        {WORKSPACE_KERNEL_NONE, NULL},
        {WORKSPACE_KERNEL_LIVES, "it ended between two executions"},
        {WORKSPACE_KERNEL_SLEPT, "the workspace slept"},
        {WORKSPACE_KERNEL_RESTARTED, "the server was restarted"},
        {WORKSPACE_KERNEL_LOST, "its container was lost"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct workspace workspace = workspace_with(cases[i].before);
        const char *why = told(&workspace, &python, true, true);
        if (cases[i].why == NULL)
            assert_null(why);
        else
            assert_string_equal(why, cases[i].why);
        assert_int_equal(workspace.row.kernel, WORKSPACE_KERNEL_LIVES);
        assert_null(told(&workspace, &python, false, true)); /* once */
    }
}

static void test_another_language(void **state)
{
    struct workspace workspace = workspace_with(WORKSPACE_KERNEL_LIVES);

    (void)state;
    assert_string_equal(told(&workspace, &node, true, true), "the kernel of another language took its place");
    assert_null(told(&workspace, &node, false, true));
}

/* The answer of the step that ended it has told it. */
static void test_an_end_that_was_told(void **state)
{
    struct workspace workspace = workspace_with(WORKSPACE_KERNEL_LIVES);

    (void)state;
    assert_null(told(&workspace, &python, false, false));
    assert_int_equal(workspace.row.kernel, WORKSPACE_KERNEL_NONE);
    workspace_kernel_gone(&workspace, WORKSPACE_KERNEL_LOST);
    assert_null(told(&workspace, &python, true, true));
}

static void test_its_cell_ends(void **state)
{
    struct workspace workspace = workspace_with(WORKSPACE_KERNEL_LIVES);

    (void)state;
    workspace_kernel_gone(&workspace, WORKSPACE_KERNEL_SLEPT);
    assert_int_equal(workspace.row.kernel, WORKSPACE_KERNEL_SLEPT);
    workspace_kernel_gone(&workspace, WORKSPACE_KERNEL_LOST); /* there was none any more */
    assert_int_equal(workspace.row.kernel, WORKSPACE_KERNEL_SLEPT);
    workspace = workspace_with(WORKSPACE_KERNEL_LIVES);
    workspace.ends_kernel = true; /* its client has asked for that */
    workspace_kernel_gone(&workspace, WORKSPACE_KERNEL_LOST);
    assert_int_equal(workspace.row.kernel, WORKSPACE_KERNEL_NONE);
    assert_false(workspace.ends_kernel);
}

static void test_a_restart_waits_for_what_runs(void **state)
{
    struct workspace workspace = workspace_with(WORKSPACE_KERNEL_LIVES);

    (void)state;
    workspace.ends_kernel = true;
    workspace_kernel_step(&workspace);
    assert_true(workspace.ends_kernel);
    assert_int_equal(workspace.row.kernel, WORKSPACE_KERNEL_LIVES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_told),
        cmocka_unit_test(test_another_language),
        cmocka_unit_test(test_an_end_that_was_told),
        cmocka_unit_test(test_its_cell_ends),
        cmocka_unit_test(test_a_restart_waits_for_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
