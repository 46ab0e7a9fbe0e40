/* The database: a file, data_dir/codecell.db, that one thread uses: the store's in a server (store.h), the main thread
 * in a command. It keeps its statements, so that each is prepared once.
 *
 * db_open() makes the directory (0700) and the file (0600), and applies the migrations that the file lacks in one
 * transaction. Two programs may do so at once. It refuses a file that a newer Codecell has migrated, that is not
 * Codecell's, or that is new in a directory that has held a database (directory.h), and leaves that file as it is. */
#ifndef CODECELL_STORE_DB_H
#define CODECELL_STORE_DB_H

#include "store/driver.h"

#include <stdatomic.h>

#define DB_CURSOR_KEY 16      /* bytes */
#define DB_STATEMENTS_MAX 192 /* different statements that a handle keeps; one more is ERROR_INTERNAL */
#define DB_PATIENCE_MS 5000

struct db;

int db_open(struct db **out, const char *data_dir, struct error *error);
void db_close(struct db *db); /* db may be NULL */

/* The data directory's own id, a UUID made with the file: io.codecell.instance. */
const char *db_instance(const struct db *db);

/* The number of this data directory in the table `servers`: the owner of the executions that its server accepts. The
 * directory's lock (directory.h) allows one server at a time, so at its start the number's open executions are those
 * that an earlier run has left. */
int64_t db_server(const struct db *db);

/* A random number above 0 that the handle drew when it was opened. With db_server() it names one run of a server: a row
 * with the same server and another number is of an earlier run. */
int64_t db_run_number(const struct db *db);

/* The secret of this database's cursors: DB_CURSOR_KEY random bytes, made with the file. */
const unsigned char *db_cursor_key(const struct db *db);

struct driver *db_driver(struct db *db);

/* When a server starts: whether the file holds all pages that it should. 0, or -1. */
int db_check_whole(struct db *db, struct error *error);

/* -1: the file is not in its place any more, or was emptied, so what is written is lost. */
int db_check_place(struct db *db, struct error *error);

/* How long a write waits for another program's write; DB_PATIENCE_MS at first. */
void db_patience(struct db *db, int ms);

/* Whether commits wait for the disk (driver.h); false at first. 0, or -1. */
int db_durable(struct db *db, bool durable, struct error *error);

/* From this monotonic time on each statement ends with ERROR_BUSY. 0: never. */
void db_deadline(struct db *db, uint64_t monotonic_ns);

/* Says whether a short job waits for the thread, so that a slice of long work ends soon (slice.h). NULL, as at first:
 * no job ever waits. */
void db_set_wanted(struct db *db, const atomic_bool *wanted);
const atomic_bool *db_wanted(const struct db *db);

/* The statement for this SQL text, new at first and restarted later. The text's address is the key, so pass a literal.
 * NULL: it failed. */
struct statement *db_prepare(struct db *db, const char *sql, struct error *error);

int db_begin(struct db *db, struct error *error);      /* takes the write lock, and waits for it */
int db_begin_read(struct db *db, struct error *error); /* for a transaction that only reads: takes no lock */
int db_commit(struct db *db, struct error *error);     /* if it fails, the transaction is rolled back */
void db_rollback(struct db *db);                       /* without a transaction it does nothing */
bool db_in_transaction(const struct db *db);
int db_defer_keys(struct db *db, struct error *error); /* the commit checks foreign keys, for this transaction */

/* One part of a transaction, which can be rolled back alone. Either of the last two ends it. */
int db_savepoint(struct db *db, struct error *error);
int db_savepoint_keep(struct db *db, struct error *error);
int db_savepoint_undo(struct db *db, struct error *error);

/* Copies the write-ahead log into the file if the log has grown by `pages` since the last copy. That waits for the
 * disk, so no commit does it: a server has a thread for it (copier.h), and db_close() copies what is left. */
void db_checkpoint(struct db *db, int pages);
bool db_checkpoint_due(const struct db *db, int pages); /* whether db_checkpoint() would copy */
void db_checkpoint_begun(struct db *db);                /* another connection copies: the growth counts from here */
bool db_log_is_long(const struct db *db, int pages);    /* includes pages that are copied but not yet written over */

#endif
