#include "faces/gateway_quota.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000LL

static struct gateway_maker *maker_find(const struct gateway_quota *quota, const struct ip *group)
{
    for (size_t i = 0; i < quota->count; i++)
        if (memcmp(&quota->makers[i].address, group, sizeof *group) == 0)
            return &quota->makers[i];
    return NULL;
}

/* NULL: out of memory, or there are too many. */
static struct gateway_maker *maker_add(struct gateway_quota *quota, const struct ip *group)
{
    if (quota->count == GATEWAY_MAKERS_MAX)
        return NULL;
    if (quota->count == quota->room) {
        size_t room = quota->room > 0 ? quota->room * 2 : 16;
        struct gateway_maker *more = realloc(quota->makers, room * sizeof *more);
        if (more == NULL)
            return NULL;
        quota->makers = more;
        quota->room = room;
    }
    quota->makers[quota->count] = (struct gateway_maker){.address = *group};
    return &quota->makers[quota->count++];
}

bool gateway_quota_take(struct gateway_quota *quota, const struct ip *address, int64_t now_ms)
{
    const struct ip group = ip_group(address);

    if (quota->day != now_ms / DAY_MS) {
        quota->day = now_ms / DAY_MS;
        quota->count = 0;
    }
    struct gateway_maker *maker = maker_find(quota, &group);
    if (maker == NULL && quota->most > 0)
        maker = maker_add(quota, &group);
    if (maker == NULL || maker->made >= quota->most)
        return false;
    maker->made++;
    return true;
}

void gateway_quota_give_back(struct gateway_quota *quota, const struct ip *address)
{
    const struct ip group = ip_group(address);
    struct gateway_maker *maker = maker_find(quota, &group);

    if (maker != NULL && maker->made > 0)
        maker->made--;
}

int64_t gateway_quota_wait_s(int64_t now_ms)
{
    return (DAY_MS - now_ms % DAY_MS + 999) / 1000;
}

void gateway_quota_free(struct gateway_quota *quota)
{
    free(quota->makers);
    *quota = (struct gateway_quota){.most = quota->most};
}
