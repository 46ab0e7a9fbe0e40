/* The pool's one decider. pool.c records what happened, and then asks here what is done: which request gets which cell,
 * how many idle cells each language should have, and which cell is made, ended or prewarmed next. The judgements
 * themselves are pure functions (policy.h, size.h). */
#ifndef CODECELL_DOCKER_POOL_BALANCE_H
#define CODECELL_DOCKER_POOL_BALANCE_H

#include "docker/pool/pool.h"

struct shelf;

/* Gives the request an idle or a kept cell now (on_cell fires), or queues it. */
void balance_request(struct pool *pool, struct pool_request *request);

/* A new cell is ready: it goes to a request (on_cell fires) or on its shelf, or it ends. */
void balance_made(struct pool *pool, struct cell *cell);

/* A creation failed. The cell's request fails after POOL_REQUEST_TRIES of these (on_cell fires). */
void balance_not_made(struct pool *pool, struct cell *cell, const struct error *error);

/* Whether a used cell should end instead of being used again. */
bool balance_is_old(const struct pool *pool, struct cell *cell, uint64_t now_ns);

/* A cell was reset: it goes to a request of its key (on_cell fires), or waits for one, or ends because it is old. */
void balance_reset(struct pool *pool, struct cell *cell);

/* Fails all requests that wait now (on_cell fires); not those that come from within. */
void balance_fail_requests(struct pool *pool, const struct error *error);

/* Sets the target of each shelf anew, by demand and budget. */
void balance_resize(struct pool *pool, uint64_t now_ns);

/* What needs no engine: sets targets if it is time, ends kept cells that have waited too long or exceed the budget, and
 * hands idle cells to requests (on_cell fires). */
void balance_serve(struct pool *pool, uint64_t now_ns);

/* What needs the engine: makes, ends and prewarms cells until nothing is left to do now. Returns the next moment at
 * which time alone changes something; 0: there is none, as in an idle pool that has its minima. */
uint64_t balance_cells(struct pool *pool, uint64_t now_ns);

#endif
