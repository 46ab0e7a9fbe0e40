#include "store/keys.h"

#include "base/seam.h"
#include "base/text.h"
#include "store/sql.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define SECRET_LEN 32
#define BODY_LEN (KEY_PUBLIC_LEN + SECRET_LEN)
#define HASH_LEN 32
#define DRAWS_MAX 8 /* attempts: one of 62^8 public parts is hardly ever taken already */

#define COLUMNS \
    "row, id, name, scopes, rate_per_minute, max_timeout, credits, created_ms, expires_ms, revoked_ms, reuse, face"

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* The first is ours. The others are of services whose clients look at it: BuildE2E's documents, the MCP server of
 * agent-gateway, and agent402's credits. */
static const char *const prefixes[] = {"cc_", "uc-", "gw_", "a402_"};

#define PREFIXES (sizeof prefixes / sizeof prefixes[0])

const char *const key_scope_names[] = {"execute", "read", "admin", NULL};

_Static_assert(KEY_EXECUTE == 1 << 0 && KEY_READ == 1 << 1 && KEY_ADMIN == 1 << 2, "in the order of the bits");

static unsigned scope_named(const char *name, size_t len)
{
    for (size_t i = 0; key_scope_names[i] != NULL; i++)
        if (strlen(key_scope_names[i]) == len && strncmp(key_scope_names[i], name, len) == 0)
            return 1u << i;
    return 0;
}

unsigned key_scope_named(const char *name)
{
    return scope_named(name, strlen(name));
}

int key_scopes_parse(const char *text, unsigned *scopes, struct error *error)
{
    unsigned found = 0;

    for (const char *at = text;; at++) {
        at += strspn(at, " ");
        size_t len = strcspn(at, ", ");
        unsigned scope = scope_named(at, len);
        at += len;
        at += strspn(at, " ");
        if (scope == 0 || (*at != ',' && *at != '\0'))
            return error_set(error, ERROR_INVALID, "scopes: must be a list of execute, read and admin");
        found |= scope;
        if (*at == '\0')
            break;
    }
    *scopes = found;
    return 0;
}

void key_scopes_text(unsigned scopes, char out[32])
{
    int len = 0;

    out[0] = '\0';
    for (size_t i = 0; key_scope_names[i] != NULL; i++)
        if ((scopes & 1u << i) != 0)
            len += snprintf(out + len, (size_t)(32 - len), "%s%s", len > 0 ? "," : "", key_scope_names[i]);
}

/* 248 is the last multiple of 62 in a byte. A larger byte is not used, so that each digit is equally likely. */
static void random_digits(char *out, size_t len)
{
    unsigned char pool[64];
    size_t have = 0;

    while (have < len) {
        seam()->random(pool, sizeof pool);
        for (size_t i = 0; i < sizeof pool && have < len; i++)
            if (pool[i] < 248)
                out[have++] = digits[pool[i] % 62];
    }
    OPENSSL_cleanse(pool, sizeof pool);
}

static int hash_secret(const char *secret, unsigned char out[HASH_LEN], struct error *error)
{
    if (EVP_Digest(secret, SECRET_LEN, out, NULL, EVP_sha256(), NULL) == 1)
        return 0;
    return error_set(error, ERROR_INTERNAL, "SHA-256 is not available");
}

static const char *const reuse_words[] = {[KEY_REUSE_OFF] = "off", [KEY_REUSE_KEY] = "key", [KEY_REUSE_ANY] = "any"};

int key_reuse_parse(const char *text, enum key_reuse *reuse)
{
    for (int i = KEY_REUSE_OFF; i <= KEY_REUSE_ANY; i++)
        if (strcmp(text, reuse_words[i]) == 0) {
            *reuse = (enum key_reuse)i;
            return 0;
        }
    return -1;
}

const char *key_reuse_text(enum key_reuse reuse)
{
    return reuse == KEY_REUSE_INHERIT ? "-" : reuse_words[reuse];
}

enum key_reuse key_reuse_of(const struct key *key, enum key_reuse server)
{
    return key->reuse == KEY_REUSE_INHERIT ? server : key->reuse;
}

static int check_key_name(const char *name, struct error *error)
{
    size_t len = strlen(name);
    bool good = len >= 1 && len <= KEY_NAME_MAX && text_is_utf8(name, len);

    for (size_t i = 0; i < len; i++)
        good = good && (unsigned char)name[i] >= ' ' && name[i] != 0x7f;
    return good ? 0
                : error_set(error, ERROR_INVALID, "name: must be 1 to %d bytes of UTF-8 without control characters",
                            KEY_NAME_MAX);
}

static int check_key_number(const char *field, int64_t value, int64_t least, int64_t most, struct error *error)
{
    if (value >= least && value <= most)
        return 0;
    return error_set(error, ERROR_INVALID, "%s: must be an integer from %lld to %lld", field, (long long)least,
                     (long long)most);
}

static int check_key_face(const char *face, struct error *error)
{
    if (strnlen(face, KEY_FACE_MAX + 1) <= KEY_FACE_MAX &&
        face[strspn(face, "abcdefghijklmnopqrstuvwxyz0123456789-_")] == '\0')
        return 0;
    return error_set(error, ERROR_INVALID, "face: must be at most %d characters of a to z, 0 to 9, - and _",
                     KEY_FACE_MAX);
}

static int check_key(const struct key *key, struct error *error)
{
    if (check_key_name(key->name, error) != 0 ||
        check_key_number("rate_per_minute", key->rate_per_minute, 1, KEY_RATE_MAX, error) != 0 ||
        check_key_number("max_timeout", key->max_timeout, 0, KEY_TIMEOUT_MAX, error) != 0 ||
        check_key_number("credits", key->credits, -1, KEY_CREDITS_MAX, error) != 0 ||
        check_key_number("reuse", key->reuse, KEY_REUSE_INHERIT, KEY_REUSE_ANY, error) != 0 ||
        check_key_face(key->face, error) != 0)
        return -1;
    if (key->scopes == 0 || key->scopes > (KEY_EXECUTE | KEY_READ | KEY_ADMIN))
        return error_set(error, ERROR_INVALID, "scopes: must be a list of execute, read and admin");
    return 0;
}

static int check_expiry(const struct key *key, struct error *error)
{
    if (key->expires_ms == 0 || key->expires_ms > seam_wall_ms())
        return 0;
    return error_set(error, ERROR_INVALID, "expires_at: must be in the future");
}

/* 1: the key was written and has its row; 0: its public part is taken; or -1. */
static int insert_key(struct db *db, struct key *key, const unsigned char hash[HASH_LEN], struct error *error)
{
    struct statement *statement;
    int written = sql_first(
        db,
        "INSERT INTO keys (id, secret_sha256, name, scopes, rate_per_minute, max_timeout, credits, created_ms,"
        " expires_ms, revoked_ms, reuse, face) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?) ON CONFLICT (id) DO NOTHING"
        " RETURNING row",
        SQL_VALUES(SQL_T(key->id), SQL_B(hash, HASH_LEN), SQL_T(key->name), SQL_I(key->scopes),
                   SQL_I(key->rate_per_minute), SQL_I(key->max_timeout), SQL_I(key->credits), SQL_I(key->created_ms),
                   SQL_I(key->expires_ms), SQL_I(key->reuse), SQL_T(key->face)),
        &statement, error);

    if (written != 1)
        return written;
    key->row = statement_int(statement, 0);
    return statement_step(statement, error) == 0 ? 1 : -1; /* the statement's end writes it */
}

/* The end of the prefix of `text`; NULL: it has none. */
static const char *skip_prefix(const char *text)
{
    for (size_t i = 0; i < PREFIXES; i++)
        if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
            return text + strlen(prefixes[i]);
    return NULL;
}

static int check_prefix(const char *prefix, struct error *error)
{
    const char *end = skip_prefix(prefix);

    return end != NULL && *end == '\0' ? 0 : error_set(error, ERROR_INVALID, "prefix: must be cc_, uc-, gw_ or a402_");
}

int keys_create_prefixed(struct db *db, struct key *key, const char *prefix, char text[KEY_TEXT_LEN + 1],
                         struct error *error)
{
    unsigned char hash[HASH_LEN];
    int written = 0;

    key->created_ms = seam_wall_ms();
    key->revoked_ms = 0;
    if (check_key(key, error) != 0 || check_expiry(key, error) != 0 || check_prefix(prefix, error) != 0)
        return -1;
    char *body = text + strlen(prefix);
    memcpy(text, prefix, strlen(prefix) + 1);
    random_digits(body + KEY_PUBLIC_LEN, SECRET_LEN);
    body[BODY_LEN] = '\0';
    if (hash_secret(body + KEY_PUBLIC_LEN, hash, error) != 0)
        return -1;
    for (int draws = 0; draws < DRAWS_MAX && written == 0; draws++) {
        random_digits(key->id, KEY_PUBLIC_LEN);
        key->id[KEY_PUBLIC_LEN] = '\0';
        written = insert_key(db, key, hash, error);
    }
    if (written <= 0)
        return written < 0 ? -1 : error_set(error, ERROR_INTERNAL, "No free key id was found");
    memcpy(body, key->id, KEY_PUBLIC_LEN);
    return 0;
}

int keys_create(struct db *db, struct key *key, char text[KEY_TEXT_LEN + 1], struct error *error)
{
    return keys_create_prefixed(db, key, prefixes[0], text, error);
}

static void read_key_row(struct statement *statement, struct key *key)
{
    key->row = statement_int(statement, 0);
    sql_copy(key->id, sizeof key->id, statement, 1);
    sql_copy(key->name, sizeof key->name, statement, 2);
    key->scopes = (unsigned)statement_int(statement, 3);
    key->rate_per_minute = statement_int(statement, 4);
    key->max_timeout = statement_int(statement, 5);
    key->credits = statement_int(statement, 6);
    key->created_ms = statement_int(statement, 7);
    key->expires_ms = statement_int(statement, 8);
    key->revoked_ms = statement_int(statement, 9);
    key->reuse = (enum key_reuse)statement_int(statement, 10);
    sql_copy(key->face, sizeof key->face, statement, 11);
}

int keys_each(struct db *db, int (*each)(const struct key *key, void *arg), void *arg, struct error *error)
{
    struct key key;
    int row, answer = 0;
    struct statement *statement = sql_prepare(db, "SELECT " COLUMNS " FROM keys ORDER BY row", NULL, error);

    if (statement == NULL)
        return -1;
    while ((row = statement_step(statement, error)) == 1 && answer == 0) {
        read_key_row(statement, &key);
        answer = each(&key, arg);
    }
    statement_reset(statement);
    return row < 0 ? -1 : answer;
}

int keys_list(struct db *db, int64_t before, unsigned limit, void (*each)(const struct key *key, void *arg), void *arg,
              bool *more, struct error *error)
{
    struct statement *statement =
        sql_prepare(db, "SELECT " COLUMNS " FROM keys WHERE row < ? ORDER BY row DESC LIMIT ?",
                    SQL_VALUES(SQL_I(before != 0 ? before : INT64_MAX), SQL_I((int64_t)limit + 1)), error);
    struct key key;
    unsigned given = 0;
    int row;

    if (statement == NULL)
        return -1;
    while ((row = statement_step(statement, error)) == 1 && given < limit) {
        read_key_row(statement, &key);
        each(&key, arg);
        given++;
    }
    *more = row == 1;
    statement_reset(statement);
    return row < 0 ? -1 : 0;
}

/* 1; 0: there is none; or -1. */
static int read_by_id(struct db *db, const char *id, struct key *key, struct error *error)
{
    struct statement *statement;
    int row = sql_first(db, "SELECT " COLUMNS " FROM keys WHERE id = ?", SQL_VALUES(SQL_T(id)), &statement, error);

    if (row != 1)
        return row;
    read_key_row(statement, key);
    statement_reset(statement);
    return 1;
}

int keys_get(struct db *db, const char *id, struct key *key, struct error *error)
{
    int row = read_by_id(db, id, key, error);

    return row == 0 ? error_set(error, ERROR_NOT_FOUND, "Key not found") : row < 0 ? -1 : 0;
}

static int add_credits(struct key *key, int64_t add, struct error *error)
{
    if (key->credits < 0)
        return error_set(error, ERROR_CONFLICT, "credits: the key is not prepaid, so nothing can be added");
    if (add < -key->credits || add > KEY_CREDITS_MAX - key->credits)
        return error_set(error, ERROR_CONFLICT, "credits: the key has %lld, and must have 0 to %lld then",
                         (long long)key->credits, (long long)KEY_CREDITS_MAX);
    key->credits += add;
    return 0;
}

int key_apply(struct key *key, const struct key_change *change, struct error *error)
{
    const struct key *to = &change->to;

    if ((change->parts & KEY_PART_NAME) != 0)
        text_copy(key->name, sizeof key->name, to->name);
    if ((change->parts & KEY_PART_SCOPES) != 0)
        key->scopes = to->scopes;
    if ((change->parts & KEY_PART_RATE) != 0)
        key->rate_per_minute = to->rate_per_minute;
    if ((change->parts & KEY_PART_TIMEOUT) != 0)
        key->max_timeout = to->max_timeout;
    if ((change->parts & KEY_PART_EXPIRY) != 0)
        key->expires_ms = to->expires_ms;
    if ((change->parts & KEY_PART_REUSE) != 0)
        key->reuse = to->reuse;
    if ((change->parts & KEY_PART_CREDITS) != 0)
        key->credits = to->credits;
    return (change->parts & KEY_PART_MORE_CREDITS) != 0 ? add_credits(key, change->add, error) : 0;
}

static int write_key(struct db *db, const struct key *key, struct error *error)
{
    long written =
        sql_run(db,
                "UPDATE keys SET name = ?, scopes = ?, rate_per_minute = ?, max_timeout = ?, credits = ?,"
                " expires_ms = ?, reuse = ? WHERE row = ?",
                SQL_VALUES(SQL_T(key->name), SQL_I(key->scopes), SQL_I(key->rate_per_minute), SQL_I(key->max_timeout),
                           SQL_I(key->credits), SQL_I(key->expires_ms), SQL_I(key->reuse), SQL_I(key->row)),
                error);

    return written < 0 ? -1 : 0;
}

int keys_change(struct db *db, const char *id, const struct key_change *change, struct key *key, struct error *error)
{
    if (keys_get(db, id, key, error) != 0)
        return -1;
    if (key->revoked_ms != 0)
        return error_set(error, ERROR_CONFLICT, "Key %s is revoked", key->id);
    if (key_apply(key, change, error) != 0 || check_key(key, error) != 0 ||
        ((change->parts & KEY_PART_EXPIRY) != 0 && check_expiry(key, error) != 0))
        return -1;
    return write_key(db, key, error);
}

int keys_revoke(struct db *db, const char *id, struct error *error)
{
    int64_t now_ms = seam_wall_ms();

    long changed =
        sql_run(db, "UPDATE keys SET revoked_ms = CASE revoked_ms WHEN 0 THEN ? ELSE revoked_ms END WHERE id = ?",
                SQL_VALUES(SQL_I(now_ms > 0 ? now_ms : 1), SQL_T(id)), error);
    if (changed == 0)
        return error_set(error, ERROR_NOT_FOUND, "Key not found");
    return changed < 0 ? -1 : 0;
}

/* The public and the secret part; NULL: the text has not the form of a key. */
static const char *body_of(const char *text)
{
    const char *body = text != NULL ? skip_prefix(text) : NULL;

    return body != NULL && strnlen(body, BODY_LEN + 1) == BODY_LEN && strspn(body, digits) == BODY_LEN ? body : NULL;
}

/* The key with this public part and the hash of its secret. If there is none, a dummy is read in the same way, so that
 * both take the same time. */
static int load_key(struct db *db, const char *id, struct key *key, unsigned char hash[HASH_LEN], struct error *error)
{
    struct statement *statement;
    size_t len;
    int row =
        sql_first(db,
                  "SELECT " COLUMNS ", secret_sha256 FROM keys WHERE id = ?1 UNION ALL"
                  " SELECT 0, '--------', '', 0, 1, 0, -1, 0, 0, 0, 0, '', " SQL_DIALECT("zeroblob(32)") " LIMIT 1",
                  SQL_VALUES(SQL_T(id)), &statement, error);

    if (row < 0)
        return -1;
    read_key_row(statement, key);
    const void *stored = statement_blob(statement, 12, &len);
    if (stored != NULL && len == HASH_LEN)
        memcpy(hash, stored, HASH_LEN);
    statement_reset(statement);
    return stored != NULL && len == HASH_LEN ? 0 : error_memory(error);
}

static bool is_in_force(const struct key *key)
{
    return key->row != 0 && key->revoked_ms == 0 && (key->expires_ms == 0 || seam_wall_ms() < key->expires_ms);
}

/* 1: one was read; 0: there is none in force; 2: there are several; or -1. */
static int find_named(struct db *db, const char *name, struct key *key, struct error *error)
{
    struct statement *statement;
    int row = sql_first(db,
                        "SELECT " COLUMNS " FROM keys WHERE name = ?1 AND revoked_ms = 0"
                        " AND (expires_ms = 0 OR expires_ms > ?2) LIMIT 2",
                        SQL_VALUES(SQL_T(name), SQL_I(seam_wall_ms())), &statement, error);

    if (row != 1)
        return row;
    read_key_row(statement, key);
    row = statement_step(statement, error);
    statement_reset(statement);
    return row < 0 ? -1 : 1 + row;
}

/* As find_named(). */
static int find_by_id(struct db *db, const char *id, struct key *key, struct error *error)
{
    int row = read_by_id(db, id, key, error);

    return row == 1 ? is_in_force(key) : row;
}

int keys_find(struct db *db, const char *id_or_name, struct key *key, struct error *error)
{
    int found = find_by_id(db, id_or_name, key, error);

    if (found == 0)
        found = find_named(db, id_or_name, key, error);
    if (found == 1)
        return 0;
    memset(key, 0, sizeof *key);
    if (found == 0)
        return error_set(error, ERROR_NOT_FOUND, "There is no valid key with the id or the name \"%s\"", id_or_name);
    if (found > 1)
        return error_set(error, ERROR_INVALID, "Several keys have the name \"%s\": name one by its id", id_or_name);
    return -1;
}

int keys_ensure(struct db *db, struct key *key, struct error *error)
{
    char secret[KEY_TEXT_LEN + 1];
    struct key found;

    if (keys_find(db, key->name, &found, error) == 0)
        return 0;
    if (error->code != ERROR_NOT_FOUND)
        return -1;
    int result = keys_create(db, key, secret, error);
    OPENSSL_cleanse(secret, sizeof secret);
    return result;
}

int keys_authenticate(struct db *db, const char *text, struct key *key, struct error *error)
{
    static const char dummy[] = "----------------------------------------";
    unsigned char given[HASH_LEN], stored[HASH_LEN];
    char id[KEY_PUBLIC_LEN + 1];
    bool missing = text == NULL || *text == '\0';
    const char *body = body_of(text);
    const char *checked = body != NULL ? body : dummy;

    snprintf(id, sizeof id, "%.*s", KEY_PUBLIC_LEN, checked);
    if (load_key(db, id, key, stored, error) != 0 || hash_secret(checked + KEY_PUBLIC_LEN, given, error) != 0)
        return -1;
    bool same = CRYPTO_memcmp(given, stored, HASH_LEN) == 0;
    if (same && is_in_force(key))
        return 0;
    memset(key, 0, sizeof *key);
    return error_set(error, ERROR_UNAUTHORIZED, missing ? "API key is required" : "Invalid API key");
}
