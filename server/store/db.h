/* The SQLite file (data_dir/codecell.db), used by one thread: the store's (store.h) in a server, the main
 * one in a command. Opening makes the directory (0700) and the file (0600, WAL, foreign keys, busy_timeout
 * 5 s, synchronous=NORMAL), and applies the migrations that it lacks in one transaction; two programs may
 * do so at once. A file that a newer program migrated, that is not ours, that is cut short, or that is new in a
 * directory that has held a database (directory.h) is refused, and stays as it is. */
#ifndef CODECELL_STORE_DB_H
#define CODECELL_STORE_DB_H

#include "base/error.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct db;

int db_open(struct db **out, const char *data_dir, struct error *error);
void db_close(struct db *db);

/* The data directory's own id, a UUID made with the file: io.codecell.instance. */
const char *db_instance(const struct db *db);

/* What this database's cursors are made with: DB_CURSOR_KEY random bytes, made with the file. */
#define DB_CURSOR_KEY 16
const unsigned char *db_cursor_key(const struct db *db);

/* Whether the file holds all pages that it should. It is read as a whole only where it is shorter than it says, which
 * it may be while the log holds the rest: for the start of a server. 0, or -1. */
int db_check_whole(struct db *db, struct error *error);

/* -1 where the file is not at its place any more (deleted, replaced) or was emptied: what is written is then lost. */
int db_check_place(struct db *db, struct error *error);

/* How long a write waits for another program's; BUSY_MS by default. */
#define DB_BUSY_MS 5000
void db_patience(struct db *db, int ms);

/* From this monotonic time on every statement is ended: ERROR_BUSY. 0: none is. */
void db_deadline(struct db *db, uint64_t monotonic_ns);

/* How many different statements a handle keeps; one more is ERROR_INTERNAL. */
#define DB_STATEMENTS_MAX 128

/* The statement for this SQL text, prepared once and kept (the text's address is the key: pass a
 * literal), reset and with its bindings cleared. NULL with ERROR_INTERNAL. */
sqlite3_stmt *db_prepare(struct db *db, const char *sql, struct error *error);

/* Runs a statement that gives no rows. 0, or -1. */
int db_run(struct db *db, sqlite3_stmt *statement, struct error *error);
sqlite3 *db_handle(struct db *db);

int db_begin(struct db *db, struct error *error);      /* takes the file's one write lock, waits for it */
int db_begin_read(struct db *db, struct error *error); /* does not: for what only reads */
int db_commit(struct db *db, struct error *error);     /* where it fails, all is rolled back */
void db_rollback(struct db *db);                       /* fine where no transaction is open */

/* Copies the write-ahead log into the file where it has grown by `pages` since the last time. It waits for the
 * disk, which is why no commit does it by itself: a server calls this while nobody waits; in a command db_close
 * does it. */
void db_checkpoint(struct db *db, int pages);
bool db_checkpoint_due(const struct db *db, int pages); /* whether it would */

/* A copy of a string column; NULL for NULL. */
char *db_text(sqlite3_stmt *statement, int column);

#endif
