/* What the operator has set up for sales: what a credit is worth, and how x402 payments come in. All faces that sell
 * share one till (struct api). */
#ifndef CODECELL_FACES_TILL_H
#define CODECELL_FACES_TILL_H

#include "base/list.h"
#include "faces/facilitator.h"
#include "faces/x402.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct till {
    uv_loop_t *loop;
    struct facilitator *facilitator; /* NULL: x402 is off */
    struct x402_terms terms;
    int64_t credit;    /* the asset's least units that one credit is worth */
    struct list sales; /* those that are under way */
};

struct till_settings {
    const char *facilitator;   /* CODECELL_X402_FACILITATOR: a URL; "": x402 is off */
    const char *pay_to;        /* CODECELL_X402_PAY_TO: an address */
    const char *network;       /* CODECELL_X402_NETWORK: "base-sepolia" */
    const char *asset;         /* CODECELL_X402_ASSET: an address; "": the network's USDC */
    const char *asset_name;    /* CODECELL_X402_ASSET_NAME: of its EIP-712 domain; "": that of the network's USDC */
    const char *asset_version; /* CODECELL_X402_ASSET_VERSION */
    int64_t credit;            /* CODECELL_X402_CREDIT: what a credit is worth, in the asset's least units */
};

/* The texts of `settings` must outlive the till. 0, or -1 with a sentence that names the setting. */
int till_open(struct till *till, uv_loop_t *loop, const struct till_settings *settings, struct error *error);

/* No client waits any more. Ends the questions to the facilitator. Sales whose settlement was under way are logged, and
 * those that wait for the database end with it: the till must stay until the loop has ended. */
void till_close(struct till *till);

/* What credits are worth, as "$0.02" and as a number. */
#define TILL_DOLLARS_MAX 32
void till_price(const struct till *till, int64_t credits, char out[TILL_DOLLARS_MAX]);
double till_dollars(const struct till *till, int64_t credits);

#endif
