#include "http/request_percent.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int http_percent_value(const char *text, size_t len)
{
    if (len < 3)
        return -1;
    int high = hex_value(text[1]);
    int low = hex_value(text[2]);
    if (high < 0 || low < 0 || high + low == 0)
        return -1;
    return high * 16 + low;
}

long http_percent_decode(char *out, const char *text, size_t len, bool plus)
{
    char *to = out;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int value = http_percent_value(text + i, len - i);
            if (value < 0)
                return -1;
            c = (char)value;
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        *to++ = c;
    }
    return to - out;
}
