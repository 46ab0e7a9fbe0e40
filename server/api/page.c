#include "api/page.h"

#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_DEFAULT 50
#define PAGE_MAX 200
#define BLOCK 16

_Static_assert(DB_CURSOR_KEY == BLOCK && PAGE_CURSOR_LEN == 2 * BLOCK, "AES-128, one block, in hexadecimal");

/* The cursor. */

static void cursor_put_number(unsigned char *out, size_t len, uint64_t number)
{
    for (size_t i = len; i > 0; i--, number >>= 8)
        out[i - 1] = (unsigned char)number;
}

/* The second half of a cursor's block. It proves that the server made the cursor for this owner. */
static void put_owner(unsigned char out[BLOCK / 2], const struct page_owner *owner)
{
    cursor_put_number(out, BLOCK / 2 - 1, (uint64_t)owner->key_row);
    out[BLOCK / 2 - 1] = (unsigned char)owner->list;
}

static int crypt_block(const unsigned char *secret, bool encrypt, const unsigned char in[BLOCK],
                       unsigned char out[BLOCK])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int len = 0;
    bool good = context != NULL &&
                EVP_CipherInit_ex(context, EVP_aes_128_ecb(), NULL, secret, NULL, encrypt ? 1 : 0) == 1 &&
                EVP_CIPHER_CTX_set_padding(context, 0) == 1 && EVP_CipherUpdate(context, out, &len, in, BLOCK) == 1 &&
                len == BLOCK;

    EVP_CIPHER_CTX_free(context);
    return good ? 0 : -1;
}

int page_cursor_write(const struct page_owner *owner, int64_t sequence, char out[PAGE_CURSOR_LEN + 1])
{
    unsigned char plain[BLOCK], block[BLOCK];

    cursor_put_number(plain, BLOCK / 2, (uint64_t)sequence);
    put_owner(plain + BLOCK / 2, owner);
    if (crypt_block(owner->secret, true, plain, block) != 0)
        return -1;
    text_hex(block, sizeof block, out);
    return 0;
}

static int read_hex(const char *text, unsigned char out[BLOCK])
{
    static const char digits[] = "0123456789abcdef";

    if (strnlen(text, PAGE_CURSOR_LEN + 1) != PAGE_CURSOR_LEN || strspn(text, digits) != PAGE_CURSOR_LEN)
        return -1;
    for (size_t i = 0; i < BLOCK; i++)
        out[i] =
            (unsigned char)((strchr(digits, text[2 * i]) - digits) << 4 | (strchr(digits, text[2 * i + 1]) - digits));
    return 0;
}

int page_cursor_read(const struct page_owner *owner, const char *text, int64_t *sequence)
{
    unsigned char block[BLOCK], plain[BLOCK], wanted[BLOCK / 2];
    uint64_t number = 0;

    put_owner(wanted, owner);
    if (read_hex(text, block) != 0 || crypt_block(owner->secret, false, block, plain) != 0 ||
        CRYPTO_memcmp(plain + BLOCK / 2, wanted, sizeof wanted) != 0)
        return -1;
    for (size_t i = 0; i < BLOCK / 2; i++)
        number = number << 8 | plain[i];
    *sequence = (int64_t)number;
    return *sequence > 0 ? 0 : -1;
}

/* The page. */

struct page_query {
    int64_t limit;
    const char *cursor; /* NULL: the first page */
};

static const struct field page_list_fields[] = {
    {.name = "limit",
     .type = FIELD_INTEGER,
     .least = 1,
     .most = PAGE_MAX,
     .at = offsetof(struct page_query, limit),
     .fallback = "50",
     .meaning = "items of a page"},
    {.name = "cursor",
     .type = FIELD_TEXT,
     .at = offsetof(struct page_query, cursor),
     .fallback = "null",
     .meaning = "the next_cursor of the page before"},
};
const struct fields page_fields = FIELDS(page_list_fields, sizeof(struct page_query));

const char *page_parameter(const void *ex, const char *name)
{
    return http_query(ex, name);
}

int page_read(const struct http_exchange *ex, const struct page_owner *owner, unsigned *limit, int64_t *before,
              struct error *error)
{
    const struct fields_reading reading = {.error = error};
    struct page_query query = {.limit = PAGE_DEFAULT};

    *before = 0;
    if (fields_read_query(&page_fields, page_parameter, ex, &reading, &query) != 0)
        return -1;
    if (query.cursor != NULL && page_cursor_read(owner, query.cursor, before) != 0)
        return error_set(error, ERROR_INVALID, "cursor: must be the next_cursor of a page");
    *limit = (unsigned)query.limit;
    return 0;
}

json_t *page_json(json_t *items, const struct page_owner *owner, bool more, int64_t last_sequence)
{
    char cursor[PAGE_CURSOR_LEN + 1];

    if (more && page_cursor_write(owner, last_sequence, cursor) != 0) {
        json_decref(items);
        return NULL;
    }
    return json_pack("{soso}", "items", items, "next_cursor", more ? json_string(cursor) : json_null());
}
