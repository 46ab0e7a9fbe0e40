/* Who may hold how much, by tables; and the list of owners. */
#include "unit.h"

#include "http/shares.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define KIB ((size_t)1024)

static void fits(void **state)
{
    (void)state;
    static const struct {
        bool fits;
        size_t total, held, own; /* KiB of 1000; `held`: the owner's, 0: none is known */
    } table[] = {
        {true, 0, 0, 0},        {true, 1000, 0, 1000},  {false, 1001, 0, 1001},  /* one body alone */
        {true, 1000, 900, 900}, {true, 600, 100, 100},  {false, 1001, 100, 100}, /* an owner's only body */
        {true, 500, 500, 100},  {false, 501, 501, 100}, {false, 900, 900, 800},  /* one owner alone: half */
        {true, 900, 100, 70},   {false, 901, 100, 70},  {true, 667, 333, 70},    /* beside another: a third */
        {true, 1000, 900, 64},  {false, 1001, 900, 64}, {true, 1000, 900, 0},    /* a small one: what is left */
        {true, 5000, 64, 64},   {true, 5000, 64, 1},    {false, 5000, 65, 1},    /* nearly nothing in all: always */
        {true, 5000, 0, 64},    {false, 5000, 0, 65},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct http_shares shares = {.total = table[i].total * KIB, .most = 1000 * KIB};
        struct http_share share = {.bytes = table[i].held * KIB};
        bool fit = http_shares_fit(&shares, table[i].held > 0 ? &share : NULL, table[i].own * KIB);
        if (fit != table[i].fits)
            fail_msg("row %zu: %d", i, fit);
    }
}

static struct http_share *join(struct http_shares *shares, int64_t key)
{
    struct http_party owner = http_party_key(key);

    return http_shares_join(shares, &owner);
}

/* However many want all they can get, who comes next finds a part as large as theirs. */
static void greedy_owners(void **state)
{
    (void)state;
    enum { MOST = 9, BODY = 100 };
    for (int64_t owners = 1; owners <= MOST; owners++) {
        struct http_shares shares = {.most = 100000 * KIB};
        struct http_share *share[MOST] = {NULL};
        bool grown = true;
        while (grown) {
            grown = false;
            for (int64_t i = 0; i < owners; i++) {
                struct http_share *one = join(&shares, i);
                share[i] = one;
                http_shares_move(&shares, one, 0, BODY * KIB);
                if (http_shares_fit(&shares, one, BODY * KIB))
                    grown = true;
                else
                    http_shares_move(&shares, one, BODY * KIB, 0);
            }
        }
        size_t part = shares.most / ((size_t)owners + 1);
        assert_true(shares.most - shares.total >= part);
        for (int64_t i = 0; i < owners; i++) {
            assert_in_range(share[i]->bytes, part - KIB * 2 * BODY, part + KIB * 2 * BODY);
            http_shares_move(&shares, share[i], share[i]->bytes, 0);
            for (unsigned users = share[i]->users; users > 0; users--)
                http_shares_leave(&shares, share[i]);
        }
        assert_null(shares.first);
        assert_int_equal(shares.total, 0);
    }
}

static void owners_are_found_again(void **state)
{
    (void)state;
    struct http_shares shares = {.most = 1};
    struct http_share *one = join(&shares, 1), *two = join(&shares, 2);
    assert_ptr_not_equal(one, two);
    assert_ptr_equal(join(&shares, 1), one);
    assert_ptr_equal(join(&shares, 2), two);
    http_shares_leave(&shares, one);
    assert_ptr_equal(shares.first->next, one); /* it has one more user */
    http_shares_leave(&shares, one);
    assert_null(shares.first->next);
    http_shares_leave(&shares, two);
    http_shares_leave(&shares, two);
    assert_null(shares.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits),
        cmocka_unit_test(greedy_owners),
        cmocka_unit_test(owners_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
