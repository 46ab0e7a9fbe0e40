/* What the store's tests share: a data directory that goes again, handles on it, a clock that a test sets. */
#ifndef CODECELL_TESTS_STORE_FIXTURE_H
#define CODECELL_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/seam.h"
#include "store/db.h"
#include "store/directory.h"
#include "store/driver_sqlite.h"
#include "store/keys.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char dir[64];
    struct db *db;
};

/* 2026-01-01T00:00:00Z */
#define FIXTURE_NOW_NS INT64_C(1767225600000000000)

extern int64_t fixture_now_ns;

/* How far the monotonic clock goes each time that it is read. 1, as fixture_set_up() leaves it: no slice of long work
 * ends early, however slow the machine is. Above STORE_READING_SLICE_NS a slice ends with its first portion. 0, as
 * fixture_set_up_dir() leaves it: the system's clock. */
extern _Atomic uint64_t fixture_step_ns;

struct db *fixture_open(const char *dir);
void fixture_remove(const char *dir);

/* A directory, without a database yet. */
int fixture_set_up_dir(void **state);

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* A key with the usual properties. */
struct key fixture_key(struct db *db, char text[KEY_TEXT_LEN + 1]);

/* One number from the database. */
int64_t fixture_number(struct db *db, const char *sql);

void fixture_run(struct db *db, const char *sql);

/* Made by one statement: `count` ended records of the key, one in ten failed, half of them python, in the session (""
 * for none), which is there. */
void fixture_fill(struct db *db, int64_t key, const char *session, int count);

void fixture_file(const struct fixture *fixture, char path[128]);
void fixture_open_fails(const char *dir, const char *why);

/* A connection to a file that is made if it is missing, without the schema that db_open() gives it. */
struct driver *fixture_driver(const char *path);

void fixture_foreign(const char *path, const char *sql);
int64_t fixture_log_size(const struct fixture *fixture);

/* 50 pages and some in the log. */
void fixture_grow_log(struct db *db);

/* Asserts that each statement that the handle has prepared on one of these tables (NULL after the last) is answered
 * from an index, in its order. How many there are. */
int fixture_scans_nothing(struct db *db, const char *const *tables);

#define fixture_test(f) cmocka_unit_test_setup_teardown(f, fixture_set_up, fixture_tear_down)
#define fixture_test_dir(f) cmocka_unit_test_setup_teardown(f, fixture_set_up_dir, fixture_tear_down)

#endif
