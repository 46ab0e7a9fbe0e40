#include "base/memory.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LARGE ((size_t)64 << 20)
#define NEAR ((long)LARGE / 2) /* valgrind and the sanitizers keep notes of the block */

static long resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    char line[128];

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    return strtol(strchr(line, ' '), NULL, 10) * sysconf(_SC_PAGESIZE); /* the second number */
}

static void *filled(size_t size)
{
    char *block = malloc(size);

    assert_non_null(block);
    memset(block, 1, size);
    return block;
}

static void blocks_of_all_sizes_are_freed(void **state)
{
    static const size_t sizes[] = {1, 4095, 4096, 128 << 10, (1 << 20) + 1, (3 << 20) + 5000, LARGE};

    (void)state;
    memory_free_large(NULL, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        memory_free_large(filled(sizes[i]), sizes[i]);
    memory_trim();
}

/* The loop ends only after the worker has freed the block. */
static void a_large_block_is_freed_apart(void **state)
{
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    long before = resident();
    void *block = filled(LARGE);
    assert_true(resident() - before > (long)LARGE - NEAR);
    memory_free_apart(&loop, block, LARGE);
    assert_true(uv_loop_alive(&loop));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(resident() - before < NEAR);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_small_block_is_freed_at_once(void **state)
{
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    memory_free_apart(&loop, filled(1000), 1000);
    assert_false(uv_loop_alive(&loop));
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_all_sizes_are_freed),
        cmocka_unit_test(a_large_block_is_freed_apart),
        cmocka_unit_test(a_small_block_is_freed_at_once),
    };
    memory_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
