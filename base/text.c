#include "base/text.h"

#include "base/buf.h"
#include "base/pace.h"
#include "base/seam.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define REPLACEMENT_LEN 3
#define EIGHT(x) x x x x x x x x

static const char hex_digits[] = "0123456789abcdef";

void text_copy(char *out, size_t room, const char *text)
{
    size_t len = strnlen(text, room - 1);

    memcpy(out, text, len);
    out[len] = '\0';
}

void text_hex(const void *data, size_t len, char *out)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < len; i++) {
        *out++ = hex_digits[bytes[i] >> 4];
        *out++ = hex_digits[bytes[i] & 15];
    }
    *out = '\0';
}

static bool is_uuid_dash(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

void text_uuid(char out[UUID_LEN + 1])
{
    unsigned char bytes[16];

    seam()->random(bytes, sizeof bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
    char hex[2 * sizeof bytes + 1];
    text_hex(bytes, sizeof bytes, hex);
    const char *next = hex;
    for (size_t i = 0; i < UUID_LEN; i++)
        out[i] = is_uuid_dash(i) ? '-' : *next++;
    out[UUID_LEN] = '\0';
}

static bool text_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return text_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool text_is_uuid(const char *text)
{
    for (size_t i = 0; i < UUID_LEN; i++)
        if (is_uuid_dash(i) ? text[i] != '-' : !is_hex(text[i]))
            return false; /* also at the end of a shorter text */
    return text[UUID_LEN] == '\0';
}

/* Times. */

#define MS_FIRST (-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define MS_LAST 253402300799999    /* 9999-12-31T23:59:59.999Z, the last year of four digits */

void text_time(int64_t ms, char out[TIME_LEN + 1])
{
    ms = ms < MS_FIRST ? MS_FIRST : ms > MS_LAST ? MS_LAST : ms;
    int64_t rest = (ms % 1000 + 1000) % 1000;
    time_t seconds = (time_t)((ms - rest) / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char text[96]; /* room for any int: the compiler cannot know the ranges */
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
             tm.tm_hour, tm.tm_min, tm.tm_sec, (int)rest);
    memcpy(out, text, TIME_LEN);
    out[TIME_LEN] = '\0';
}

/* Reads `digits` digits at *at, which moves on, within least and most. */
static int time_read_number(const char **at, int digits, int least, int most, int *out)
{
    int value = 0;

    for (int i = 0; i < digits; i++, (*at)++) {
        if (!text_is_digit(**at))
            return -1;
        value = value * 10 + (**at - '0');
    }
    *out = value;
    return value >= least && value <= most ? 0 : -1;
}

static int read_char(const char **at, const char *allowed)
{
    if (**at == '\0' || strchr(allowed, **at) == NULL)
        return -1;
    (*at)++;
    return 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static int read_date(const char **at, struct tm *tm)
{
    int year, month;

    if (time_read_number(at, 4, 0, 9999, &year) != 0 || read_char(at, "-") != 0 ||
        time_read_number(at, 2, 1, 12, &month) != 0 || read_char(at, "-") != 0 ||
        time_read_number(at, 2, 1, days_in_month(year, month), &tm->tm_mday) != 0)
        return -1;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    return 0;
}

/* hh:mm:ss; second 60 is a leap second. */
static int read_clock(const char **at, struct tm *tm)
{
    if (time_read_number(at, 2, 0, 23, &tm->tm_hour) != 0 || read_char(at, ":") != 0 ||
        time_read_number(at, 2, 0, 59, &tm->tm_min) != 0 || read_char(at, ":") != 0)
        return -1;
    return time_read_number(at, 2, 0, 60, &tm->tm_sec);
}

/* An optional fraction; what is finer than a millisecond is dropped. */
static int read_fraction(const char **at, int *ms)
{
    *ms = 0;
    if (**at != '.')
        return 0;
    (*at)++;
    if (!text_is_digit(**at))
        return -1;
    for (int scale = 100; text_is_digit(**at); scale /= 10, (*at)++)
        *ms += (**at - '0') * scale;
    return 0;
}

/* An optional offset to the end of the text, in minutes east of UTC. */
static int read_offset(const char **at, int *minutes)
{
    *minutes = 0;
    if (**at == '\0')
        return 0;
    if (read_char(at, "Zz") == 0)
        return **at == '\0' ? 0 : -1;
    int sign = **at == '-' ? -1 : 1, hour, minute;
    if (read_char(at, "+-") != 0 || time_read_number(at, 2, 0, 23, &hour) != 0 || read_char(at, ":") != 0 ||
        time_read_number(at, 2, 0, 59, &minute) != 0 || **at != '\0')
        return -1;
    *minutes = sign * (hour * 60 + minute);
    return 0;
}

int text_parse_time(const char *text, int64_t *ms)
{
    struct tm tm = {.tm_isdst = 0};
    int fraction, offset;

    if (read_date(&text, &tm) != 0 || read_char(&text, "Tt ") != 0 || read_clock(&text, &tm) != 0 ||
        read_fraction(&text, &fraction) != 0 || read_offset(&text, &offset) != 0)
        return -1;
    *ms = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + fraction;
    return 0;
}

/* UTF-8. */

/* What may follow a lead byte (RFC 3629, section 4). A range of the second byte that is narrower than
 * 80 to BF keeps out overlong forms, surrogates and what is past U+10FFFF. */
struct lead {
    unsigned char first, last; /* lead bytes */
    unsigned char len;         /* of the whole sequence */
    unsigned char low, high;   /* second byte */
};

static const struct lead leads[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f},
    {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const struct lead *find_lead(unsigned char byte)
{
    if (byte < 0xc2 || byte > 0xf4)
        return NULL; /* the quick way for bytes that are not text */
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++)
        if (byte >= leads[i].first && byte <= leads[i].last)
            return &leads[i];
    return NULL;
}

/* The length of the well-formed sequence at `p`; 0: there is none. `*part`: all remaining bytes belong to one sequence
 * whose end is missing. */
static size_t utf8_sequence(const unsigned char *p, size_t left, bool *part)
{
    *part = false;
    if (*p < 0x80)
        return 1;
    const struct lead *lead = find_lead(*p);
    if (lead == NULL || (left > 1 && (p[1] < lead->low || p[1] > lead->high)))
        return 0;
    for (size_t i = 2; i < lead->len && i < left; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    *part = left < lead->len;
    return *part ? 0 : lead->len;
}

/* How many bytes from the start are well-formed. Eight ASCII bytes are passed at a time. */
static size_t utf8_run(const char *data, size_t len, bool *part)
{
    size_t at = 0;

    *part = false;
    while (at < len) {
        uint64_t word;
        while (len - at >= sizeof word && (memcpy(&word, data + at, sizeof word), word & 0x8080808080808080u) == 0)
            at += sizeof word;
        size_t n = at < len ? utf8_sequence((const unsigned char *)data + at, len - at, part) : 0;
        if (n == 0)
            break;
        at += n;
    }
    return at;
}

bool text_is_utf8(const char *data, size_t len)
{
    bool part;

    while (len > PACE_BYTES) {
        size_t piece = PACE_BYTES - text_utf8_tail(data, PACE_BYTES);
        if (utf8_run(data, piece, &part) != piece)
            return false;
        data += piece;
        len -= piece;
        pace_step();
    }
    return utf8_run(data, len, &part) == len;
}

size_t text_utf8_tail(const char *data, size_t len)
{
    for (size_t n = 1; n <= 3 && n <= len; n++) {
        const unsigned char *start = (const unsigned char *)data + len - n;
        bool part;
        if ((*start & 0xc0) == 0x80)
            continue;
        return utf8_sequence(start, n, &part) == 0 && part ? n : 0;
    }
    return 0;
}

/* How many bytes from the start are not well-formed, at most `most`. If `cut` is set, an incomplete sequence at the end
 * does not count. */
static size_t bad_run(const char *data, size_t len, size_t most, bool cut)
{
    size_t n = 0;
    bool part;

    while (n < len && n < most && utf8_sequence((const unsigned char *)data + n, len - n, &part) == 0 && !(part && cut))
        n++;
    return n;
}

static int clean(struct buf *out, const char *data, size_t len, bool cut)
{
    static const char replacements[] = EIGHT(EIGHT(REPLACEMENT));
    bool part;

    for (size_t run, bad; len > 0; data += run + bad, len -= run + bad) {
        run = utf8_run(data, len, &part);
        bad = bad_run(data + run, len - run, (sizeof replacements - 1) / REPLACEMENT_LEN, cut);
        if (run + bad == 0)
            return 0; /* only the incomplete sequence is left */
        if ((run > 0 && buf_append(out, data, run) != 0) ||
            (bad > 0 && buf_append(out, replacements, bad * REPLACEMENT_LEN) != 0))
            return -1;
    }
    return 0;
}

int text_utf8_clean(struct buf *out, const char *data, size_t len, bool cut)
{
    size_t before = out->len;

    if (clean(out, data, len, cut) == 0)
        return 0;
    out->len = before;
    if (out->data != NULL)
        out->data[before] = '\0';
    return -1;
}

/* Base64. */

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (text_is_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The first `digits` of four characters as a number of 24 bits, or -1. */
static long base64_group(const char *group, size_t digits)
{
    long bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i < digits ? base64_value(group[i]) : 0;
        if (value < 0)
            return -1;
        bits = bits << 6 | value;
    }
    return bits;
}

/* Padding stands at the end alone; the bits that it leaves over are zero, so that each content has one form. */
long text_base64_decode(const char *data, size_t len, void *out)
{
    if (len % 4 != 0)
        return -1;
    unsigned char *bytes = out;
    size_t pad = len > 0 && data[len - 1] == '=' ? (data[len - 2] == '=' ? 2 : 1) : 0;
    size_t total = len / 4 * 3 - pad;
    for (size_t at = 0, put = 0; at < len; at += 4) {
        long bits = base64_group(data + at, at + 4 == len ? 4 - pad : 4);
        if (bits < 0)
            return -1;
        for (int shift = 16; shift >= 0; shift -= 8) {
            if (put < total)
                bytes[put++] = (unsigned char)(bits >> shift);
            else if ((bits >> shift & 0xff) != 0)
                return -1;
        }
    }
    return (long)total;
}

int text_cut_utf8(const char *text, size_t max)
{
    size_t len = strnlen(text, max + 1);

    if (len > max)
        for (len = max; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
            len--;
    return (int)len;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

long text_hex_decode(const char *data, size_t len, void *out)
{
    unsigned char *bytes = out;

    if (len % 2 != 0)
        return -1;
    for (size_t i = 0; i < len; i += 2) {
        int high = hex_value(data[i]), low = hex_value(data[i + 1]);
        if (high < 0 || low < 0)
            return -1;
        bytes[i / 2] = (unsigned char)(high << 4 | low);
    }
    return (long)(len / 2);
}
