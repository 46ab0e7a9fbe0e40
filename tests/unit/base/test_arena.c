#include "base/arena.h"
#include "unit.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void test_pieces_are_apart_and_zero(void **state)
{
    static const size_t sizes[] = {1, 7, 16, 100, 1000, 1024, 5000, 3, 4000, 90, 0};
    struct arena arena = {0};
    unsigned char *pieces[sizeof sizes / sizeof *sizes];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        pieces[i] = arena_alloc(&arena, sizes[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(pieces[i][j], 0);
        memset(pieces[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(pieces[i][j], i + 1);
    assert_true(arena.size >= 11245 && arena.size < 30000);
    arena_free(&arena);
    assert_null(arena.blocks);
    assert_int_equal(arena.size, 0);
}

static void test_texts(void **state)
{
    struct arena arena = {0};

    (void)state;
    char *text = arena_text(&arena, "ab\0cd", 5);
    assert_memory_equal(text, "ab\0cd", 6);
    assert_string_equal(arena_text(&arena, NULL, 0), "");
    assert_string_equal(arena_printf(&arena, "%s-%d", "x", 7), "x-7");
    arena_free(&arena);
}

static int released;

static void release(void *object)
{
    released++;
    free(object);
}

static void test_adopted_objects_are_released_once(void **state)
{
    struct arena arena = {0};

    (void)state;
    released = 0;
    assert_int_equal(arena_adopt(&arena, malloc(10), release), 0);
    assert_non_null(arena_alloc(&arena, 10));
    assert_int_equal(arena_adopt(&arena, malloc(20), release), 0);
    assert_int_equal(released, 0);
    arena_free(&arena);
    assert_int_equal(released, 2);
    arena_free(&arena);
    assert_int_equal(released, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_apart_and_zero),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_adopted_objects_are_released_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
