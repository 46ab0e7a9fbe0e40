#include "base/list.h"
#include "unit.h"

#include <string.h>

struct item {
    char letter;
    struct list node;
};

static struct list list;
static struct item items[4];

static int setup(void **state)
{
    (void)state;
    list_init(&list);
    for (unsigned i = 0; i < 4; i++)
        items[i] = (struct item){.letter = (char)('a' + i)};
    return 0;
}

/* The letters forwards, and that backwards they are the same ones. */
static const char *letters(void)
{
    static char text[2 * sizeof items / sizeof *items + 1];
    size_t count = 0;

    LIST_EACH (node, &list)
        text[count++] = container_of(node, struct item, node)->letter;
    text[count] = '\0';
    for (struct list *node = list.prev; node != &list; node = node->prev)
        assert_int_equal(container_of(node, struct item, node)->letter, text[--count]);
    assert_int_equal(count, 0);
    return text;
}

static void test_order(void **state)
{
    (void)state;
    assert_true(list_is_empty(&list));
    assert_string_equal(letters(), "");
    list_push(&list, &items[1].node);
    list_push(&list, &items[2].node);
    list_unshift(&list, &items[0].node);
    list_insert(&items[1].node, &items[3].node);
    assert_string_equal(letters(), "adbc");
    assert_false(list_is_empty(&list));
    assert_ptr_equal(list_first(&list), &items[0].node);
    assert_ptr_equal(list_last(&list), &items[2].node);
}

static void test_removal(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        list_push(&list, &items[i].node);
    list_remove(&items[1].node);
    assert_false(list_has(&items[1].node));
    assert_true(list_has(&items[0].node));
    assert_string_equal(letters(), "acd");
    list_forget(&items[1].node); /* is in no list: nothing happens */
    list_forget(&items[3].node);
    assert_string_equal(letters(), "ac");
    assert_ptr_equal(list_shift(&list), &items[0].node);
    assert_ptr_equal(list_shift(&list), &items[2].node);
    assert_null(list_shift(&list));
    assert_null(list_first(&list));
    assert_null(list_last(&list));
}

static void test_removal_on_the_way(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        list_push(&list, &items[i].node);
    LIST_EACH (node, &list)
        if (container_of(node, struct item, node)->letter != 'c')
            list_remove(node);
    assert_string_equal(letters(), "c");
}

static void test_join(void **state)
{
    struct list more;

    (void)state;
    list_init(&more);
    list_join(&list, &more);
    assert_string_equal(letters(), "");
    list_push(&more, &items[0].node);
    list_join(&list, &more);
    assert_string_equal(letters(), "a");
    assert_true(list_is_empty(&more));
    list_push(&more, &items[1].node);
    list_push(&more, &items[2].node);
    list_join(&list, &more);
    assert_string_equal(letters(), "abc");
    assert_true(list_is_empty(&more));
    list_push(&more, &items[3].node);
    assert_string_equal(letters(), "abc");
    assert_ptr_equal(list_first(&more), &items[3].node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order, setup),
        cmocka_unit_test_setup(test_removal, setup),
        cmocka_unit_test_setup(test_removal_on_the_way, setup),
        cmocka_unit_test_setup(test_join, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
