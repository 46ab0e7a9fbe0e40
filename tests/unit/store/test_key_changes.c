/* Keys are listed, and changed part by part. */
#include "store/fixture.h"

struct listed {
    unsigned count;
    char ids[8][KEY_PUBLIC_LEN + 1];
    int64_t last;
};

static void add_listed(const struct key *key, void *arg)
{
    struct listed *listed = arg;
    assert_true(listed->count < 8);
    memcpy(listed->ids[listed->count++], key->id, sizeof key->id);
    listed->last = key->row;
}

static void keys_are_listed_the_newest_first(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct key made[5];
    char text[KEY_TEXT_LEN + 1];
    int64_t before = 0;
    bool more = true;
    unsigned at = 5;
    for (int i = 0; i < 5; i++)
        made[i] = fixture_key(db, text);
    assert_int_equal(keys_revoke(db, made[3].id, &error), 0);
    while (more) {
        struct listed listed = {0};
        assert_int_equal(keys_list(db, before, 2, add_listed, &listed, &more, &error), 0);
        assert_int_equal(listed.count, at >= 2 ? 2 : 1);
        for (unsigned i = 0; i < listed.count; i++)
            assert_string_equal(listed.ids[i], made[--at].id);
        before = listed.last;
    }
    assert_int_equal(at, 0);
    assert_true(fixture_scans_nothing(db, (const char *const[]){"FROM keys WHERE row <", NULL}) == 1);
}

static void assert_same(const struct key *a, const struct key *b)
{
    assert_int_equal(a->row, b->row);
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->face, b->face);
    assert_int_equal(a->scopes, b->scopes);
    assert_int_equal(a->rate_per_minute, b->rate_per_minute);
    assert_int_equal(a->max_timeout, b->max_timeout);
    assert_int_equal(a->credits, b->credits);
    assert_int_equal(a->reuse, b->reuse);
    assert_int_equal(a->expires_ms, b->expires_ms);
}

static struct key change(struct db *db, const char *id, struct key_change change)
{
    struct error error = {0};
    struct key key, stored;
    if (keys_change(db, id, &change, &key, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(keys_get(db, id, &stored, &error), 0);
    assert_same(&stored, &key);
    return key;
}

static void each_part_changes_alone(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    char text[KEY_TEXT_LEN + 1];
    struct key first = fixture_key(db, text), key;
    struct key to = {.name = "other",
                     .scopes = KEY_ADMIN,
                     .rate_per_minute = 77,
                     .max_timeout = 9,
                     .credits = 5,
                     .reuse = KEY_REUSE_OFF,
                     .expires_ms = FIXTURE_NOW_NS / 1000000 + 1000};
    key = change(db, first.id, (struct key_change){0});
    assert_same(&key, &first);
    assert_string_equal(change(db, first.id, (struct key_change){KEY_PART_NAME, to, 0}).name, "other");
    assert_int_equal(change(db, first.id, (struct key_change){KEY_PART_SCOPES, to, 0}).scopes, KEY_ADMIN);
    assert_int_equal(change(db, first.id, (struct key_change){KEY_PART_RATE, to, 0}).rate_per_minute, 77);
    assert_int_equal(change(db, first.id, (struct key_change){KEY_PART_TIMEOUT, to, 0}).max_timeout, 9);
    assert_int_equal(change(db, first.id, (struct key_change){KEY_PART_CREDITS, to, 0}).credits, 5);
    assert_int_equal(change(db, first.id, (struct key_change){KEY_PART_MORE_CREDITS, to, 4}).credits, 9);
    assert_int_equal(change(db, first.id, (struct key_change){KEY_PART_MORE_CREDITS, to, -9}).credits, 0);
    assert_int_equal(change(db, first.id, (struct key_change){KEY_PART_REUSE, to, 0}).reuse, KEY_REUSE_OFF);
    key = change(db, first.id, (struct key_change){KEY_PART_EXPIRY, to, 0});
    assert_int_equal(key.expires_ms, to.expires_ms);
    assert_int_equal(key.rate_per_minute, 77);
    assert_string_equal(key.id, first.id);
    to.credits = -1;
    assert_int_equal(change(db, first.id, (struct key_change){KEY_PART_CREDITS, to, 0}).credits, -1);
}

static void wrong_changes_change_nothing(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error;
    struct key key = {.name = "n", .scopes = KEY_READ, .rate_per_minute = 1, .credits = 5}, none;
    char text[KEY_TEXT_LEN + 1];
    static const struct {
        struct key_change change;
        enum error_code code;
        const char *sentence;
    } table[] = {
        {{KEY_PART_NAME, {.name = ""}, 0}, ERROR_INVALID, "name: must be 1 to 100 bytes"},
        {{KEY_PART_NAME, {.name = "a\nb"}, 0}, ERROR_INVALID, "name: must be 1 to 100 bytes"},
        {{KEY_PART_SCOPES, {.scopes = 0}, 0}, ERROR_INVALID, "scopes: must be"},
        {{KEY_PART_RATE, {.rate_per_minute = 0}, 0}, ERROR_INVALID, "rate_per_minute: must be"},
        {{KEY_PART_TIMEOUT, {.max_timeout = 301}, 0}, ERROR_INVALID, "max_timeout: must be"},
        {{KEY_PART_CREDITS, {.credits = -2}, 0}, ERROR_INVALID, "credits: must be"},
        {{KEY_PART_MORE_CREDITS, {.credits = 0}, -6}, ERROR_CONFLICT, "credits: the key has 5, and must have 0 to"},
        {{KEY_PART_MORE_CREDITS, {.credits = 0}, KEY_CREDITS_MAX}, ERROR_CONFLICT, "credits: the key has 5"},
        {{KEY_PART_MORE_CREDITS, {.credits = 0}, INT64_MIN}, ERROR_CONFLICT, "credits: the key has 5"},
        {{KEY_PART_EXPIRY, {.expires_ms = FIXTURE_NOW_NS / 1000000}, 0}, ERROR_INVALID, "expires_at: must be in the"},
    };
    assert_int_equal(keys_create(db, &key, text, &error), 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(keys_change(db, key.id, &table[i].change, &none, &error), -1);
        assert_int_equal(error.code, table[i].code);
        assert_memory_equal(error.text, table[i].sentence, strlen(table[i].sentence));
        assert_int_equal(keys_get(db, key.id, &none, &error), 0);
        assert_same(&none, &key);
    }
    assert_int_equal(keys_change(db, "nobody00", &(struct key_change){0}, &none, &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_int_equal(keys_get(db, "nobody00", &none, &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_string_equal(error.text, "Key not found");
    assert_int_equal(keys_revoke(db, key.id, &error), 0);
    assert_int_equal(keys_change(db, key.id, &(struct key_change){0}, &none, &error), -1);
    assert_int_equal(error.code, ERROR_CONFLICT);
}

/* Its expiry has passed, and a change of another part leaves it so. */
static void an_expired_key_may_be_changed(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct key key = {.name = "n",
                      .scopes = KEY_READ,
                      .rate_per_minute = 1,
                      .credits = -1,
                      .expires_ms = FIXTURE_NOW_NS / 1000000 + 1};
    struct key known;
    char text[KEY_TEXT_LEN + 1];
    assert_int_equal(keys_create(db, &key, text, &error), 0);
    fixture_now_ns += 2000000;
    struct key_change rename = {KEY_PART_NAME, {.name = "m"}, 0}, renew = {KEY_PART_EXPIRY, {.expires_ms = 0}, 0};
    assert_int_equal(change(db, key.id, rename).expires_ms, key.expires_ms);
    assert_int_equal(keys_authenticate(db, text, &known, &error), -1);
    change(db, key.id, renew);
    assert_int_equal(keys_authenticate(db, text, &known, &error), 0);
}

static void scopes_have_names(void **state)
{
    (void)state;
    assert_int_equal(key_scope_named("execute"), KEY_EXECUTE);
    assert_int_equal(key_scope_named("admin"), KEY_ADMIN);
    assert_int_equal(key_scope_named("adm"), 0);
    assert_int_equal(key_scope_named("admins"), 0);
    assert_int_equal(key_scope_named(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(keys_are_listed_the_newest_first),
        fixture_test(each_part_changes_alone),
        fixture_test(wrong_changes_change_nothing),
        fixture_test(an_expired_key_may_be_changed),
        cmocka_unit_test(scopes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
