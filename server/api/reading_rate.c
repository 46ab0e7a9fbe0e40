#include "api/reading_rate.h"

#include "store/keys.h"

#include <stdlib.h>

int64_t reading_rate(const struct reading_rates *rates, int64_t rate_per_minute)
{
    int64_t own = rate_per_minute * READING_PER_EXECUTION, rate = own > rates->least ? own : rates->least;

    return rate < KEY_RATE_MAX ? rate : KEY_RATE_MAX;
}

static struct reading_key *find(const struct reading_rates *rates, int64_t key_row)
{
    for (size_t i = 0; i < rates->count; i++)
        if (rates->keys[i].key_row == key_row)
            return &rates->keys[i];
    return NULL;
}

/* The key that is nearest to its full burst; NULL: there is no key. */
static struct reading_key *idlest(const struct reading_rates *rates)
{
    struct reading_key *found = rates->keys;

    for (size_t i = 1; i < rates->count; i++)
        if (rates->keys[i].tat_ns < found->tat_ns)
            found = &rates->keys[i];
    return rates->count > 0 ? found : NULL;
}

static struct reading_key *reading_append(struct reading_rates *rates)
{
    if (rates->count == rates->room) {
        size_t room = rates->room > 0 ? rates->room * 2 : 16;
        struct reading_key *more = realloc(rates->keys, room * sizeof *more);
        if (more == NULL)
            return NULL;
        rates->keys = more;
        rates->room = room;
    }
    return &rates->keys[rates->count++];
}

/* A place for a new key. It replaces a key that has its full burst, because that is what a new key has. If there are
 * READING_KEYS_MAX keys, it replaces the nearest one. */
static struct reading_key *place(struct reading_rates *rates, int64_t key_row, int64_t now_ns)
{
    struct reading_key *key = idlest(rates);

    if (key == NULL || (key->tat_ns > now_ns && rates->count < READING_KEYS_MAX))
        key = reading_append(rates);
    if (key != NULL)
        *key = (struct reading_key){.key_row = key_row};
    return key;
}

struct rate_verdict reading_take(struct reading_rates *rates, int64_t key_row, int64_t rate_per_minute, int64_t cost,
                                 int64_t now_ns)
{
    struct reading_key *key = find(rates, key_row);

    if (key == NULL)
        key = place(rates, key_row, now_ns);
    struct rate_verdict verdict =
        rate_decide(key != NULL ? key->tat_ns : 0, reading_rate(rates, rate_per_minute), cost, now_ns);
    if (key != NULL && verdict.allowed)
        key->tat_ns = verdict.tat_ns;
    return verdict;
}

void reading_free(struct reading_rates *rates)
{
    free(rates->keys);
    *rates = (struct reading_rates){.least = rates->least};
}
