/* Webhooks: what may be one, where it may lead, how it is signed, when it is tried again, and whose turn it is. */
#include "run/webhook_policy.h"
#include "run/webhook_turns.h"
#include "unit.h"

#include <string.h>

#define SECRET "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static void urls(void **state)
{
    (void)state;
    static const char *const good[] = {"http://x", "HTTPS://example.org:8443/a?b=c#d", "http://[::1]/", "http://1"};
    static const char *const bad[] = {
        "",           "x",          "ftp://x",      "http://",         "http:///a",         "//x",
        "http://a@b", "http://a b", "http://x\n/y", "http://\xc3\xa4", "file:///etc/passwd"};
    char long_one[WEBHOOK_URL_MAX + 2] = "http://";
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(webhook_url_is_fine(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(webhook_url_is_fine(bad[i]));
    assert_true(webhook_url_is_fine("http://x/@y"));
    memset(long_one + 7, 'x', WEBHOOK_URL_MAX - 7);
    assert_true(webhook_url_is_fine(long_one));
    long_one[WEBHOOK_URL_MAX] = 'x';
    assert_false(webhook_url_is_fine(long_one));
}

static void secrets(void **state)
{
    (void)state;
    unsigned char key[WEBHOOK_SECRET_MAX];
    static const char *const bad[] = {"",
                                      "whsec_",
                                      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                                      "whsec_AAAA",
                                      "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
                                      "WHSEC_AAECAwQFBgcICQoLDA0O"};
    assert_int_equal(webhook_secret_key(SECRET, key), 32);
    for (int i = 0; i < 32; i++)
        assert_int_equal(key[i], i);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(webhook_secret_key(bad[i], key), -1);
    char long_one[200] = "whsec_";
    memset(long_one + 6, 'A', 88); /* 66 bytes */
    assert_int_equal(webhook_secret_key(long_one, key), -1);
    memset(long_one + 6, 'A', 180);
    assert_int_equal(webhook_secret_key(long_one, key), -1);
}

/* The signature is Python's: hmac.new(bytes(range(32)), b'msg_1.1700000000.{"a":1}', 'sha256'). */
static void signatures(void **state)
{
    (void)state;
    char out[WEBHOOK_SIGNATURE_LEN + 1];
    assert_int_equal(webhook_sign(SECRET, "msg_1", 1700000000, "{\"a\":1}", 7, out), 0);
    assert_string_equal(out, "v1,AMaOha7DUT/0J0JMycRuYOBSvbx3WtwLd2khXXbaVj4=");
    assert_int_equal(strlen(out), WEBHOOK_SIGNATURE_LEN);
    assert_int_equal(webhook_sign("whsec_", "msg_1", 1700000000, "", 0, out), -1);
}

static void eight_tries_within_a_day(void **state)
{
    (void)state;
    int64_t all = 0, last = 0;
    for (int64_t failed = 1; failed < WEBHOOK_TRIES; failed++) {
        int64_t pause = webhook_pause_ms(failed);
        assert_true(pause > last);
        last = pause;
        all += pause;
    }
    assert_true(all > INT64_C(20) * 3600 * 1000 && all < INT64_C(24) * 3600 * 1000);
    assert_int_equal(webhook_pause_ms(WEBHOOK_TRIES), 0);
    assert_int_equal(webhook_pause_ms(WEBHOOK_TRIES + 5), 0);
    assert_int_equal(webhook_pause_ms(0), 0);
}

static bool reaches(const char *address, const char *allowed)
{
    struct ip ip;
    struct ip_nets nets;
    assert_true(ip_parse(address, strlen(address), &ip));
    assert_true(ip_nets_parse(allowed, &nets));
    return webhook_may_reach(&ip, &nets);
}

static void addresses(void **state)
{
    (void)state;
    static const char *const open[] = {"1.1.1.1",         "8.8.8.8",      "172.15.255.255",  "172.32.0.0",
                                       "100.63.255.255",  "100.128.0.0",  "192.167.255.255", "223.255.255.255",
                                       "2606:4700::1111", "2a00:1450::1", "2001:4860::8888"};
    static const char *const closed[] = {
        "0.0.0.0",         "10.1.2.3",        "100.64.0.1",     "127.0.0.1",    "127.255.255.255",
        "169.254.169.254", "172.16.0.1",      "172.31.255.1",   "192.0.0.1",    "192.0.2.1",
        "192.168.255.255", "198.18.0.1",      "198.19.255.255", "198.51.100.7", "203.0.113.9",
        "224.0.0.1",       "255.255.255.255", "240.0.0.1",      "::",           "::1",
        "fe80::1",         "fc00::1",         "fd12::1",        "ff02::1",      "::ffff:10.0.0.1",
        "64:ff9b::a00:1",  "2002:a00:1::",    "2001::1",        "2001:db8::1",  "3fff::1",
        "100::1",          "::127.0.0.1"};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        assert_true(reaches(open[i], ""));
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        assert_false(reaches(closed[i], ""));
    assert_true(reaches("127.0.0.1", "127.0.0.0/8"));
    assert_true(reaches("::ffff:127.0.0.1", "127.0.0.0/8"));
    assert_false(reaches("10.0.0.1", "127.0.0.0/8, ::1"));
    assert_true(reaches("::1", "127.0.0.0/8, ::1"));
}

static void turns(void **state)
{
    (void)state;
    struct webhook_turns all = {.count = 0};
    for (int i = 0; i < WEBHOOK_TURNS_OF_KEY; i++) {
        assert_true(webhook_turns_may(&all, 1));
        webhook_turns_begin(&all, 1);
    }
    assert_false(webhook_turns_may(&all, 1));
    assert_true(webhook_turns_may(&all, 2));
    webhook_turns_begin(&all, 2);
    webhook_turns_end(&all, 1);
    assert_true(webhook_turns_may(&all, 1));
    for (int64_t key = 3; !webhook_turns_full(&all); key++)
        webhook_turns_begin(&all, key);
    assert_int_equal(all.count, WEBHOOK_TURNS_MAX);
    assert_false(webhook_turns_may(&all, 99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),       cmocka_unit_test(secrets),
        cmocka_unit_test(signatures), cmocka_unit_test(eight_tries_within_a_day),
        cmocka_unit_test(addresses),  cmocka_unit_test(turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
