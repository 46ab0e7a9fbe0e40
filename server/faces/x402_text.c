#include "faces/x402_text.h"

#include "base/json.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

char *x402_encode(const json_t *object)
{
    size_t len;
    char *text = object != NULL ? json_text(object, &len) : NULL;
    char *out = text != NULL ? malloc((len + 2) / 3 * 4 + 1) : NULL;

    if (out != NULL)
        EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)len);
    free(text);
    return out;
}

int x402_hex_lower(const char *text, size_t len, char *out)
{
    if (text == NULL || strlen(text) != len || strncmp(text, "0x", 2) != 0)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (i >= 2 && !isxdigit((unsigned char)text[i]))
            return -1;
        out[i] = (char)tolower((unsigned char)text[i]);
    }
    out[len] = '\0';
    return 0;
}

bool x402_is_address(const char *text)
{
    char lower[X402_ADDRESS_LEN + 1];

    return x402_hex_lower(text, X402_ADDRESS_LEN, lower) == 0;
}
