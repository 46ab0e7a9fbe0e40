#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define V4_PREFIX 96 /* bits of ::ffff:0:0/96 */

static const uint8_t v4_prefix[V4_PREFIX / 8] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const struct ip *ip)
{
    return memcmp(ip->bytes, v4_prefix, sizeof v4_prefix) == 0;
}

static void set_v4(struct ip *ip, const void *four)
{
    memcpy(ip->bytes, v4_prefix, sizeof v4_prefix);
    memcpy(ip->bytes + sizeof v4_prefix, four, 4);
}

bool ip_of(const struct sockaddr *name, struct ip *out)
{
    if (name->sa_family == AF_INET) {
        set_v4(out, &((const struct sockaddr_in *)name)->sin_addr);
        return true;
    }
    if (name->sa_family == AF_INET6) {
        memcpy(out->bytes, &((const struct sockaddr_in6 *)name)->sin6_addr, sizeof out->bytes);
        return true;
    }
    return false;
}

/* An address without a port. */
static bool parse_bare(const char *text, size_t len, struct ip *out)
{
    char copy[INET6_ADDRSTRLEN];
    struct in_addr four;

    if (len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, &four) == 1) {
        set_v4(out, &four);
        return true;
    }
    return inet_pton(AF_INET6, copy, out->bytes) == 1;
}

static bool ip_is_port(const char *text, size_t len)
{
    if (len < 2 || len > 6 || *text != ':')
        return false;
    for (size_t i = 1; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

bool ip_parse(const char *text, size_t len, struct ip *out)
{
    if (len > 0 && *text == '[') {
        const char *end = memchr(text, ']', len);
        if (end == NULL)
            return false;
        size_t rest = len - (size_t)(end + 1 - text);
        return (rest == 0 || ip_is_port(end + 1, rest)) && parse_bare(text + 1, (size_t)(end - text - 1), out) &&
               !is_v4(out);
    }
    const char *colon = memchr(text, ':', len);
    if (colon != NULL && memchr(text, '.', (size_t)(colon - text)) != NULL) /* only IPv4 has a dot before a colon */
        return ip_is_port(colon, len - (size_t)(colon - text)) && parse_bare(text, (size_t)(colon - text), out);
    return parse_bare(text, len, out);
}

struct ip ip_group(const struct ip *ip)
{
    struct ip group = *ip;

    if (!is_v4(ip))
        memset(group.bytes + 8, 0, 8);
    return group;
}

void ip_text(const struct ip *ip, char out[IP_TEXT_MAX])
{
    if (is_v4(ip))
        inet_ntop(AF_INET, ip->bytes + sizeof v4_prefix, out, IP_TEXT_MAX);
    else
        inet_ntop(AF_INET6, ip->bytes, out, IP_TEXT_MAX);
}

bool ip_is_loopback(const struct ip *ip)
{
    return is_v4(ip) ? ip->bytes[12] == 127 : IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)ip->bytes);
}

/* Networks. */

static bool bit(const struct ip *ip, unsigned at)
{
    return (ip->bytes[at / 8] >> (7 - at % 8) & 1) != 0;
}

/* "10.0.0.0/8" or an address alone; no bit may be set past the prefix, because that is a slip. */
static bool parse_net(const char *text, size_t len, struct ip_net *out)
{
    const char *slash = memchr(text, '/', len);
    size_t host = slash != NULL ? (size_t)(slash - text) : len;

    if (!parse_bare(text, host, &out->base))
        return false;
    unsigned width = is_v4(&out->base) ? 32 : 128;
    unsigned long bits = width;
    if (slash != NULL) {
        size_t digits = strspn(slash + 1, "0123456789");
        if (digits == 0 || digits > 3 || host + 1 + digits != len)
            return false;
        bits = strtoul(slash + 1, NULL, 10);
    }
    if (bits > width)
        return false;
    out->bits = (unsigned)bits + (128 - width);
    for (unsigned at = out->bits; at < 128; at++)
        if (bit(&out->base, at))
            return false;
    return true;
}

static bool take_net(struct ip_nets *nets, const char *text, size_t len)
{
    if (len == 4 && memcmp(text, "unix", 4) == 0) {
        nets->local = true;
        return true;
    }
    return nets->count < IP_NETS_MAX && parse_net(text, len, &nets->list[nets->count++]);
}

bool ip_nets_parse(const char *text, struct ip_nets *out)
{
    memset(out, 0, sizeof *out);
    text += strspn(text, " ");
    while (*text != '\0') {
        size_t len = strcspn(text, ", ");
        if (!take_net(out, text, len))
            return false;
        text += len;
        text += strspn(text, " ");
        if (*text == '\0')
            return true;
        if (*text++ != ',')
            return false;
        text += strspn(text, " ");
        if (*text == '\0')
            return false;
    }
    return true;
}

bool ip_nets_have(const struct ip_nets *nets, const struct ip *ip)
{
    for (size_t i = 0; i < nets->count; i++) {
        unsigned at = 0;
        while (at < nets->list[i].bits && bit(&nets->list[i].base, at) == bit(ip, at))
            at++;
        if (at == nets->list[i].bits)
            return true;
    }
    return false;
}
