/* Addresses and networks, by tables. */
#include "unit.h"

#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void as_proxies_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown; /* NULL: not an address */
    } table[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1:443", "192.0.2.1"},
        {"2001:db8::1", "2001:db8::1"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"[2001:db8::1]:65535", "2001:db8::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::", "::"},
        {"", NULL},
        {"unknown", NULL},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.1:", NULL},
        {"192.0.2.1:x", NULL},
        {"192.0.2.1:123456", NULL},
        {"[192.0.2.1]", NULL},
        {"[2001:db8::1", NULL},
        {"[2001:db8::1]443", NULL},
        {"2001:db8::1%eth0", NULL},
        {"_hidden", NULL},
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct ip ip;
        char shown[IP_TEXT_MAX] = "";
        bool good = ip_parse(table[i].text, strlen(table[i].text), &ip);
        if (good)
            ip_text(&ip, shown);
        if (good != (table[i].shown != NULL) || (good && strcmp(shown, table[i].shown) != 0))
            fail_msg("%s: %s", table[i].text, good ? shown : "no address");
    }
}

static struct ip parsed(const char *text)
{
    struct ip ip;

    assert_true(ip_parse(text, strlen(text), &ip));
    return ip;
}

static void of_a_socket(void **state)
{
    (void)state;
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct ip ip, same = parsed("127.0.0.5");

    inet_pton(AF_INET, "127.0.0.5", &four.sin_addr);
    inet_pton(AF_INET6, "::ffff:127.0.0.5", &six.sin6_addr);
    assert_true(ip_of((struct sockaddr *)&four, &ip));
    assert_memory_equal(&ip, &same, sizeof ip);
    assert_true(ip_of((struct sockaddr *)&six, &ip));
    assert_memory_equal(&ip, &same, sizeof ip);
    assert_false(ip_of(&other, &ip));
}

static void groups(void **state)
{
    (void)state;
    static const struct {
        bool same;
        const char *a, *b;
    } table[] = {
        {true, "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"},
        {false, "2001:db8:1:2::1", "2001:db8:1:3::1"},
        {false, "192.0.2.1", "192.0.2.2"},
        {true, "192.0.2.1", "::ffff:192.0.2.1"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct ip a = parsed(table[i].a), b = parsed(table[i].b);
        a = ip_group(&a);
        b = ip_group(&b);
        assert_int_equal(memcmp(&a, &b, sizeof a) == 0, table[i].same);
    }
}

static void loopback(void **state)
{
    (void)state;
    static const char *const loops[] = {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"};
    static const char *const others[] = {"128.0.0.1", "10.0.0.1", "::", "::2", "::7f00:1"};

    for (size_t i = 0; i < COUNT(loops); i++) {
        struct ip ip = parsed(loops[i]);
        assert_true(ip_is_loopback(&ip));
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        struct ip ip = parsed(others[i]);
        assert_false(ip_is_loopback(&ip));
    }
}

static void networks(void **state)
{
    (void)state;
    static const struct {
        bool inside;
        const char *list, *address;
    } table[] = {
        {true, "10.0.0.0/8", "10.255.0.1"},
        {false, "10.0.0.0/8", "11.0.0.1"},
        {true, "192.0.2.1", "192.0.2.1"},
        {false, "192.0.2.1", "192.0.2.0"},
        {true, "192.0.2.1 , 2001:db8::/33", "2001:db8:7fff::1"},
        {false, "192.0.2.1,2001:db8::/33", "2001:db8:8000::1"},
        {true, "0.0.0.0/0", "198.51.100.1"},
        {false, "0.0.0.0/0", "2001:db8::1"},
        {true, "::/0", "198.51.100.1"},
        {false, "", "192.0.2.1"},
        {false, "unix", "192.0.2.1"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct ip_nets nets;
        struct ip ip = parsed(table[i].address);
        assert_true(ip_nets_parse(table[i].list, &nets));
        assert_int_equal(nets.local, strcmp(table[i].list, "unix") == 0);
        if (ip_nets_have(&nets, &ip) != table[i].inside)
            fail_msg("%s in %s", table[i].address, table[i].list);
    }
}

static void wrong_networks(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "10.0.0.0/33",    "10.0.0.1/8",  "10.0.0.0/",     "10.0.0.0/8/8", ",",
        "10.0.0.0/8,",    ",10.0.0.1",   "10.0.0.1 unix", "Unix",         "2001:db8::/129",
        "2001:db8::1/64", "10.0.0.0/-1", "proxy.example", "10.0.0.1:80"};
    struct ip_nets nets;
    enum { EACH = 4 };
    char many[(IP_NETS_MAX + 1) * EACH + 1];

    for (size_t i = 0; i < COUNT(wrong); i++)
        if (ip_nets_parse(wrong[i], &nets))
            fail_msg("%s", wrong[i]);
    for (size_t i = 0; i <= IP_NETS_MAX; i++)
        memcpy(many + i * EACH, "::1,", EACH);
    many[IP_NETS_MAX * EACH - 1] = '\0';
    assert_true(ip_nets_parse(many, &nets));
    assert_int_equal(nets.count, IP_NETS_MAX);
    many[IP_NETS_MAX * EACH - 1] = ',';
    many[(IP_NETS_MAX + 1) * EACH - 1] = '\0';
    assert_false(ip_nets_parse(many, &nets));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_proxies_write_them),
        cmocka_unit_test(of_a_socket),
        cmocka_unit_test(groups),
        cmocka_unit_test(loopback),
        cmocka_unit_test(networks),
        cmocka_unit_test(wrong_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
