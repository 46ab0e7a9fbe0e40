#include "faces/till.h"

#include "faces/sale.h"

#include <stdio.h>
#include <string.h>

#define UNITS 1000000 /* of a dollar: USDC has six decimals */
#define LEAST_DECIMALS 2

static int check_terms(const struct till *till, const struct till_settings *settings, struct error *error)
{
    if (!x402_is_address(settings->pay_to))
        return error_set(error, ERROR_INVALID, "CODECELL_X402_PAY_TO: must be an address of 0x and 40 hex digits");
    if (till->terms.network == NULL)
        return error_set(error, ERROR_INVALID, "CODECELL_X402_NETWORK: there is no network %s", settings->network);
    if (!x402_is_address(till->terms.asset))
        return error_set(error, ERROR_INVALID,
                         "CODECELL_X402_ASSET: must be an address of 0x and 40 hex digits, or empty");
    return 0;
}

int till_open(struct till *till, uv_loop_t *loop, const struct till_settings *settings, struct error *error)
{
    const struct x402_network *network = x402_network_find(settings->network);

    *till = (struct till){.loop = loop, .credit = settings->credit};
    list_init(&till->sales);
    if (*settings->facilitator == '\0')
        return 0;
    till->terms.network = network;
    till->terms.pay_to = settings->pay_to;
    till->terms.asset = *settings->asset != '\0' || network == NULL ? settings->asset : network->asset;
    till->terms.asset_name =
        *settings->asset_name != '\0' || network == NULL ? settings->asset_name : network->asset_name;
    till->terms.asset_version = settings->asset_version;
    if (check_terms(till, settings, error) != 0)
        return -1;
    if (facilitator_open(&till->facilitator, loop, settings->facilitator, error) != 0)
        return error_wrap(error, "CODECELL_X402_FACILITATOR");
    return 0;
}

void till_close(struct till *till)
{
    sale_abort_all(till);
    facilitator_close(till->facilitator);
    till->facilitator = NULL;
}

double till_dollars(const struct till *till, int64_t credits)
{
    return (double)(credits * till->credit) / UNITS;
}

void till_price(const struct till *till, int64_t credits, char out[TILL_DOLLARS_MAX])
{
    long long units = credits * till->credit;
    int len = snprintf(out, TILL_DOLLARS_MAX, "$%lld.%06lld", units / UNITS, units % UNITS);

    while (len > 1 && out[len - 1] == '0' && out[len - 1 - LEAST_DECIMALS] != '.')
        out[--len] = '\0';
}
