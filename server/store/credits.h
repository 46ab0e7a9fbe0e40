/* Prepaid credits. A reservation takes credits off a key before an execution, and is settled once, when the execution
 * ends: taken if its program ran, given back if it did not. The table `reservations` has one row for each reservation
 * that is not settled:
 *
 *   credits_reserve ─ row ─┬─ credits_take       the row goes
 *                          ├─ credits_give_back  the row goes, and its amount is the key's again
 *                          └─ the server ends ─ credits_recover() of its next start gives it back
 *
 * records_finish() settles an execution's reservation in the transaction of its record. So after a crash the credits
 * were taken exactly if the record says that the program ran. All functions except credits_give_back_later() are for
 * the database's thread, in a transaction. */
#ifndef CODECELL_STORE_CREDITS_H
#define CODECELL_STORE_CREDITS_H

#include "store/db.h"

struct store;

/* Takes `amount` (0 or more) off the key's credits, all or none. *reservation is its number, or 0 if there is nothing
 * to settle: the amount is 0, or the key is not prepaid. ERROR_CREDITS "Out of credits": the key has fewer.
 * ERROR_NOT_FOUND: there is no such key. If an `early` job (store.h) reserves and its commit fails, the execution is
 * free. */
int credits_reserve(struct db *db, int64_t key_row, int64_t amount, int64_t *reservation, struct error *error);

/* Settle a reservation. 0, or one that is settled already, changes nothing. To take is counted in the key's usage of
 * the language (usage.h). A key that is not prepaid any more gets nothing back. */
int credits_take(struct db *db, int64_t reservation, const char *language, struct error *error);
int credits_give_back(struct db *db, int64_t reservation, struct error *error);

/* The reservation outlives the server's run, because the journal has its execution (journal.h). */
int credits_keep(struct db *db, int64_t reservation, struct error *error);

/* What the key has, without what is reserved; -1: it is not prepaid. ERROR_NOT_FOUND: there is no such key. */
int credits_balance(struct db *db, int64_t key_row, int64_t *left, struct error *error);

/* On the loop's thread: a job that gives the reservation (0: none) back. If it fails, the next start gives it back. */
void credits_give_back_later(struct store *store, int64_t reservation);

/* At start: gives back what earlier runs of this server have left, and leaves other servers' reservations alone. Does
 * one slice (STORE_UPKEEP_SLICE_NS), and returns how many reservations it gave back, or -1. 0: nothing is left to do.
 */
long credits_recover(struct db *db, struct error *error);

#endif
