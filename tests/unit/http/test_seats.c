/* Which connection goes if all seats are taken, in a simulation; and the client of a request that a proxy brings. */
#include "unit.h"

#include "http/forwarded.h"
#include "http/seats.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define MOST 1024 /* the default of CODECELL_MAX_CONNECTIONS */

struct house {
    struct http_seats seats;
    struct http_seat seat[MOST + 64];
    unsigned parties[MOST + 64]; /* the party of each connection */
    unsigned next, refused;
    unsigned lost[4096]; /* by party */
};

static struct http_party address(unsigned number)
{
    struct http_party party = {0};

    memcpy(party.address.bytes, &number, sizeof number);
    return party;
}

static struct house *house_new(void)
{
    struct house *house = calloc(1, sizeof *house);

    assert_non_null(house);
    return house;
}

static void house_free(struct house *house)
{
    for (size_t i = 0; i < COUNT(house->seat); i++)
        http_seats_leave(&house->seats, &house->seat[i]);
    assert_int_equal(house->seats.taken, 0);
    for (size_t i = 0; i < HTTP_SEATS_BUCKETS; i++)
        assert_null(house->seats.buckets[i]);
    free(house);
}

static unsigned free_seat(const struct house *house)
{
    unsigned i = house->next;

    while (house->seat[i % COUNT(house->seat)].holder != NULL)
        i++;
    return i % COUNT(house->seat);
}

/* A newcomer, number `who` of its kind (keys: from 2048). It gets a seat in `state`. NULL: it is refused. */
static struct http_seat *come(struct house *house, unsigned who, enum http_seat_state state)
{
    struct http_party party = who < 2048 ? address(who) : http_party_key(who);

    if (house->seats.taken >= MOST) {
        struct http_seat *victim = http_seats_victim(&house->seats, &party);
        if (victim == NULL) {
            house->refused++;
            return NULL;
        }
        house->lost[house->parties[victim - house->seat]]++;
        http_seats_leave(&house->seats, victim);
    }
    unsigned at = free_seat(house);
    house->next = at + 1;
    house->parties[at] = who;
    assert_true(http_seats_take(&house->seats, &house->seat[at], &party));
    http_seats_set(&house->seats, &house->seat[at], state);
    return &house->seat[at];
}

static void come_many(struct house *house, unsigned who, unsigned count, enum http_seat_state state)
{
    while (count-- > 0)
        come(house, who, state);
}

static void one_address_holds_all(void **state)
{
    (void)state;
    struct house *house = house_new();

    come_many(house, 1, 1100, HTTP_SEAT_IDLE);
    assert_int_equal(house->lost[1], 1100 - MOST); /* its own newcomers take the places of its own idle ones */
    for (unsigned who = 2; who < 12; who++)
        assert_non_null(come(house, who, HTTP_SEAT_BUSY));
    assert_int_equal(house->lost[1], 1100 - MOST + 10);
    come_many(house, 1, 5000, HTTP_SEAT_IDLE);
    for (unsigned who = 2; who < 12; who++)
        assert_int_equal(house->lost[who], 0);
    assert_int_equal(house->refused, 0);
    house_free(house);
}

static void idle_ones_of_a_small_holder_are_safe_from_a_large_one(void **state)
{
    (void)state;
    struct house *house = house_new();

    come_many(house, 2, 20, HTTP_SEAT_IDLE);
    come_many(house, 1, 3000, HTTP_SEAT_IDLE);
    assert_int_equal(house->lost[2], 0);
    house_free(house);
}

static void fifty_addresses(void **state)
{
    (void)state;
    struct house *house = house_new();

    for (unsigned round = 0; round < 40; round++)
        for (unsigned who = 100; who < 150; who++)
            come(house, who, HTTP_SEAT_IDLE);
    for (unsigned who = 1; who < 20; who++)
        assert_non_null(come(house, who, HTTP_SEAT_IDLE));
    for (unsigned who = 1; who < 20; who++)
        assert_int_equal(house->lost[who], 0);
    for (unsigned who = 100; who < 150; who++) /* 20 or 21 each had a place: none lost more than its turn */
        assert_in_range(house->lost[who], 40 - 21, 40 - 19);
    house_free(house);
}

/* Each of a thousand addresses holds one: the one that has been idle longest makes room. */
static void as_many_addresses_as_places(void **state)
{
    (void)state;
    struct house *house = house_new();

    for (unsigned who = 1; who <= MOST; who++)
        come(house, who, HTTP_SEAT_IDLE);
    assert_non_null(come(house, 2000, HTTP_SEAT_IDLE));
    assert_int_equal(house->lost[1], 1);
    assert_non_null(come(house, 2001, HTTP_SEAT_IDLE));
    assert_int_equal(house->lost[2], 1);
    house_free(house);
}

static void addresses_give_way_before_keys(void **state)
{
    (void)state;
    struct house *house = house_new();

    come_many(house, 3000, MOST - 3, HTTP_SEAT_IDLE);
    come_many(house, 1, 3, HTTP_SEAT_IDLE);
    come(house, 2, HTTP_SEAT_IDLE);
    come(house, 3, HTTP_SEAT_IDLE);
    assert_int_equal(house->lost[1], 2);
    assert_int_equal(house->lost[3000], 0);
    for (unsigned who = 4; who < 40; who++)
        come(house, who, HTTP_SEAT_IDLE);
    assert_int_equal(house->lost[1], 2); /* one is what the newcomers have too */
    assert_int_equal(house->lost[3000], 36);
    house_free(house);
}

static void a_key_with_two_less(void **state)
{
    (void)state;
    struct house *house = house_new();

    come_many(house, 3000, MOST / 2, HTTP_SEAT_IDLE);
    come_many(house, 3001, MOST / 2, HTTP_SEAT_IDLE);
    come_many(house, 3002, 3, HTTP_SEAT_IDLE);
    assert_int_equal(house->lost[3000] + house->lost[3001], 3);
    come_many(house, 3000, 9, HTTP_SEAT_IDLE); /* the two are level: each takes places of its own */
    assert_int_equal(house->lost[3002], 0);
    house_free(house);
}

static void what_is_at_work_stays(void **state)
{
    (void)state;
    struct house *house = house_new();

    come_many(house, 1, MOST - 1, HTTP_SEAT_BUSY);
    struct http_seat *idle = come(house, 1, HTTP_SEAT_IDLE);
    struct http_party newcomer = address(2);
    assert_ptr_equal(http_seats_victim(&house->seats, &newcomer), idle);
    http_seats_set(&house->seats, idle, HTTP_SEAT_BUSY);
    assert_null(http_seats_victim(&house->seats, &newcomer));
    assert_null(come(house, 2, HTTP_SEAT_IDLE));
    house_free(house);
}

/* Bodies that never end: a party that holds more than half loses them, the oldest first. */
static void slow_bodies(void **state)
{
    (void)state;
    struct house *house = house_new();
    struct http_party newcomer = address(9);

    come_many(house, 3000, MOST / 2, HTTP_SEAT_MOVING);
    come_many(house, 3001, MOST / 2, HTTP_SEAT_BUSY);
    assert_null(http_seats_victim(&house->seats, &newcomer));
    house_free(house);
    house = house_new();
    struct http_seat *oldest = come(house, 3000, HTTP_SEAT_MOVING);
    come_many(house, 3000, MOST - 1, HTTP_SEAT_MOVING);
    assert_ptr_equal(http_seats_victim(&house->seats, &newcomer), oldest);
    house_free(house);
}

/* A key that is shown makes the connection the key's. */
static void passed_on(void **state)
{
    (void)state;
    struct house *house = house_new();
    struct http_party shown = http_party_key(3000), newcomer = address(2);
    struct http_seat *seats[MOST];

    for (unsigned i = 0; i < MOST; i++)
        seats[i] = come(house, 1, HTTP_SEAT_IDLE);
    assert_ptr_equal(http_seats_victim(&house->seats, &newcomer), seats[0]);
    http_seats_pass(&house->seats, seats[0], &shown);
    assert_ptr_equal(http_seats_victim(&house->seats, &newcomer), seats[1]);
    http_seats_set(&house->seats, seats[1], HTTP_SEAT_IDLE); /* it has just moved */
    assert_ptr_equal(http_seats_victim(&house->seats, &newcomer), seats[2]);
    assert_int_equal(house->seats.taken, MOST);
    house_free(house);
}

static void forwarded(void **state)
{
    (void)state;
    static const struct {
        const char *trusted, *peer, *list, *client; /* peer NULL: a unix socket; client NULL: the peer itself */
    } table[] = {
        {"10.0.0.0/8", "10.0.0.1", "192.0.2.1", "192.0.2.1"},
        {"10.0.0.0/8", "192.0.2.9", "192.0.2.1", NULL}, /* anybody may write it */
        {"", "10.0.0.1", "192.0.2.1", NULL},
        {"10.0.0.0/8", "10.0.0.1", NULL, NULL},
        {"10.0.0.0/8", "10.0.0.1", "", NULL},
        {"10.0.0.0/8", "10.0.0.1", "198.51.100.7, 192.0.2.1", "192.0.2.1"}, /* what the client wrote itself */
        {"10.0.0.0/8", "10.0.0.1", "198.51.100.7,192.0.2.1 ,\t10.2.0.1", "192.0.2.1"},
        {"10.0.0.0/8", "10.0.0.1", "10.3.0.1, 10.2.0.1", "10.3.0.1"},
        {"10.0.0.0/8", "10.0.0.1", "192.0.2.1:4711", "192.0.2.1"},
        {"10.0.0.0/8", "10.0.0.1", "\"[2001:db8::1]\"", NULL},
        {"10.0.0.0/8", "10.0.0.1", "[2001:db8::1]:80", "2001:db8::1"},
        {"10.0.0.0/8", "10.0.0.1", "192.0.2.1, unknown", NULL},
        {"10.0.0.0/8", "10.0.0.1", "192.0.2.1,", NULL},
        {"10.0.0.0/8", "10.0.0.1", "nonsense, 192.0.2.1", "192.0.2.1"},
        {"unix", NULL, "192.0.2.1", "192.0.2.1"},
        {"10.0.0.0/8", NULL, "192.0.2.1", NULL},
        {"unix", "127.0.0.1", "192.0.2.1", NULL},
        {"2001:db8::/32", "2001:db8::5", "2001:db9::1", "2001:db9::1"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct ip_nets trusted;
        struct ip peer, client;
        char shown[IP_TEXT_MAX];
        assert_true(ip_nets_parse(table[i].trusted, &trusted));
        if (table[i].peer != NULL)
            assert_true(ip_parse(table[i].peer, strlen(table[i].peer), &peer));
        bool said = http_forwarded_client(&trusted, table[i].peer != NULL ? &peer : NULL, table[i].list, &client);
        if (said != (table[i].client != NULL))
            fail_msg("row %zu: %d", i, said);
        if (said) {
            ip_text(&client, shown);
            assert_string_equal(shown, table[i].client);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address_holds_all),
        cmocka_unit_test(idle_ones_of_a_small_holder_are_safe_from_a_large_one),
        cmocka_unit_test(fifty_addresses),
        cmocka_unit_test(as_many_addresses_as_places),
        cmocka_unit_test(addresses_give_way_before_keys),
        cmocka_unit_test(a_key_with_two_less),
        cmocka_unit_test(what_is_at_work_stays),
        cmocka_unit_test(slow_bodies),
        cmocka_unit_test(passed_on),
        cmocka_unit_test(forwarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
