/* Addresses of the Internet Protocol, and lists of networks. An IPv4 address is kept as IPv6 writes it: ::ffff:a.b.c.d
 * (RFC 4291, 2.5.5.2), so that one comparison serves both, and the peers of a dual-stack socket need no conversion. */
#ifndef CODECELL_BASE_IP_H
#define CODECELL_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

#define IP_TEXT_MAX 46 /* bytes, with the NUL */
#define IP_NETS_MAX 64 /* networks in a list */

struct ip {
    uint8_t bytes[16];
};

struct ip_net {
    struct ip base;
    unsigned bits; /* length of the prefix in `bytes`: 10.0.0.0/8 has 104 */
};

struct ip_nets {
    struct ip_net list[IP_NETS_MAX];
    size_t count;
    bool local; /* "unix" is in the list: peers of a unix socket */
};

/* False: not an address of IPv4 or IPv6. */
bool ip_of(const struct sockaddr *name, struct ip *out);

/* "192.0.2.1", "2001:db8::1", and as proxies write them: "192.0.2.1:443", "[2001:db8::1]", "[2001:db8::1]:443". */
bool ip_parse(const char *text, size_t len, struct ip *out);

/* The group of addresses that are probably one client's: an IPv4 address alone, or the /64 network of an IPv6
 * address. */
struct ip ip_group(const struct ip *ip);

/* The address as text, IPv4 as 192.0.2.1. */
void ip_text(const struct ip *ip, char out[IP_TEXT_MAX]);

bool ip_is_loopback(const struct ip *ip);

/* "10.0.0.0/8, 2001:db8::/32, 192.0.2.1, unix"; an empty text is an empty list. False: not of this form, or too
 * many. */
bool ip_nets_parse(const char *text, struct ip_nets *out);

bool ip_nets_have(const struct ip_nets *nets, const struct ip *ip);

#endif
