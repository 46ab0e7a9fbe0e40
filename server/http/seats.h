/* Who holds how many connections, and whose connection goes if all seats are taken and one more client comes.
 *
 * A connection belongs to the key that it has shown, and before that to its client's address (ip_group). A newcomer
 * gets another party's seat, the one that has waited longest for its client:
 *
 *   1. of the address that holds most connections, if that is at least two more than the newcomer's party holds;
 *   2. else of the key that holds most, by the same measure;
 *   3. else of an address that holds one more than the newcomer's party;
 *   4. else of the newcomer's own party.
 *
 * Only idle connections go: they wait between two requests, or for a head. A party that holds more than half of all
 * seats also loses connections that wait for the client to send a body or to read an answer. A connection whose request
 * is at work never goes.
 *
 * Pure: no clock, no loop. */
#ifndef CODECELL_HTTP_SEATS_H
#define CODECELL_HTTP_SEATS_H

#include "base/list.h"
#include "http/party.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_SEATS_BUCKETS 1024

enum http_seat_state {
    HTTP_SEAT_BUSY,   /* its request is at work; never goes */
    HTTP_SEAT_MOVING, /* its client sends a body or reads an answer */
    HTTP_SEAT_IDLE,
    HTTP_SEAT_STATES
};

struct http_holder;

/* Embedded in the connection. */
struct http_seat {
    struct http_holder *holder; /* NULL: it has no seat */
    enum http_seat_state state;
    uint64_t since;   /* `moves` at the time when its state was set */
    struct list node; /* in its holder's list of this state */
};

struct http_seats {
    unsigned taken;
    uint64_t moves; /* how often a seat was taken, or changed its state or its party */
    struct http_holder *buckets[HTTP_SEATS_BUCKETS];
};

/* Takes a seat, BUSY. False: out of memory, and it has none. */
bool http_seats_take(struct http_seats *seats, struct http_seat *seat, const struct http_party *party);

/* The seat is another party's from now on. Out of memory: it stays as it was. */
void http_seats_pass(struct http_seats *seats, struct http_seat *seat, const struct http_party *party);

void http_seats_set(struct http_seats *seats, struct http_seat *seat, enum http_seat_state state);

void http_seats_leave(struct http_seats *seats, struct http_seat *seat);

/* Whose seat it is; NULL: it has none. */
const struct http_party *http_seats_party(const struct http_seat *seat);

/* The seat that must go for one more of `party`; NULL: none, so the newcomer must be refused. */
struct http_seat *http_seats_victim(const struct http_seats *seats, const struct http_party *party);

#endif
