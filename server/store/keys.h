/* API keys: a prefix, 8 public characters and 32 secret ones, all of [0-9A-Za-z] (190 bits of secret). The prefix is
 * `cc_`, or one that another service's clients insist on; a key is accepted with each prefix, whatever it was made
 * with. The public part is the key's id in the API and for `codecell key revoke`. Of the secret part only the SHA-256
 * is stored; comparing takes the same time for each secret. All functions on the database are for its thread. */
#ifndef CODECELL_STORE_KEYS_H
#define CODECELL_STORE_KEYS_H

#include "store/db.h"

#define KEY_PUBLIC_LEN 8
#define KEY_TEXT_LEN 45 /* with the longest prefix */
#define KEY_NAME_MAX 100
#define KEY_FACE_MAX 32
#define KEY_RATE_DEFAULT 100
#define KEY_RATE_MAX 1000000
#define KEY_TIMEOUT_MAX 300
#define KEY_CREDITS_MAX 1000000000000

/* Whose programs may have run in a cell before a program of the key does: nobody's; the same key's; those of each key
 * with `any`. Inherit: the server's setting decides. */
enum key_reuse { KEY_REUSE_INHERIT = -1, KEY_REUSE_OFF = 0, KEY_REUSE_KEY = 1, KEY_REUSE_ANY = 2 };

enum key_scope { KEY_EXECUTE = 1, KEY_READ = 2, KEY_ADMIN = 4 };

struct key {
    int64_t row;                 /* the row's number, which records refer to */
    char id[KEY_PUBLIC_LEN + 1]; /* the public part */
    char name[KEY_NAME_MAX + 1];
    unsigned scopes;         /* of enum key_scope, or'ed */
    int64_t rate_per_minute; /* 1 to KEY_RATE_MAX */
    int64_t max_timeout;     /* seconds; 0: the server's maximum applies */
    int64_t credits;         /* that are not reserved (credits.h); -1: the key is not prepaid */
    enum key_reuse reuse;
    char face[KEY_FACE_MAX + 1]; /* the only face's name for which the key counts, which admission checks; "": any */
    int64_t created_ms, expires_ms, revoked_ms; /* Unix milliseconds; 0: never */
};

/* The bit of a scope's name; 0: there is none of that name. The names end with NULL. */
unsigned key_scope_named(const char *name);
extern const char *const key_scope_names[];

/* "execute,read" to bits, in any order, spaces allowed. ERROR_INVALID: a scope is unknown, or there is none. */
int key_scopes_parse(const char *text, unsigned *scopes, struct error *error);
void key_scopes_text(unsigned scopes, char out[32]);

int key_reuse_parse(const char *text, enum key_reuse *reuse); /* "off", "key" or "any"; -1: another word */
const char *key_reuse_text(enum key_reuse reuse);             /* one of these words, or "-" for inherit */
/* What counts for the key's programs. `server`: what the server's setting says. */
enum key_reuse key_reuse_of(const struct key *key, enum key_reuse server);

/* Makes a key. Checks name, scopes, rate_per_minute, max_timeout, credits, reuse, face and expires_ms of `key`, fills
 * in the rest, and writes the whole key to `text`. That is the only time that the secret is seen. The second function
 * makes one with another prefix: "cc_", "gw_", "uc-" or "a402_". ERROR_INVALID: a property or the prefix is wrong. */
int keys_create(struct db *db, struct key *key, char text[KEY_TEXT_LEN + 1], struct error *error);
int keys_create_prefixed(struct db *db, struct key *key, const char *prefix, char text[KEY_TEXT_LEN + 1],
                         struct error *error);

/* Calls each() for each key, the oldest first, also for revoked keys, until each() returns a number other than 0.
 * Returns that number, or -1. */
int keys_each(struct db *db, int (*each)(const struct key *key, void *arg), void *arg, struct error *error);

/* Lists at most `limit` keys, the newest first, also revoked ones. before: only smaller rows; 0: from the newest.
 * *more: further keys follow. */
int keys_list(struct db *db, int64_t before, unsigned limit, void (*each)(const struct key *key, void *arg), void *arg,
              bool *more, struct error *error);

/* ERROR_NOT_FOUND: there is no such key. */
int keys_get(struct db *db, const char *id, struct key *key, struct error *error);

/* What of a key changes: for the parts that `parts` names, the values in `to`. */
enum key_part {
    KEY_PART_NAME = 1,
    KEY_PART_SCOPES = 2,
    KEY_PART_RATE = 4,
    KEY_PART_TIMEOUT = 8,
    KEY_PART_CREDITS = 16,
    KEY_PART_MORE_CREDITS = 32, /* `add` is added to what the key has; instead of KEY_PART_CREDITS */
    KEY_PART_EXPIRY = 64,
    KEY_PART_REUSE = 128
};

struct key_change {
    unsigned parts; /* of enum key_part, or'ed */
    struct key to;
    int64_t add; /* may be negative */
};

/* Sets the parts in `key`. ERROR_CONFLICT: `add` leads below 0 or above KEY_CREDITS_MAX, or the key is not prepaid. */
int key_apply(struct key *key, const struct key_change *change, struct error *error);

/* Changes a key, and fills in `key` as it then is. ERROR_NOT_FOUND: there is no such key. ERROR_CONFLICT: as
 * key_apply(), or the key is revoked. ERROR_INVALID: a value is wrong. */
int keys_change(struct db *db, const char *id, const struct key_change *change, struct key *key, struct error *error);

/* ERROR_NOT_FOUND: there is no such key. A key may be revoked again, which changes nothing. */
int keys_revoke(struct db *db, const char *id, struct error *error);

/* Finds the key that a setting names, by its id or else by its name, among the keys that are neither revoked nor
 * expired. ERROR_NOT_FOUND: there is none. ERROR_INVALID: several keys have the name. */
int keys_find(struct db *db, const char *id_or_name, struct key *key, struct error *error);

/* Makes the key if no key that counts has its name. Nobody knows its secret: it is for requests that the server itself
 * lets in under that name. */
int keys_ensure(struct db *db, struct key *key, struct error *error);

/* Finds the key of a request. ERROR_UNAUTHORIZED: "API key is required" (text is NULL or empty), or "Invalid API key"
 * (it is malformed, unknown, revoked or expired, or its secret is wrong). The work is the same in each case. */
int keys_authenticate(struct db *db, const char *text, struct key *key, struct error *error);

#endif
