#include "base/seam.h"
#include "unit.h"

#include <string.h>
#include <time.h>

static void the_system_clocks_move_on(void **state)
{
    (void)state;
    uint64_t before = seam()->monotonic_ns();
    assert_true(seam()->monotonic_ns() >= before);
    int64_t wall = seam()->wall_ns() / 1000000000;
    assert_in_range(time(NULL) + 1 - wall, 0, 6); /* time() may be a tick behind */
    assert_true(seam_wall_ms() / 1000 >= wall);
}

static void random_fills_all_of_it(void **state)
{
    (void)state;
    /* Large enough that a short getrandom(2) would be seen, and each byte is nonzero at some time. */
    static unsigned char bytes[1 << 16];
    seam()->random(bytes, sizeof bytes);
    size_t counts[256] = {0};
    for (size_t i = 0; i < sizeof bytes; i++)
        counts[bytes[i]]++;
    for (size_t i = 0; i < 256; i++)
        assert_in_range(counts[i], 100, 500);
    seam()->random(bytes, 0);
}

static int64_t fixed_wall(void)
{
    return 1234567890123456789;
}

static void a_test_puts_its_own_in_place(void **state)
{
    (void)state;
    struct seam other = seam_system;
    other.wall_ns = fixed_wall;
    seam_set(&other);
    assert_int_equal(seam_wall_ms(), 1234567890123);
    seam_set(&seam_system);
    assert_ptr_equal(seam(), &seam_system);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_clocks_move_on),
        cmocka_unit_test(random_fills_all_of_it),
        cmocka_unit_test(a_test_puts_its_own_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
