/* What is counted of a step beside its memory: the decision, and the reading of a text of locks. */
#include "unit.h"

#include "docker/agent/cgroup.h"
#include "docker/agent/tally.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const char info[] = "pos:\t0\nflags:\t0100002\nmnt_id:\t22\nino:\t7\n"
                           "lock:\t1: POSIX  ADVISORY  READ 12 00:1f:7 0 0\nlock:\t2: POSIX  lock: 1\nlocked:\nlock";

/* However the text is cut. */
static void test_locks_are_read(void **state)
{
    (void)state;
    for (size_t part = 1; part < sizeof info; part++) {
        struct tally_text text = {0};
        uint64_t found = 0;
        for (size_t at = 0; at < sizeof info - 1; at += part)
            found += tally_locks(&text, info + at, part < sizeof info - 1 - at ? part : sizeof info - 1 - at);
        assert_int_equal(found, 2);
    }
}

static void test_what_is_too_much(void **state)
{
    static const struct {
        struct tally_counts counts;
        bool strikes;
    } cases[] = {
        {{0}, false},
        {{.sockets = TALLY_SOCKETS, .locks = TALLY_LOCKS, .terminals = TALLY_TERMINALS}, false},
        {{.sockets = TALLY_SOCKETS + 1}, true},
        {{.locks = TALLY_LOCKS + 1}, true},
        {{.terminals = TALLY_TERMINALS + 1}, true},
        {{.hidden = true}, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tally tally = {0};
        assert_int_equal(tally_exceeded(&tally, &cases[i].counts, TALLY_CPU_NS), cases[i].strikes);
    }
}

/* A process that hides its files may be there, but not for long while the cell computes. */
static void test_hiding(void **state)
{
    const struct tally_counts hidden = {.hidden = true}, open = {0};
    struct tally tally = {0};
    (void)state;
    for (int64_t spent = 0; spent < TALLY_HIDDEN_NS; spent += TALLY_CPU_NS) {
        assert_false(tally_exceeded(&tally, &hidden, TALLY_CPU_NS));
        assert_false(tally_exceeded(&tally, &open, 10 * (int64_t)TALLY_CPU_NS));
    }
    assert_true(tally_exceeded(&tally, &hidden, TALLY_CPU_NS));
}

/* Locks of this very process, found among those of all others. */
static void test_locks_are_found(void **state)
{
    char path[] = "/tmp/codecell-tally-XXXXXX";
    struct tally tally = {0};
    struct tally_counts counts = {0};
    int fd = mkstemp(path);
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)2 * i, .l_len = 1};
        assert_int_equal(fcntl(fd, F_SETLK, &lock), 0);
    }
    assert_true(tally_look_at(getpid(), &tally, &counts) > 3);
    assert_int_equal(tally.locks, 100);
    assert_false(counts.hidden);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locks_are_read),
        cmocka_unit_test(test_what_is_too_much),
        cmocka_unit_test(test_hiding),
        cmocka_unit_test(test_locks_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
