/* API keys: `cc_` + 8 public characters + 32 secret ones, all of [0-9A-Za-z] (190 bits of secret). Only
 * SHA-256 of the secret part is stored; it is compared in constant time. The public part is the key's
 * id in the API and in `codecell key revoke`. All functions are for the database's thread. */
#ifndef CODECELL_STORE_KEYS_H
#define CODECELL_STORE_KEYS_H

#include "store/db.h"

#define KEY_PUBLIC_LEN 8
#define KEY_TEXT_LEN 43
#define KEY_NAME_MAX 100
#define KEY_RATE_DEFAULT 100
#define KEY_RATE_MAX 1000000
#define KEY_TIMEOUT_MAX 300
#define KEY_CREDITS_MAX 1000000000000

/* Whether programs of a key may run in a cell that ran one of the same key before. */
enum key_reuse { KEY_REUSE_INHERIT = -1, KEY_REUSE_OFF = 0, KEY_REUSE_KEY = 1 }; /* inherit: as the server's setting */

enum key_scope { KEY_EXECUTE = 1, KEY_READ = 2, KEY_ADMIN = 4 };

struct key {
    int64_t row;                 /* the row's id: what records refer to */
    char id[KEY_PUBLIC_LEN + 1]; /* public part */
    char name[KEY_NAME_MAX + 1];
    unsigned scopes;         /* enum key_scope, or'ed */
    int64_t rate_per_minute; /* 1 to KEY_RATE_MAX */
    int64_t max_timeout;     /* seconds; 0: no lower maximum */
    int64_t credits;         /* -1: not prepaid */
    enum key_reuse reuse;
    int64_t created_ms, expires_ms, revoked_ms; /* Unix milliseconds; 0: never */
};

/* "execute,read" to bits, any order, spaces allowed; and back. Nothing, or an unknown one: ERROR_INVALID. */
int key_scopes_parse(const char *text, unsigned *scopes, struct error *error);
void key_scopes_text(unsigned scopes, char out[32]);

/* "off" or "key"; -1 for anything else. */
int key_reuse_parse(const char *text, enum key_reuse *reuse);
const char *key_reuse_text(enum key_reuse reuse);    /* "off", "key", "-" where it inherits */
bool key_reuses(const struct key *key, bool server); /* `server`: what its setting says */

/* Makes a key from name, scopes, rate_per_minute, max_timeout, credits, reuse and expires_ms of `key`, checks
 * them, fills the rest, and writes the whole key, secret included, to `text`: the only time it is seen. */
int keys_create(struct db *db, struct key *key, char text[KEY_TEXT_LEN + 1], struct error *error);

/* Each key, oldest first, revoked ones too, until `each` answers other than 0, which is then returned. */
int keys_each(struct db *db, int (*each)(const struct key *key, void *arg), void *arg, struct error *error);

/* ERROR_NOT_FOUND where there is no such key; revoking twice is fine. */
int keys_revoke(struct db *db, const char *id, struct error *error);

/* Who is this? ERROR_UNAUTHORIZED "API key is required" (text NULL or empty) or "Invalid API key"
 * (malformed, unknown, wrong secret, revoked, expired); the same work is done in every case. */
int keys_authenticate(struct db *db, const char *text, struct key *key, struct error *error);

/* Takes one credit from a prepaid key, and gives it back; ERROR_CREDITS "Out of credits" where none is left.
 * A key that is not prepaid always succeeds. */
int keys_charge(struct db *db, int64_t row, struct error *error);
int keys_refund(struct db *db, int64_t row, struct error *error);

#endif
