/* What a webhook may look like, when it is tried again, and how it is signed (Standard Webhooks). Pure. */
#ifndef CODECELL_RUN_WEBHOOK_POLICY_H
#define CODECELL_RUN_WEBHOOK_POLICY_H

#include "base/ip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBHOOK_TRIES 8
#define WEBHOOK_URL_MAX 2000           /* bytes */
#define WEBHOOK_SECRET_PREFIX "whsec_" /* base64 follows */
#define WEBHOOK_SECRET_MAX 128         /* characters of a secret, with its prefix */
#define WEBHOOK_KEY_LEAST 24           /* bytes that the base64 stands for */
#define WEBHOOK_KEY_MOST 64
#define WEBHOOK_SIGNATURE_LEN 47 /* "v1," and the base64 of 32 bytes */

/* An http or https URL with a host, printable and without user or password in it. */
bool webhook_url_is_fine(const char *url);

/* The bytes of a secret's key into `out`, or -1: it is not a secret. */
int webhook_secret_key(const char *secret, unsigned char out[WEBHOOK_SECRET_MAX]);

/* How long to wait after this many tries have failed, in ms; 0: give up. */
int64_t webhook_pause_ms(int64_t failed);

/* Whether an address may be reached: it is public, or one of `allowed`. */
bool webhook_may_reach(const struct ip *address, const struct ip_nets *allowed);

/* webhook-signature for "ID.TIMESTAMP.BODY". 0, or -1: the secret is not one, or out of memory. */
int webhook_sign(const char *secret, const char *id, int64_t timestamp, const char *body, size_t len,
                 char out[WEBHOOK_SIGNATURE_LEN + 1]);

#endif
