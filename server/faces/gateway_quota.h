/* How many keys clients have made for themselves today, by their address. The counts are kept in memory: after a
 * restart each address has its whole number again. Pure, except that it allocates. */
#ifndef CODECELL_FACES_GATEWAY_QUOTA_H
#define CODECELL_FACES_GATEWAY_QUOTA_H

#include "base/ip.h"

#define GATEWAY_MAKERS_MAX 4096 /* addresses a day: one more makes no key before the next day */

struct gateway_maker {
    struct ip address; /* a group of addresses (ip_group) */
    int64_t made;
};

/* All zero except `most`: nothing was made yet. */
struct gateway_quota {
    int64_t most; /* keys a day for each address; 0: clients make no keys */
    int64_t day;  /* of the counts, in UTC since 1970 */
    struct gateway_maker *makers;
    size_t count, room;
};

/* Counts a key, if the address may make one now. False also if there is no memory. */
bool gateway_quota_take(struct gateway_quota *quota, const struct ip *address, int64_t now_ms);

/* The key could not be made after all. */
void gateway_quota_give_back(struct gateway_quota *quota, const struct ip *address);

/* Whole seconds until the next day, at least 1. */
int64_t gateway_quota_wait_s(int64_t now_ms);

void gateway_quota_free(struct gateway_quota *quota);

#endif
