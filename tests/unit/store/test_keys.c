#include "store/fixture.h"

#include "base/text.h"
#include "store/migrate.h"
#include "store/sql.h"

#include <dlfcn.h>
#include <openssl/evp.h>

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int authenticate(struct db *db, const char *text, struct key *key, struct error *error)
{
    *error = (struct error){.code = ERROR_NONE};
    return keys_authenticate(db, text, key, error);
}

static unsigned hashes; /* made so far */

/* In place of libcrypto's. */
int EVP_Digest(const void *data, size_t len, unsigned char *out, unsigned *out_len, const EVP_MD *type, ENGINE *engine)
{
    int (*real)(const void *, size_t, unsigned char *, unsigned *, const EVP_MD *, ENGINE *);
    *(void **)&real = dlsym(RTLD_NEXT, "EVP_Digest");
    hashes++;
    return real(data, len, out, out_len, type, engine);
}

/* Whatever is wrong with it, one hash is made: the time of a refusal does not say whether there is such a key. */
static void assert_refused(struct db *db, const char *text, const char *sentence)
{
    struct error error;
    struct key key;
    hashes = 0;
    assert_int_equal(authenticate(db, text, &key, &error), -1);
    assert_int_equal(hashes, 1);
    assert_int_equal(error.code, ERROR_UNAUTHORIZED);
    assert_string_equal(error.text, sentence);
    assert_int_equal(key.row, 0);
}

static void a_key_has_its_form_and_is_recognised(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    struct key made = {.name = "Zoë's",
                       .scopes = KEY_EXECUTE | KEY_ADMIN,
                       .rate_per_minute = 7,
                       .max_timeout = 20,
                       .credits = 3,
                       .expires_ms = FIXTURE_NOW_NS / 1000000 + 1};
    struct key known;
    char text[KEY_TEXT_LEN + 1];
    assert_int_equal(keys_create(fixture->db, &made, text, &error), 0);
    assert_int_equal(strlen(text), 43);
    assert_memory_equal(text, "cc_", 3);
    assert_int_equal(strspn(text + 3, alphabet), 40);
    assert_memory_equal(text + 3, made.id, KEY_PUBLIC_LEN);
    assert_int_equal(made.created_ms, FIXTURE_NOW_NS / 1000000);

    assert_int_equal(authenticate(fixture->db, text, &known, &error), 0);
    assert_int_equal(known.row, made.row);
    assert_string_equal(known.id, made.id);
    assert_string_equal(known.name, "Zoë's");
    assert_int_equal(known.scopes, KEY_EXECUTE | KEY_ADMIN);
    assert_int_equal(known.rate_per_minute, 7);
    assert_int_equal(known.max_timeout, 20);
    assert_int_equal(known.credits, 3);
    assert_int_equal(known.created_ms, made.created_ms);
    assert_int_equal(known.expires_ms, made.expires_ms);
    assert_int_equal(known.revoked_ms, 0);
}

static const enum key_reuse reuses[] = {KEY_REUSE_INHERIT, KEY_REUSE_OFF, KEY_REUSE_KEY, KEY_REUSE_ANY};

static void its_own_word_on_reuse_wins(void **state)
{
    static const struct {
        const char *text;
        enum key_reuse server_off, server_any;
    } expected[] = {{"-", KEY_REUSE_OFF, KEY_REUSE_ANY},
                    {"off", KEY_REUSE_OFF, KEY_REUSE_OFF},
                    {"key", KEY_REUSE_KEY, KEY_REUSE_KEY},
                    {"any", KEY_REUSE_ANY, KEY_REUSE_ANY}};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 4; i++) {
        struct error error = {0};
        struct key known, key = {.name = "n", .scopes = 1, .rate_per_minute = 1, .credits = -1, .reuse = reuses[i]};
        char text[KEY_TEXT_LEN + 1];
        assert_int_equal(keys_create(fixture->db, &key, text, &error), 0);
        assert_int_equal(authenticate(fixture->db, text, &known, &error), 0);
        assert_int_equal(known.reuse, reuses[i]);
        assert_string_equal(key_reuse_text(known.reuse), expected[i].text);
        assert_int_equal(key_reuse_of(&known, KEY_REUSE_OFF), expected[i].server_off);
        assert_int_equal(key_reuse_of(&known, KEY_REUSE_ANY), expected[i].server_any);
    }
    enum key_reuse reuse = KEY_REUSE_INHERIT;
    assert_int_equal(key_reuse_parse("off", &reuse), 0);
    assert_int_equal(reuse, KEY_REUSE_OFF);
    assert_int_equal(key_reuse_parse("key", &reuse), 0);
    assert_int_equal(reuse, KEY_REUSE_KEY);
    assert_int_equal(key_reuse_parse("any", &reuse), 0);
    assert_int_equal(reuse, KEY_REUSE_ANY);
    static const char *const wrong[] = {"", "on", "KEY", "key ", "-"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(key_reuse_parse(wrong[i], &reuse), -1);
}

static int is_old_key(const struct key *key, void *arg)
{
    ++*(int *)arg;
    assert_int_equal(key->row, 5);
    assert_string_equal(key->id, "oldold00");
    assert_string_equal(key->name, "old");
    assert_int_equal(key->rate_per_minute, 9);
    assert_int_equal(key->revoked_ms, 7);
    assert_int_equal(key->reuse, KEY_REUSE_INHERIT);
    assert_string_equal(key->face, "");
    return 0;
}

/* A file of the first schema, with rows, as the release before this column left it. */
static void keys_of_an_older_database_inherit(void **state)
{
    const struct migration first[] = {migrations[0], {0}};
    struct fixture *fixture = *state;
    struct error error = {0};
    char path[128];
    int seen = 0;
    snprintf(path, sizeof(path), "%s/codecell.db", fixture->dir);
    struct driver *driver = fixture_driver(path);
    assert_int_equal(migrate_apply(driver, first, &error), 0);
    assert_int_equal(
        driver->calls->run_script(driver,
                                  "INSERT INTO instance VALUES (1, '5d3f1c04-6a0b-4a5c-9d7e-0123456789ab', 1);"
                                  "INSERT INTO keys VALUES (5, 'oldold00', zeroblob(32), 'old', 3, 9, 0, -1, 1, 0, 7);"
                                  "INSERT INTO rates VALUES (5, 11)",
                                  &error),
        0);
    driver->calls->close(driver);
    fixture->db = fixture_open(fixture->dir);
    assert_string_equal(db_instance(fixture->db), "5d3f1c04-6a0b-4a5c-9d7e-0123456789ab");
    assert_int_equal(keys_each(fixture->db, is_old_key, &seen, &error), 0);
    assert_int_equal(seen, 1);
    assert_int_equal(fixture_number(fixture->db, "SELECT tat_ns FROM rates WHERE key_row = 5"), 11);
    assert_true(fixture_number(fixture->db, "PRAGMA user_version") >= 2);
    char text[KEY_TEXT_LEN + 1];
    fixture_key(fixture->db, text); /* and a new one beside it */
    assert_int_equal(sql_run(fixture->db, "UPDATE keys SET reuse = 3", NULL, &error), -1);
    assert_int_equal(error.code, ERROR_INTERNAL);
}

static void the_secret_is_nowhere_in_the_file(void **state)
{
    struct fixture *fixture = *state;
    char text[KEY_TEXT_LEN + 1], path[128], *content = calloc(1, 1 << 20);
    fixture_key(fixture->db, text);
    db_close(fixture->db); /* and its log is in the file */
    fixture->db = NULL;
    snprintf(path, sizeof(path), "%s/codecell.db", fixture->dir);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(content, 1, 1 << 20, file);
    fclose(file);
    assert_non_null(memmem(content, len, text + 3, KEY_PUBLIC_LEN));
    assert_null(memmem(content, len, text + 11, 32));
    free(content);
}

/* Clients of other services insist on theirs. */
static void a_key_is_accepted_with_each_prefix(void **state)
{
    static const char *const prefixes[] = {"cc_", "uc-", "gw_", "a402_"};
    static const char *const wrong[] = {"", "cc", "cc-", "CC_", "uc_", "gw-", "a402", "a402__", "cc_cc_", "_"};
    struct fixture *fixture = *state;
    struct error error = {0};
    for (size_t made = 0; made < 4; made++) {
        struct key known, key = {.name = "n", .scopes = 1, .rate_per_minute = 1, .credits = -1};
        char text[KEY_TEXT_LEN + 1], other[64];
        assert_int_equal(keys_create_prefixed(fixture->db, &key, prefixes[made], text, &error), 0);
        size_t prefix = strlen(prefixes[made]);
        assert_memory_equal(text, prefixes[made], prefix);
        assert_int_equal(strlen(text), prefix + 40);
        assert_int_equal(strspn(text + prefix, alphabet), 40);
        assert_memory_equal(text + prefix, key.id, KEY_PUBLIC_LEN);
        for (size_t given = 0; given < 4; given++) {
            snprintf(other, sizeof(other), "%s%s", prefixes[given], text + prefix);
            assert_int_equal(authenticate(fixture->db, other, &known, &error), 0);
            assert_int_equal(known.row, key.row);
            other[strlen(other) - 1] = other[strlen(other) - 1] == 'a' ? 'b' : 'a';
            assert_refused(fixture->db, other, "Invalid API key");
        }
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
            snprintf(other, sizeof(other), "%s%s", wrong[i], text + prefix);
            assert_refused(fixture->db, other, "Invalid API key");
        }
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct key key = {.name = "n", .scopes = 1, .rate_per_minute = 1, .credits = -1};
        char text[KEY_TEXT_LEN + 1];
        assert_int_equal(keys_create_prefixed(fixture->db, &key, wrong[i], text, &error), -1);
        assert_int_equal(error.code, ERROR_INVALID);
        assert_string_equal(error.text, "prefix: must be cc_, uc-, gw_ or a402_");
    }
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM keys"), 4);
}

static void a_key_keeps_its_face(void **state)
{
    static const char *const faces[] = {"", "gateway", "dify-sandbox_2"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 3; i++) {
        struct error error = {0};
        struct key known, key = {.name = "n", .scopes = 1, .rate_per_minute = 1, .credits = -1};
        char text[KEY_TEXT_LEN + 1];
        text_copy(key.face, sizeof(key.face), faces[i]);
        assert_int_equal(keys_create(fixture->db, &key, text, &error), 0);
        assert_int_equal(authenticate(fixture->db, text, &known, &error), 0);
        assert_string_equal(known.face, faces[i]);
    }
}

static struct key named(struct db *db, const char *name)
{
    struct error error = {0};
    struct key key = {.scopes = 1, .rate_per_minute = 1, .credits = -1, .face = "piston"};
    char text[KEY_TEXT_LEN + 1];
    snprintf(key.name, sizeof(key.name), "%s", name);
    assert_int_equal(keys_create(db, &key, text, &error), 0);
    return key;
}

/* The row that is found, or minus the error's code. */
static int64_t find(struct db *db, const char *id_or_name)
{
    struct error error = {0};
    struct key key;
    if (keys_find(db, id_or_name, &key, &error) != 0) {
        assert_int_equal(key.row, 0);
        return -(int64_t)error.code;
    }
    assert_string_equal(key.face, "piston");
    return key.row;
}

static void a_key_is_found_by_its_id_or_its_only_name(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct key one = named(db, "public"), revoked = named(db, "public"), twin = named(db, "twin");
    struct key other = named(db, one.id), key; /* its name is another key's id */
    named(db, "twin");
    assert_int_equal(keys_revoke(db, revoked.id, &error), 0);
    assert_int_equal(find(db, "public"), one.row);
    assert_int_equal(find(db, one.id), one.row);
    assert_int_equal(find(db, twin.id), twin.row);
    assert_int_equal(find(db, revoked.id), -ERROR_NOT_FOUND);
    assert_int_equal(find(db, "Public"), -ERROR_NOT_FOUND);
    assert_int_equal(find(db, ""), -ERROR_NOT_FOUND);
    assert_int_equal(find(db, "twin"), -ERROR_INVALID);
    assert_int_equal(keys_find(db, "twin", &key, &error), -1);
    assert_string_equal(error.text, "Several keys have the name \"twin\": name one by its id");
    assert_int_equal(keys_find(db, "none", &key, &error), -1);
    assert_string_equal(error.text, "There is no valid key with the id or the name \"none\"");

    char sql[96];
    snprintf(sql, sizeof(sql), "UPDATE keys SET expires_ms = %lld WHERE row = %lld",
             (long long)(fixture_now_ns / 1000000), (long long)one.row);
    fixture_run(db, sql); /* it expires now */
    assert_int_equal(find(db, "public"), -ERROR_NOT_FOUND);
    assert_int_equal(find(db, one.id), other.row);
    assert_int_equal(fixture_scans_nothing(db, (const char *const[]){"FROM keys WHERE", NULL}), 2);
}

static void what_is_not_a_key_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char text[KEY_TEXT_LEN + 1], wrong[64];
    fixture_key(fixture->db, text);

    assert_refused(fixture->db, NULL, "API key is required");
    assert_refused(fixture->db, "", "API key is required");
    assert_refused(fixture->db, "cc_", "Invalid API key");
    assert_refused(fixture->db, "cc_----------------------------------------", "Invalid API key");
    assert_refused(fixture->db, "cc_0000000000000000000000000000000000000000", "Invalid API key");
    for (size_t i = 0; i < strlen(text); i++) {
        memcpy(wrong, text, sizeof(text));
        wrong[i] = wrong[i] == 'a' ? 'b' : 'a'; /* in the prefix, the public part, the secret */
        assert_refused(fixture->db, wrong, "Invalid API key");
        wrong[i] = '\0'; /* too short */
        assert_refused(fixture->db, wrong, i == 0 ? "API key is required" : "Invalid API key");
    }
    snprintf(wrong, sizeof(wrong), "%s0", text);
    assert_refused(fixture->db, wrong, "Invalid API key");
    snprintf(wrong, sizeof(wrong), " %s", text);
    assert_refused(fixture->db, wrong, "Invalid API key");
    char *huge = malloc(100001);
    memset(huge, 'x', 100000);
    huge[100000] = '\0';
    assert_refused(fixture->db, huge, "Invalid API key");
    free(huge);
}

static void another_handle_sees_a_key_and_its_revocation_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct db *command = fixture_open(fixture->dir);
    struct error error;
    struct key known;
    char text[KEY_TEXT_LEN + 1];
    struct key made = fixture_key(command, text);
    assert_int_equal(authenticate(fixture->db, text, &known, &error), 0);
    assert_int_equal(keys_revoke(command, made.id, &error), 0);
    assert_refused(fixture->db, text, "Invalid API key");
    db_close(command);
}

static void revoking_twice_keeps_the_first_time(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    char text[KEY_TEXT_LEN + 1];
    struct key key = fixture_key(fixture->db, text);
    assert_int_equal(keys_revoke(fixture->db, key.id, &error), 0);
    fixture_now_ns += 1000000000;
    assert_int_equal(keys_revoke(fixture->db, key.id, &error), 0);
    assert_int_equal(fixture_number(fixture->db, "SELECT revoked_ms FROM keys"), FIXTURE_NOW_NS / 1000000);
    assert_int_equal(keys_revoke(fixture->db, "nothere0", &error), -1);
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void a_key_expires_at_its_millisecond(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    struct key known, key = {.name = "short",
                             .scopes = KEY_EXECUTE,
                             .rate_per_minute = 1,
                             .credits = -1,
                             .expires_ms = FIXTURE_NOW_NS / 1000000 + 5000};
    char text[KEY_TEXT_LEN + 1];
    assert_int_equal(keys_create(fixture->db, &key, text, &error), 0);
    fixture_now_ns = key.expires_ms * 1000000 - 1;
    assert_int_equal(authenticate(fixture->db, text, &known, &error), 0);
    fixture_now_ns = key.expires_ms * 1000000;
    assert_refused(fixture->db, text, "Invalid API key");
}

static void properties_are_checked(void **state)
{
    static const char scopes[] = "scopes: must be a list of execute, read and admin";
    static const char name[] = "name: must be 1 to 100 bytes of UTF-8 without control characters";
    static const char face[] = "face: must be at most 32 characters of a to z, 0 to 9, - and _";
    const struct key good = {.name = "n", .scopes = 1, .rate_per_minute = 1, .credits = -1};
    struct {
        struct key key;
        const char *sentence;
    } cases[] = {
        {good, NULL},
        {good, name},
        {good, name},
        {good, name},
        {good, scopes},
        {good, scopes},
        {good, "rate_per_minute: must be an integer from 1 to 1000000"},
        {good, "rate_per_minute: must be an integer from 1 to 1000000"},
        {good, NULL},
        {good, "max_timeout: must be an integer from 0 to 300"},
        {good, "max_timeout: must be an integer from 0 to 300"},
        {good, "credits: must be an integer from -1 to 1000000000000"},
        {good, "credits: must be an integer from -1 to 1000000000000"},
        {good, NULL},
        {good, "expires_at: must be in the future"},
        {good, "expires_at: must be in the future"},
        {good, "reuse: must be an integer from -1 to 2"},
        {good, "reuse: must be an integer from -1 to 2"},
        {good, NULL},
        {good, face},
        {good, face},
        {good, face},
    };
    struct fixture *fixture = *state;
    char text[KEY_TEXT_LEN + 1];
    memset(cases[0].key.name, 'x', KEY_NAME_MAX);
    cases[1].key.name[0] = '\0';
    strcpy(cases[2].key.name, "a\nb");
    strcpy(cases[3].key.name, "\xff");
    cases[4].key.scopes = 0;
    cases[5].key.scopes = 8;
    cases[6].key.rate_per_minute = 0;
    cases[7].key.rate_per_minute = 1000001;
    cases[8].key.rate_per_minute = 1000000;
    cases[9].key.max_timeout = -1;
    cases[10].key.max_timeout = 301;
    cases[11].key.credits = -2;
    cases[12].key.credits = 1000000000001;
    cases[13].key.credits = 0;
    cases[14].key.expires_ms = FIXTURE_NOW_NS / 1000000;
    cases[15].key.expires_ms = -1;
    cases[16].key.reuse = (enum key_reuse) - 2;
    cases[17].key.reuse = (enum key_reuse)3;
    memset(cases[18].key.face, 'z', KEY_FACE_MAX);
    strcpy(cases[19].key.face, "Gateway");
    strcpy(cases[20].key.face, "a b");
    memset(cases[21].key.face, 'z', KEY_FACE_MAX + 1); /* without its end */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error error = {0};
        int result = keys_create(fixture->db, &cases[i].key, text, &error);
        assert_int_equal(result, cases[i].sentence ? -1 : 0);
        assert_string_equal(error.text, cases[i].sentence ? cases[i].sentence : "");
        assert_int_equal(error.code, cases[i].sentence ? ERROR_INVALID : ERROR_NONE);
    }
    assert_int_equal(fixture_number(fixture->db, "SELECT count(*) FROM keys"), 4);
}

static void scopes_in_words(void **state)
{
    static const struct {
        const char *text;
        unsigned scopes; /* 0: refused */
        const char *back;
    } cases[] = {
        {"execute", KEY_EXECUTE, "execute"},
        {"read, execute", KEY_EXECUTE | KEY_READ, "execute,read"},
        {" admin ,read,execute ", 7, "execute,read,admin"},
        {"read,read", KEY_READ, "read"},
        {"", 0, NULL},
        {" ", 0, NULL},
        {",", 0, NULL},
        {"read,", 0, NULL},
        {",read", 0, NULL},
        {"read execute", 0, NULL},
        {"rea", 0, NULL},
        {"reads", 0, NULL},
        {"Execute", 0, NULL},
        {"execute,root", 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error error = {0};
        unsigned scopes = 0;
        char back[32];
        int result = key_scopes_parse(cases[i].text, &scopes, &error);
        if (result != (cases[i].scopes ? 0 : -1))
            fail_msg("\"%s\": %d", cases[i].text, result);
        assert_int_equal(scopes, cases[i].scopes);
        assert_int_equal(error.code, cases[i].scopes ? ERROR_NONE : ERROR_INVALID);
        if (!cases[i].scopes)
            continue;
        key_scopes_text(scopes, back);
        assert_string_equal(back, cases[i].back);
    }
}

/* Random bytes of a test: 250 (must be drawn again), then what the test says. */
static unsigned char scripted_byte;

static void scripted_random(void *out, size_t len)
{
    unsigned char *bytes = out;
    for (size_t i = 0; i < len; i++)
        bytes[i] = i % 2 ? scripted_byte : 250;
}

static void digits_are_drawn_evenly_and_a_taken_id_again(void **state)
{
    struct fixture *fixture = *state;
    struct seam scripted = *seam();
    struct error error = {0};
    struct key key = {.name = "n", .scopes = 1, .rate_per_minute = 1, .credits = -1};
    char text[KEY_TEXT_LEN + 1];
    scripted.random = scripted_random;
    seam_set(&scripted);
    scripted_byte = 247;
    assert_int_equal(keys_create(fixture->db, &key, text, &error), 0);
    assert_string_equal(text, "cc_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");
    assert_int_equal(keys_create(fixture->db, &key, text, &error), -1);
    assert_int_equal(error.code, ERROR_INTERNAL);
    assert_string_equal(error.text, "No free key id was found");
    scripted_byte = 0;
    assert_int_equal(keys_create(fixture->db, &key, text, &error), 0);
    assert_string_equal(text, "cc_0000000000000000000000000000000000000000");
}

struct seen {
    int count;
    char ids[8][KEY_PUBLIC_LEN + 1];
    int stop_at;
};

static int see(const struct key *key, void *arg)
{
    struct seen *seen = arg;
    memcpy(seen->ids[seen->count++], key->id, sizeof(key->id));
    return seen->count == seen->stop_at ? 42 : 0;
}

static void each_key_oldest_first(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    struct seen all = {.stop_at = 0}, some = {.stop_at = 2}, none = {.stop_at = 0};
    struct key keys[3];
    char text[KEY_TEXT_LEN + 1];
    assert_int_equal(keys_each(fixture->db, see, &none, &error), 0);
    assert_int_equal(none.count, 0);
    for (int i = 0; i < 3; i++)
        keys[i] = fixture_key(fixture->db, text);
    assert_int_equal(keys_revoke(fixture->db, keys[1].id, &error), 0);
    assert_int_equal(keys_each(fixture->db, see, &all, &error), 0);
    assert_int_equal(all.count, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(all.ids[i], keys[i].id);
    assert_int_equal(keys_each(fixture->db, see, &some, &error), 42);
    assert_int_equal(some.count, 2);
}

static void a_database_that_fails_is_no_wrong_key(void **state)
{
    struct fixture *fixture = *state;
    struct error error = {0};
    struct key key;
    char text[KEY_TEXT_LEN + 1];
    fixture_key(fixture->db, text);
    fixture_run(fixture->db, "ALTER TABLE keys RENAME TO gone");
    assert_int_equal(authenticate(fixture->db, text, &key, &error), -1);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_null(strstr(error.text, "keys"));
    struct seen seen = {.stop_at = 0};
    assert_int_equal(keys_each(fixture->db, see, &seen, &error), -1);
    assert_int_equal(keys_revoke(fixture->db, "x", &error), -1);
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
}

static void a_key_is_made_unless_it_is_there(void **state)
{
    struct db *db = ((struct fixture *)*state)->db;
    struct error error = {0};
    struct key key = {
        .name = "payers", .scopes = KEY_EXECUTE, .rate_per_minute = 7, .credits = -1, .reuse = KEY_REUSE_OFF};
    struct key found, other = key, other_found;
    char text[KEY_TEXT_LEN + 1];

    assert_int_equal(keys_ensure(db, &key, &error), 0);
    assert_int_equal(keys_find(db, "payers", &found, &error), 0);
    assert_int_equal(found.rate_per_minute, 7);
    other.rate_per_minute = 9;
    assert_int_equal(keys_ensure(db, &other, &error), 0);
    assert_int_equal(keys_find(db, "payers", &other_found, &error), 0);
    assert_int_equal(other_found.row, found.row);
    assert_int_equal(keys_revoke(db, found.id, &error), 0);
    assert_int_equal(keys_ensure(db, &other, &error), 0); /* a revoked key does not count */
    assert_int_equal(keys_find(db, "payers", &other_found, &error), 0);
    assert_int_equal(other_found.rate_per_minute, 9);
    assert_int_equal(keys_create(db, &key, text, &error), 0);
    assert_int_equal(keys_ensure(db, &key, &error), -1); /* two have the name */
    assert_int_equal(error.code, ERROR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_key_has_its_form_and_is_recognised),
        fixture_test(its_own_word_on_reuse_wins),
        fixture_test_dir(keys_of_an_older_database_inherit),
        fixture_test(the_secret_is_nowhere_in_the_file),
        fixture_test(a_key_is_accepted_with_each_prefix),
        fixture_test(a_key_keeps_its_face),
        fixture_test(a_key_is_found_by_its_id_or_its_only_name),
        fixture_test(what_is_not_a_key_is_refused),
        fixture_test(another_handle_sees_a_key_and_its_revocation_at_once),
        fixture_test(revoking_twice_keeps_the_first_time),
        fixture_test(a_key_expires_at_its_millisecond),
        fixture_test(properties_are_checked),
        cmocka_unit_test(scopes_in_words),
        fixture_test(digits_are_drawn_evenly_and_a_taken_id_again),
        fixture_test(each_key_oldest_first),
        fixture_test(a_database_that_fails_is_no_wrong_key),
        fixture_test(a_key_is_made_unless_it_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
