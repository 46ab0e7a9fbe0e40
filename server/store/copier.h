/* Copies the write-ahead log into the file on a thread and a connection of its own: a copy waits for the disk, a tenth
 * of a second and more on a busy one, and nobody waits for that. What is written meanwhile stays for the next copy, so
 * beside a constant writer the log is never all copied and does not begin anew: that needs a copy by the writer. */
#ifndef CODECELL_STORE_COPIER_H
#define CODECELL_STORE_COPIER_H

#include <stdbool.h>

struct db;
struct copier;

/* For the file of `db`, which stays the caller's and is not used after this call. NULL: out of memory or of
 * threads, or the file cannot be read. */
struct copier *copier_open(struct db *db);

/* Begins a copy. False: the last one is not over, or `copier` is NULL. Any thread. */
bool copier_ask(struct copier *copier);
bool copier_works(struct copier *copier); /* NULL: false */

void copier_close(struct copier *copier); /* waits for the copy under way; NULL is fine */

#endif
