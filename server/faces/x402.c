/* What a request costs, as both versions of x402 say it. */
#include "faces/x402.h"

#include "base/json.h"
#include "faces/x402_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USDC "USDC"
#define USD_COIN "USD Coin"

/* Names of version 1: an unknown one makes its client refuse the whole list. Circle's own USDC on each. */
static const struct x402_network networks[] = {
    {"base", "eip155:8453", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", USD_COIN, "2"},
    {"base-sepolia", "eip155:84532", "0x036CbD53842c5426634e7929541eC2318f3dCF7e", USDC, "2"},
    {"polygon", "eip155:137", "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", USD_COIN, "2"},
    {"polygon-amoy", "eip155:80002", "0x41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582", USDC, "2"},
    {"avalanche", "eip155:43114", "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E", USD_COIN, "2"},
    {"avalanche-fuji", "eip155:43113", "0x5425890298aed601595a70AB815c96711a31Bc65", USD_COIN, "2"},
};

const struct x402_network *x402_network_find(const char *name_or_id)
{
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
        if (strcmp(networks[i].name, name_or_id) == 0 || strcmp(networks[i].id, name_or_id) == 0)
            return &networks[i];
    return NULL;
}

/* The requirement as `accepts` and the facilitator's `paymentRequirements` have it. */
json_t *x402_entry(const struct x402_requirement *requirement, int version)
{
    const struct x402_terms *terms = requirement->terms;
    char amount[X402_AMOUNT_MAX + 1];

    snprintf(amount, sizeof amount, "%lld", (long long)requirement->amount);
    json_t *entry = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:{s:s, s:s}}", "scheme", "exact", "network",
                              version == 1 ? terms->network->name : terms->network->id,
                              version == 1 ? "maxAmountRequired" : "amount", amount, "payTo", terms->pay_to,
                              "maxTimeoutSeconds", (json_int_t)requirement->seconds, "asset", terms->asset, "extra",
                              "name", terms->asset_name, "version", terms->asset_version);

    if (version == 1 && entry != NULL) {
        json_object_set_new(entry, "resource", json_string(requirement->resource));
        json_object_set_new(entry, "description", json_string(requirement->about));
        json_object_set_new(entry, "mimeType", json_string("application/json"));
    }
    return entry;
}

json_t *x402_challenge(const struct x402_requirement *requirement, const char *sentence)
{
    return json_pack("{s:i, s:s, s:[o]}", "x402Version", 1, "error", sentence, "accepts", x402_entry(requirement, 1));
}

char *x402_challenge_header(const struct x402_requirement *requirement, const char *sentence)
{
    json_t *object = json_pack("{s:i, s:s, s:{s:s, s:s, s:s}, s:[o]}", "x402Version", 2, "error", sentence, "resource",
                               "url", requirement->resource, "description", requirement->about, "mimeType",
                               "application/json", "accepts", x402_entry(requirement, 2));
    char *text = x402_encode(object);

    json_decref(object);
    return text;
}

json_t *x402_question(const struct x402_payment *payment, const struct x402_requirement *requirement)
{
    return json_pack("{s:i, s:O, s:o}", "x402Version", payment->version, "paymentPayload", payment->object,
                     "paymentRequirements", x402_entry(requirement, payment->version));
}
