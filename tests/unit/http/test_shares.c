/* Who may hold how much, by tables; and the list of owners. */
#include "unit.h"

#include "http/shares.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define KIB ((size_t)1024)
#define OWNERS 9

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
        {true, 750, 750, 64},   {false, 752, 756, 64},  {false, 1000, 900, 64},  /* a small one: three quarters */
        {true, 900, 300, 64},   {true, 900, 900, 0},    {true, 5000, 900, 0},    /* none: nothing is taken */
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

struct outcome {
    size_t left, least, largest; /* bytes: free, and of the owners that hold least and most */
};

static void grow(struct http_shares *shares, struct http_share **share, int64_t owners, size_t body)
{
    for (bool grown = true; grown;) {
        grown = false;
        for (int64_t i = 0; i < owners; i++) {
            share[i] = join(shares, i);
            http_shares_move(shares, share[i], 0, body);
            if (http_shares_fit(shares, share[i], body))
                grown = true;
            else
                http_shares_move(shares, share[i], body, 0);
        }
    }
}

/* Each of the owners takes as many bodies of `first` bytes as it gets, if that is not 0, and then of `body` bytes. */
static struct outcome contest(int64_t owners, size_t most, size_t first, size_t body)
{
    struct http_shares shares = {.most = most};
    struct http_share *share[OWNERS] = {NULL};

    if (first > 0)
        grow(&shares, share, owners, first);
    grow(&shares, share, owners, body);
    struct outcome outcome = {.left = shares.most - shares.total, .least = SIZE_MAX};
    for (int64_t i = 0; i < owners; i++) {
        size_t held = share[i]->bytes;
        outcome.least = held < outcome.least ? held : outcome.least;
        outcome.largest = held > outcome.largest ? held : outcome.largest;
        http_shares_move(&shares, share[i], held, 0);
        for (unsigned users = share[i]->users; users > 0; users--)
            http_shares_leave(&shares, share[i]);
    }
    assert_null(shares.first);
    assert_int_equal(shares.total, 0);
    return outcome;
}

/* However many owners want all that they can get, the next one finds a part as large as theirs. */
static void greedy_owners(void **state)
{
    (void)state;
    size_t most = 100000 * KIB, body = 100 * KIB;

    for (int64_t owners = 1; owners <= OWNERS; owners++) {
        size_t part = most / ((size_t)owners + 1);
        struct outcome outcome = contest(owners, most, 0, body);
        assert_true(outcome.left >= part);
        assert_in_range(outcome.least, part - 2 * body, part + 2 * body);
        assert_in_range(outcome.largest, part - 2 * body, part + 2 * body);
    }
}

/* Nor do they get all with small bodies, alone or once no large one fits. */
static void greedy_owners_of_small_bodies(void **state)
{
    (void)state;
    size_t most = 100000 * KIB, body = 64 * KIB;

    for (int64_t owners = 1; owners <= OWNERS; owners++) {
        size_t part = most / (HTTP_SHARE_SMALL_TIMES * (size_t)owners + 1);
        for (size_t first = 0; first <= 100 * KIB; first += 100 * KIB) {
            struct outcome outcome = contest(owners, most, first, body);
            assert_in_range(outcome.left, part, part + 2 * body * (size_t)owners);
            assert_true(outcome.least >= HTTP_SHARE_SMALL_TIMES * part - 4 * body);
        }
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
        cmocka_unit_test(greedy_owners_of_small_bodies),
        cmocka_unit_test(owners_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
