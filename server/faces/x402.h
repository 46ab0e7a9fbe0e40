/* x402, versions 1 and 2, on the server's side: what a request costs, how a client is told so, and what it pays with
 * (coinbase/x402, specs/). Signatures are the facilitator's business (facilitator.h). Pure, so that it knows no HTTP:
 * the texts of headers come in and go out.
 *
 *   price ─ 402: x402_challenge() as the body (version 1), x402_challenge_header() as a header (version 2)
 *   the client's header ─ x402_payment_read() ─ x402_payment_fits() ─ /verify, /settle (x402_question) ─ x402_receipt()
 */
#ifndef CODECELL_FACES_X402_H
#define CODECELL_FACES_X402_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define X402_HEADER_MAX 8192 /* bytes of a payment's header, before it is decoded */
#define X402_ADDRESS_LEN 42  /* "0x" and 40 hex digits */
#define X402_NONCE_LEN 66    /* "0x" and 64 hex digits */
#define X402_AMOUNT_MAX 20   /* digits of an amount */
#define X402_RESOURCE_MAX 600

/* A chain, by its name in version 1 and in version 2, with the token that is usual there (USDC, six decimals). */
struct x402_network {
    const char *name, *id; /* "base-sepolia", "eip155:84532" */
    const char *asset;
    const char *asset_name, *asset_version; /* of its EIP-712 domain */
};

/* NULL: not known. */
const struct x402_network *x402_network_find(const char *name_or_id);

/* What the operator has decided. It must outlive all that is made of it. */
struct x402_terms {
    const struct x402_network *network;
    const char *pay_to, *asset, *asset_name, *asset_version;
};

bool x402_is_address(const char *text);

/* What one request costs, and for what. */
struct x402_requirement {
    const struct x402_terms *terms;
    int64_t amount;                   /* the asset's least units */
    int64_t seconds;                  /* how long a payment must be good for */
    const char *about;                /* a few words for people; static */
    char resource[X402_RESOURCE_MAX]; /* the absolute URL */
};

/* The object of version 1, and the text of version 2's header PAYMENT-REQUIRED (free() it). NULL: out of memory. */
json_t *x402_challenge(const struct x402_requirement *requirement, const char *sentence);
char *x402_challenge_header(const struct x402_requirement *requirement, const char *sentence);

/* A client's payment. */
struct x402_payment {
    int version;
    json_t *object;                    /* as the client sent it */
    char from[X402_ADDRESS_LEN + 1];   /* the payer, in lower case */
    char nonce[X402_NONCE_LEN + 1];    /* in lower case */
    char to[X402_ADDRESS_LEN + 1];     /* in lower case */
    char amount[X402_AMOUNT_MAX + 1];  /* decimal digits */
    int64_t valid_after, valid_before; /* Unix seconds */
};

/* Reads a payment out of its header: `version` 1 for X-PAYMENT, 2 for PAYMENT-SIGNATURE. 0, or -1 with ERROR_INVALID
 * and a sentence (400), or with ERROR_MEMORY. Free it in both cases. */
int x402_payment_read(struct x402_payment *payment, int version, const char *header, struct error *error);
void x402_payment_free(struct x402_payment *payment);

/* Whether it pays what is required, now and `seconds` from now. 0, or -1 with a sentence for a 402. */
int x402_payment_fits(const struct x402_payment *payment, const struct x402_requirement *requirement, int64_t now,
                      int64_t seconds, struct error *error);

/* The body of a question to the facilitator. NULL: out of memory. */
json_t *x402_question(const struct x402_payment *payment, const struct x402_requirement *requirement);

/* What the facilitator has answered. `status`: of HTTP; 0: there was no answer. LOST: none that can be believed. */
enum x402_verdict { X402_YES, X402_NO, X402_LOST };
#define X402_REASON_MAX 100

/* `reason`: why not, for the client: visible ASCII, cut. */
enum x402_verdict x402_read_verify(int status, const json_t *answer, const struct x402_payment *payment,
                                   char reason[X402_REASON_MAX + 1]);
enum x402_verdict x402_read_settle(int status, const json_t *answer, const struct x402_payment *payment,
                                   const struct x402_requirement *requirement, char reason[X402_REASON_MAX + 1]);

/* The text of the receipt's header: of a settlement that was answered with YES, or of one that failed. free() it; NULL:
 * out of memory. */
char *x402_receipt(const json_t *settled, const struct x402_payment *payment,
                   const struct x402_requirement *requirement, const char *reason);

/* By version. */
const char *x402_payment_header(int version); /* "X-PAYMENT", "PAYMENT-SIGNATURE" */
const char *x402_receipt_header(int version); /* "X-PAYMENT-RESPONSE", "PAYMENT-RESPONSE" */

#endif
