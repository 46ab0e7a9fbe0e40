#include "http/request_host.h"

#include "http/request_percent.h"

#include <string.h>
#include <uv.h>

#define PORT_MAX 65535

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_host_char(char c)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || is_one_of(c, "-._~!$&'()*+,;=");
}

/* A reg-name; an IPv4 address is one too. */
static bool is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '%') {
            if (http_percent_value(text + i, len - i) < 0)
                return false;
            i += 2;
        } else if (!is_host_char(text[i])) {
            return false;
        }
    }
    return len > 0;
}

/* "v1.whatever", after its v: a form for later versions of IP, of which no more is known. */
static bool is_ip_future(const char *text, size_t len)
{
    size_t version = 1;
    while (version < len && is_one_of(text[version], "0123456789abcdefABCDEF"))
        version++;
    if (version == 1 || version + 1 >= len || text[version] != '.')
        return false;
    for (size_t i = version + 1; i < len; i++) {
        if (!is_host_char(text[i]) && text[i] != ':')
            return false;
    }
    return true;
}

/* What stands between the brackets. */
static bool is_ip_literal(const char *text, size_t len)
{
    char address[64];
    unsigned char binary[16];

    if (len > 0 && is_one_of(*text, "vV"))
        return is_ip_future(text, len);
    if (len >= sizeof address || memchr(text, '%', len) != NULL)
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    return uv_inet_pton(AF_INET6, address, binary) == 0;
}

static bool is_host_port(const char *text, size_t len)
{
    unsigned long port = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = port * 10 + (unsigned long)(text[i] - '0');
        if (port > PORT_MAX)
            return false;
    }
    return true;
}

bool http_is_host(const char *text, size_t len, bool empty)
{
    const char *end = text + len;
    const char *rest;

    if (len == 0)
        return empty;
    if (*text == '[') {
        const char *bracket = memchr(text, ']', len);
        if (bracket == NULL || !is_ip_literal(text + 1, (size_t)(bracket - text - 1)))
            return false;
        rest = bracket + 1;
    } else {
        rest = memchr(text, ':', len);
        if (rest == NULL)
            rest = end;
        if (!is_name(text, (size_t)(rest - text)))
            return false;
    }
    return rest == end || (*rest == ':' && is_host_port(rest + 1, (size_t)(end - rest - 1)));
}
