#include "http/seats.h"

#include "base/container_of.h"

#include <stdlib.h>

struct http_holder {
    struct http_party party;
    unsigned held;
    struct list seats[HTTP_SEAT_STATES]; /* in the order in which they came to this state */
    struct http_holder *next;            /* in its bucket */
};

/* FNV-1a, 64 bits. */
static unsigned bucket_of(const struct http_party *party)
{
    const uint8_t *bytes = party->is_key ? (const uint8_t *)&party->key : party->address.bytes;
    size_t len = party->is_key ? sizeof party->key : sizeof party->address;
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return (unsigned)((hash >> 32 ^ hash) % HTTP_SEATS_BUCKETS);
}

static struct http_holder *find_holder(const struct http_seats *seats, const struct http_party *party)
{
    struct http_holder *holder = seats->buckets[bucket_of(party)];

    while (holder != NULL && !http_party_is(&holder->party, party))
        holder = holder->next;
    return holder;
}

static struct http_holder *holder_of(struct http_seats *seats, const struct http_party *party)
{
    struct http_holder *holder = find_holder(seats, party);

    if (holder == NULL) {
        struct http_holder **bucket = &seats->buckets[bucket_of(party)];
        holder = calloc(1, sizeof *holder);
        if (holder == NULL)
            return NULL;
        holder->party = *party;
        for (int state = 0; state < HTTP_SEAT_STATES; state++)
            list_init(&holder->seats[state]);
        holder->next = *bucket;
        *bucket = holder;
    }
    return holder;
}

static void drop_holder(struct http_seats *seats, struct http_holder *holder)
{
    struct http_holder **at = &seats->buckets[bucket_of(&holder->party)];

    while (*at != holder)
        at = &(*at)->next;
    *at = holder->next;
    free(holder);
}

static void append_seat(struct http_seats *seats, struct http_seat *seat)
{
    seat->since = ++seats->moves;
    list_push(&seat->holder->seats[seat->state], &seat->node);
}

bool http_seats_take(struct http_seats *seats, struct http_seat *seat, const struct http_party *party)
{
    struct http_holder *holder = holder_of(seats, party);

    if (holder == NULL)
        return false;
    *seat = (struct http_seat){.holder = holder, .state = HTTP_SEAT_BUSY};
    holder->held++;
    seats->taken++;
    append_seat(seats, seat);
    return true;
}

void http_seats_leave(struct http_seats *seats, struct http_seat *seat)
{
    struct http_holder *holder = seat->holder;

    if (holder == NULL)
        return;
    list_remove(&seat->node);
    seat->holder = NULL;
    seats->taken--;
    if (--holder->held == 0)
        drop_holder(seats, holder);
}

void http_seats_pass(struct http_seats *seats, struct http_seat *seat, const struct http_party *party)
{
    enum http_seat_state state = seat->state;
    struct http_holder *to = seat->holder != NULL ? holder_of(seats, party) : NULL;

    if (to == NULL || to == seat->holder)
        return;
    http_seats_leave(seats, seat);
    *seat = (struct http_seat){.holder = to, .state = state};
    to->held++;
    seats->taken++;
    append_seat(seats, seat);
}

void http_seats_set(struct http_seats *seats, struct http_seat *seat, enum http_seat_state state)
{
    if (seat->holder == NULL)
        return;
    list_remove(&seat->node);
    seat->state = state;
    append_seat(seats, seat);
}

/* Which seat goes. */

/* The seat that the holder would lose; NULL: none. */
static struct http_seat *loss_of(const struct http_seats *seats, const struct http_holder *holder)
{
    struct list *first = list_first(&holder->seats[HTTP_SEAT_IDLE]);

    if (first == NULL && holder->held > seats->taken / 2)
        first = list_first(&holder->seats[HTTP_SEAT_MOVING]);
    return first != NULL ? container_of(first, struct http_seat, node) : NULL;
}

/* The holder's rank in the rule of seats.h, for a newcomer whose party holds `held` seats. The highest rank loses a
 * seat first; 0: it loses none. */
static int holder_rank(const struct http_holder *holder, unsigned held)
{
    if (holder->held >= held + 2)
        return holder->party.is_key ? 2 : 3;
    return !holder->party.is_key && holder->held > held ? 1 : 0;
}

struct candidate {
    int rank;
    unsigned held;
    struct http_seat *seat;
};

static bool seat_goes_before(const struct candidate *a, const struct candidate *b)
{
    if (a->rank != b->rank)
        return a->rank > b->rank;
    if (a->held != b->held)
        return a->held > b->held;
    return a->seat->since < b->seat->since;
}

struct http_seat *http_seats_victim(const struct http_seats *seats, const struct http_party *party)
{
    const struct http_holder *own = find_holder(seats, party);
    unsigned held = own != NULL ? own->held : 0;
    struct candidate best = {0};

    for (size_t i = 0; i < HTTP_SEATS_BUCKETS; i++)
        for (const struct http_holder *holder = seats->buckets[i]; holder != NULL; holder = holder->next) {
            struct candidate one = {holder_rank(holder, held), holder->held, loss_of(seats, holder)};
            if (holder != own && one.rank > 0 && one.seat != NULL &&
                (best.seat == NULL || seat_goes_before(&one, &best)))
                best = one;
        }
    if (best.seat == NULL && own != NULL)
        return loss_of(seats, own);
    return best.seat;
}

const struct http_party *http_seats_party(const struct http_seat *seat)
{
    return seat->holder != NULL ? &seat->holder->party : NULL;
}
