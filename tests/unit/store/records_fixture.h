/* Records and sessions as the tests of the store make and list them. */
#ifndef TESTS_STORE_RECORDS_FIXTURE_H
#define TESTS_STORE_RECORDS_FIXTURE_H

#include "store/fixture.h"

#include "store/records.h"
#include "store/store.h"

#define NOW_MS (FIXTURE_NOW_NS / 1000000)

void check(int result, const struct error *error);
int64_t new_key(struct db *db);
struct record pending(int64_t key, const char *session, const char *language);
struct record insert(struct db *db, int64_t key, const char *session, const char *language);
void finish(struct db *db, struct record *record, enum record_status status);
struct record get(struct db *db, int64_t key, const char *id);
void assert_no_record(struct db *db, int64_t key, const char *id);
struct session session_of(struct db *db, int64_t key, const char *id);
void assert_no_session(struct db *db, int64_t key, const char *id);

/* All slices of it. */
long purge(struct db *db);

int64_t rows(struct db *db);

struct page {
    int count;
    char ids[256][UUID_LEN + 1];
    int64_t last;
    int slices;
    bool more;
};

bool add_record(struct record *record, void *arg);
struct page list(struct db *db, struct record_filter filter);
void add_session(const struct session *session, void *arg);
int count_sessions(struct db *db, int64_t key);

#endif
