/* Which containers the reaper takes. */
#include "docker/cell/reaper.h"

#include "docker/engine/codec_read.h"
#include "unit.h"

static void condemns(void **state)
{
    static const struct {
        const char *what, *instance, *container_state;
        int64_t age_s;
        bool known, expected;
    } cases[] = {
        {"ours that nobody knows, running", "me", "running", 1, false, true},
        {"ours that nobody knows, just created", "me", "created", 0, false, true},
        {"ours that is known", "me", "running", 1000, true, false},
        {"another server's that runs", "other", "running", 100000, false, false},
        {"another server's that has just ended", "other", "exited", REAPER_OLD_S, false, false},
        {"another server's that ended long ago", "other", "exited", REAPER_OLD_S + 1, false, true},
        {"another server's that never started", "other", "created", REAPER_OLD_S + 1, false, true},
        {"another server's in a state that we do not know", "other", "paused", 100000, false, false},
        {"somebody else's", NULL, "exited", 100000, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *labels =
            cases[i].instance == NULL ? json_object() : json_pack("{s:s}", LABEL_INSTANCE, cases[i].instance);
        struct container_entry entry = {
            .id = "c", .state = cases[i].container_state, .created_s = 1000000 - cases[i].age_s, .labels = labels};
        if (reaper_condemns(&entry, "me", cases[i].known, 1000000) != cases[i].expected)
            fail_msg("%s", cases[i].what);
        json_decref(labels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(condemns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
