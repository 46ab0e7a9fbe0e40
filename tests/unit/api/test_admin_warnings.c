/* What the operator is warned of, from a state and a time that the test makes up. */
#include "api/admin_warnings.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1700000000000)
#define HOUR INT64_C(3600000)

/* A server without any trouble. */
static struct admin_facts fine(void)
{
    return (struct admin_facts){.engine_up = true,
                                .can_run = true,
                                .any_language = true,
                                .isolation_chosen = true,
                                .queued = 1,
                                .queue_max = 1000,
                                .disk_free = INT64_C(200) << 30,
                                .disk_total = INT64_C(400) << 30};
}

/* The ids of all warnings, with a comma after each. */
static void expect(const struct admin_facts *facts, const char *ids)
{
    char found[1024] = "";
    size_t i, len = 0;
    json_t *list = admin_warnings(facts, NOW), *item;

    json_array_foreach (list, i, item) {
        len += (size_t)snprintf(found + len, sizeof found - len, "%s,", json_string_value(json_object_get(item, "id")));
        assert_true(len < sizeof found);
        assert_true(strlen(json_string_value(json_object_get(item, "text"))) > 10);
        assert_true(strlen(json_string_value(json_object_get(item, "what_to_do"))) >= 8);
    }
    json_decref(list);
    assert_string_equal(found, ids);
}

static void a_well_server_has_none(void **state)
{
    struct admin_facts facts = fine();
    (void)state;
    expect(&facts, "");
}

static void the_state_is_told(void **state)
{
    (void)state;
    struct admin_facts facts = fine();
    facts.database_fails = true;
    facts.database_reason = "no space left";
    facts.engine_up = facts.can_run = facts.any_language = false;
    facts.draining = true;
    expect(&facts, "database,engine,languages,draining,");
    facts = fine();
    facts.can_run = false;
    facts.isolation_lacks = true;
    facts.data_dir_open = true;
    facts.queued = 800;
    expect(&facts, "cells,isolation.chosen,queue,data_dir,");
    facts = fine();
    facts.languages_len = 1;
    facts.languages[0] = (struct admin_language){"c", "codecell/c", "its facts are invalid"};
    expect(&facts, "language.unavailable,");
}

static void the_disk(void **state)
{
    static const struct {
        int64_t free_mb, total_mb;
        const char *ids;
    } disks[] = {
        {500, 8000, "disk,"}, {2000, 40000, "disk,"},        {2000, 8000, ""},
        {-1, -1, ""},         {20000, INT64_C(1) << 20, ""}, /* 2 %, but 20 GiB */
    };
    (void)state;
    for (size_t i = 0; i < sizeof disks / sizeof *disks; i++) {
        struct admin_facts facts = fine();
        facts.disk_free = disks[i].free_mb < 0 ? -1 : disks[i].free_mb << 20;
        facts.disk_total = disks[i].total_mb < 0 ? -1 : disks[i].total_mb << 20;
        expect(&facts, disks[i].ids);
    }
}

/* Some are told as long as the server runs, others for an hour. Errors come before warnings. */
static void what_the_log_has_said(void **state)
{
    struct admin_facts facts = fine();
    (void)state;
    facts.notices[0] = (struct notice){.event = "host.cores", .count = 1, .last_ms = NOW - 9 * HOUR};
    facts.notices[1] = (struct notice){.event = "cell.failed", .count = 7, .last_ms = NOW - HOUR - 1};
    facts.notices[2] = (struct notice){.event = "queue.full", .count = 3, .last_ms = NOW - HOUR};
    facts.notices[3] = (struct notice){.event = "never.heard", .count = 1, .last_ms = NOW};
    facts.notices[4] = (struct notice){.event = "record.failed", .failure = true, .count = 1, .last_ms = NOW};
    facts.notices[5] = (struct notice){.event = "isolation.chosen", .count = 1, .last_ms = NOW};
    facts.notices[6] = (struct notice){.event = "language.unavailable", .count = 60, .last_ms = NOW};
    facts.notices_len = 7;
    expect(&facts, "record.failed,host.cores,queue.full,never.heard,");
    assert_true(admin_warnings_know("host.cores"));
    assert_false(admin_warnings_know("never.heard"));
}

static void an_item(void **state)
{
    struct admin_facts facts = fine();
    (void)state;
    facts.notices[0] = (struct notice){
        .event = "cell.failed", .count = 7, .first_ms = NOW - 1000, .last_ms = NOW, .detail = "reason=\xff"};
    facts.notices_len = 1;
    json_t *list = admin_warnings(&facts, NOW), *item = json_array_get(list, 0);
    assert_int_equal(json_integer_value(json_object_get(item, "count")), 7);
    assert_string_equal(json_string_value(json_object_get(item, "level")), "warning");
    assert_string_equal(json_string_value(json_object_get(item, "detail")), "reason=\xef\xbf\xbd");
    assert_string_equal(json_string_value(json_object_get(item, "last")), "2023-11-14T22:13:20.000Z");
    assert_string_equal(json_string_value(json_object_get(item, "since")), "2023-11-14T22:13:19.000Z");
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_well_server_has_none), cmocka_unit_test(the_state_is_told), cmocka_unit_test(the_disk),
        cmocka_unit_test(what_the_log_has_said),  cmocka_unit_test(an_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
