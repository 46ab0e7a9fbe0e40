#include "run/evaluation.h"

#include "base/seam.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define MAC_LEN 32u
#define TEXTS 4u
#define FLAGS_KNOWN 3u

void evaluation_key(char out[EVALUATION_KEY_LEN + 1])
{
    uint8_t random[EVALUATION_KEY_LEN / 2];

    seam()->random(random, sizeof random);
    text_hex(random, sizeof random, out);
}

static uint32_t evaluation_integer(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool is_signed(const uint8_t *report, size_t len, const char *key)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;

    return len >= EVALUATION_HEAD &&
           HMAC(EVP_sha256(), key, EVALUATION_KEY_LEN, report + MAC_LEN, len - MAC_LEN, mac, &mac_len) != NULL &&
           mac_len == MAC_LEN && CRYPTO_memcmp(mac, report, MAC_LEN) == 0;
}

/* The lengths must add up to all that follows the head. */
static bool read_texts(const uint8_t *report, size_t len, struct evaluation_text texts[TEXTS])
{
    static const uint32_t most[TEXTS] = {EVALUATION_RESULT_MAX, EVALUATION_NAME_MAX, EVALUATION_TEXT_MAX,
                                         EVALUATION_TEXT_MAX};
    size_t at = EVALUATION_HEAD;

    for (size_t i = 0; i < TEXTS; i++) {
        uint32_t bytes = evaluation_integer(report + MAC_LEN + 4 + 4 * i);
        if (bytes == UINT32_MAX)
            continue;
        if (bytes > most[i] || bytes > len - at)
            return false;
        texts[i] = (struct evaluation_text){.data = (const char *)report + at, .len = bytes};
        at += bytes;
    }
    return at == len;
}

bool evaluation_read(struct evaluation *out, const struct buf *report, const char *key)
{
    const uint8_t *bytes = (const uint8_t *)report->data;
    struct evaluation_text texts[TEXTS] = {{.data = NULL}};

    *out = (struct evaluation){.result_cut = false};
    if (!is_signed(bytes, report->len, key) || !read_texts(bytes, report->len, texts))
        return false;
    uint32_t flags = evaluation_integer(bytes + MAC_LEN);
    bool failed = texts[1].data != NULL;
    if (flags > FLAGS_KNOWN || failed != (texts[2].data != NULL) || failed != (texts[3].data != NULL))
        return false;
    *out = (struct evaluation){.result = texts[0],
                               .name = texts[1],
                               .message = texts[2],
                               .traceback = texts[3],
                               .result_cut = (flags & 1) != 0,
                               .error_cut = (flags & 2) != 0};
    return true;
}
