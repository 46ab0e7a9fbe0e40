#include "base/log.h"
#include "base/notices.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int forget(void **state)
{
    (void)state;
    notices_reset();
    return 0;
}

static void an_event_is_counted(void **state)
{
    struct notice list[NOTICES_MAX];
    char long_detail[1000];

    (void)state;
    memset(long_detail, 'x', sizeof long_detail - 1);
    long_detail[sizeof long_detail - 1] = '\0';
    notices_note("a", false, "first", 10);
    notices_note("b", true, "other", 20);
    notices_note("a", true, long_detail, 30);
    assert_int_equal(notices_read(list), 2);
    assert_string_equal(list[0].event, "a");
    assert_true(list[0].failure);
    assert_int_equal(list[0].count, 2);
    assert_int_equal(list[0].first_ms, 10);
    assert_int_equal(list[0].last_ms, 30);
    assert_int_equal(strlen(list[0].detail), NOTICE_DETAIL_MAX);
    assert_string_equal(list[1].detail, "other");
}

static void further_events_are_left_out(void **state)
{
    static char names[NOTICES_MAX + 1][12];
    struct notice list[NOTICES_MAX];

    (void)state;
    for (int i = 0; i <= NOTICES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        notices_note(names[i], false, "", i);
    }
    assert_int_equal(notices_read(list), NOTICES_MAX);
    assert_string_equal(list[NOTICES_MAX - 1].event, names[NOTICES_MAX - 1]);
    notices_note(names[0], false, "again", 99); /* those that are there go on */
    assert_int_equal(notices_read(list), NOTICES_MAX);
    assert_int_equal(list[0].count, 2);
}

/* Also what the setting leaves out of the log. */
static void the_log_notes_its_warnings(void **state)
{
    struct notice list[NOTICES_MAX];
    char line[256] = "";
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    log_setup(LOG_ERROR, LOG_TEXT, ends[1]);
    log_event(LOG_INFO, "fine", LOG_STR("reason", "none"));
    log_event(LOG_WARN, "odd", LOG_STR("language", "c"), LOG_INT("tries", 2), LOG_STR("reason", "why"));
    log_event(LOG_ERROR, "bad", LOG_STR("reason", NULL));
    log_setup(LOG_INFO, LOG_TEXT, STDERR_FILENO);
    assert_true(read(ends[0], line, sizeof line - 1) > 0);
    assert_non_null(strstr(line, "event=bad"));
    assert_null(strstr(line, "event=odd"));
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(notices_read(list), 2);
    assert_string_equal(list[0].event, "odd");
    assert_string_equal(list[0].detail, "language=c, reason=why");
    assert_false(list[0].failure);
    assert_string_equal(list[1].event, "bad");
    assert_string_equal(list[1].detail, "");
    assert_true(list[1].failure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_event_is_counted, forget),
        cmocka_unit_test_setup(further_events_are_left_out, forget),
        cmocka_unit_test_setup(the_log_notes_its_warnings, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
