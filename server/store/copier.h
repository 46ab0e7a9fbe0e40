/* Copies the write-ahead log into the file, on a thread and a connection of its own. A copy waits for the disk, a tenth
 * of a second and more on a busy one, and no job should wait for that. What is written during a copy is left to the
 * next one. So beside a constant writer this thread never copies the log whole, and the log does not start anew; for
 * that the writer itself must copy the rest (store_thread.c). */
#ifndef CODECELL_STORE_COPIER_H
#define CODECELL_STORE_COPIER_H

#include <stdbool.h>

struct db;
struct copier;

/* For the file of `db`, which is not used after this call. NULL: no memory or thread, or the file cannot be read. The
 * functions below accept NULL. */
struct copier *copier_open(struct db *db);

/* Begins a copy. False: the last copy still runs, or there is no copier. Any thread. */
bool copier_ask(struct copier *copier);
bool copier_works(struct copier *copier); /* whether a copy runs */

void copier_close(struct copier *copier); /* waits for the copy that runs */

#endif
