#include "run/webhook_policy.h"

#include "base/text.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)

/* Together 23.6 hours, so that all tries fit into a day. */
static const int64_t pauses_ms[WEBHOOK_TRIES - 1] = {5 * SECOND_MS, MINUTE_MS,   5 * MINUTE_MS, 30 * MINUTE_MS,
                                                     2 * HOUR_MS,   6 * HOUR_MS, 15 * HOUR_MS};

int64_t webhook_pause_ms(int64_t failed)
{
    return failed >= 1 && failed < WEBHOOK_TRIES ? pauses_ms[failed - 1] : 0;
}

/* The URL and the secret. */

static size_t scheme_len(const char *url)
{
    static const char *const schemes[] = {"https://", "http://"};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
            return strlen(schemes[i]);
    return 0;
}

bool webhook_url_is_fine(const char *url)
{
    size_t start = scheme_len(url), len = strlen(url), host = strcspn(url + start, "/?#");

    if (start == 0 || len > WEBHOOK_URL_MAX || host == 0 || memchr(url + start, '@', host) != NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        if (url[i] <= ' ' || url[i] > '~')
            return false;
    return true;
}

int webhook_secret_key(const char *secret, unsigned char out[WEBHOOK_SECRET_MAX])
{
    size_t prefix = strlen(WEBHOOK_SECRET_PREFIX), len = strlen(secret);

    if (len > WEBHOOK_SECRET_MAX || strncmp(secret, WEBHOOK_SECRET_PREFIX, prefix) != 0)
        return -1;
    long bytes = text_base64_decode(secret + prefix, len - prefix, out);
    return bytes >= WEBHOOK_KEY_LEAST && bytes <= WEBHOOK_KEY_MOST ? (int)bytes : -1;
}

/* Addresses. Of IPv6 only 2000::/3 is handed out, and some of it leads elsewhere (Teredo, 6to4) or is for documents. */

bool webhook_may_reach(const struct ip *address, const struct ip_nets *allowed)
{
    static const char public_v6[] = "2000::/3";
    static const char special[] = "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, "
                                  "192.0.0.0/24, 192.0.2.0/24, 192.88.99.0/24, 192.168.0.0/16, 198.18.0.0/15, "
                                  "198.51.100.0/24, 203.0.113.0/24, 224.0.0.0/4, 240.0.0.0/4, 2001::/23, "
                                  "2001:db8::/32, 2002::/16, 3fff::/20";
    static const char v4[] = "0.0.0.0/0";
    struct ip_nets nets;

    if (ip_nets_have(allowed, address))
        return true;
    if (!ip_nets_parse(special, &nets) || ip_nets_have(&nets, address))
        return false;
    return (ip_nets_parse(v4, &nets) && ip_nets_have(&nets, address)) ||
           (ip_nets_parse(public_v6, &nets) && ip_nets_have(&nets, address));
}

/* Signing. */

static int mac_body(EVP_MAC_CTX *context, const char *id, int64_t timestamp, const char *body, size_t len,
                    unsigned char out[32])
{
    char head[128];
    int head_len = snprintf(head, sizeof head, "%s.%lld.", id, (long long)timestamp);
    size_t out_len = 0;

    return head_len < 0 || (size_t)head_len >= sizeof head ||
                   EVP_MAC_update(context, (const unsigned char *)head, (size_t)head_len) != 1 ||
                   EVP_MAC_update(context, (const unsigned char *)body, len) != 1 ||
                   EVP_MAC_final(context, out, &out_len, 32) != 1
               ? -1
               : 0;
}

int webhook_sign(const char *secret, const char *id, int64_t timestamp, const char *body, size_t len,
                 char out[WEBHOOK_SIGNATURE_LEN + 1])
{
    unsigned char key[WEBHOOK_SECRET_MAX], digest[32];
    static const char version[] = "v1,";
    int key_len = webhook_secret_key(secret, key), result = -1;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
                                 OSSL_PARAM_construct_end()};

    if (context != NULL && key_len > 0 && EVP_MAC_init(context, key, (size_t)key_len, params) == 1)
        result = mac_body(context, id, timestamp, body, len, digest);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    OPENSSL_cleanse(key, sizeof key);
    if (result != 0)
        return -1;
    memcpy(out, version, sizeof version);
    EVP_EncodeBlock((unsigned char *)out + sizeof version - 1, digest, sizeof digest); /* ends it with a NUL */
    return 0;
}
