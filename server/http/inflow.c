#include "http/inflow.h"

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t last_ns(const struct http_inflow_party *one)
{
    return later(one->seen_ns, one->free_ns);
}

/* The party's place, which is the one of the party that is gone longest if it has none yet. */
static struct http_inflow_party *find(struct http_inflow *inflow, const struct http_party *party)
{
    struct http_inflow_party *oldest = inflow->parties;

    for (int i = 0; i < HTTP_INFLOW_PARTIES; i++) {
        struct http_inflow_party *one = &inflow->parties[i];
        if (last_ns(one) > 0 && http_party_is(&one->party, party))
            return one;
        if (last_ns(one) < last_ns(oldest))
            oldest = one;
    }
    *oldest = (struct http_inflow_party){.party = *party};
    return oldest;
}

static bool has_company(const struct http_inflow *inflow, const struct http_inflow_party *self, uint64_t now)
{
    for (int i = 0; i < HTTP_INFLOW_PARTIES; i++) {
        const struct http_inflow_party *one = &inflow->parties[i];
        if (one != self && one->seen_ns > 0 && now < one->seen_ns + HTTP_INFLOW_COMPANY_NS)
            return true;
    }
    return false;
}

static uint64_t ns_of(const struct http_inflow *inflow, uint64_t bytes)
{
    return (uint64_t)((double)bytes * 1e9 / (double)inflow->rate);
}

bool http_inflow_see(struct http_inflow *inflow, const struct http_party *party, uint64_t now_ns)
{
    struct http_inflow_party *one = find(inflow, party);

    one->seen_ns = later(one->seen_ns, now_ns);
    return has_company(inflow, one, now_ns);
}

uint64_t http_inflow_take(struct http_inflow *inflow, const struct http_party *party, size_t bytes, uint64_t now_ns)
{
    if (inflow->rate == 0)
        return 0;
    struct http_inflow_party *self = find(inflow, party);
    if (!has_company(inflow, self, now_ns))
        return 0;
    uint64_t free_from = now_ns + ns_of(inflow, inflow->burst);
    self->free_ns = later(self->free_ns, now_ns) + ns_of(inflow, bytes);
    if (self->free_ns > free_from + HTTP_INFLOW_REST_MAX_NS)
        self->free_ns = free_from + HTTP_INFLOW_REST_MAX_NS;
    return self->free_ns > free_from ? self->free_ns - free_from : 0;
}
