#include "http/accept_encoding.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define UNSAID (-1)
#define BLANKS " \t"

struct weights {
    int gzip, identity, any; /* in thousandths; UNSAID: not in the header */
};

/* "0.25" in thousandths. -1: it is no weight. */
static int read_weight(const char *text, size_t len)
{
    int weight, unit = 1000;

    if (len == 0 || len > 5 || (text[0] != '0' && text[0] != '1') || (len > 1 && text[1] != '.'))
        return -1;
    weight = (text[0] - '0') * unit;
    for (size_t i = 2; i < len; i++) {
        unit /= 10;
        if (text[i] < '0' || text[i] > '9')
            return -1;
        weight += (text[i] - '0') * unit;
    }
    return weight <= 1000 ? weight : -1;
}

static size_t trimmed(const char *text, size_t len)
{
    while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
        len--;
    return len;
}

/* The weight that follows a coding: "" or ";q=0.25". -1: it is malformed. */
static int weight_after(const char *text, size_t len)
{
    size_t blanks;

    if (len == 0)
        return 1000;
    blanks = 1 + strspn(text + 1, BLANKS);
    if (blanks + 2 > len || strncasecmp(text + blanks, "q=", 2) != 0)
        return -1;
    return read_weight(text + blanks + 2, len - blanks - 2);
}

static bool is_coding(const char *text, size_t len, const char *coding)
{
    return strlen(coding) == len && strncasecmp(text, coding, len) == 0;
}

static void note(int *weight, int found)
{
    if (*weight < found)
        *weight = found;
}

/* One item, without blanks around it. */
static void read_coding(struct weights *weights, const char *text, size_t len)
{
    size_t end = strcspn(text, ";");
    size_t coding = end < len ? end : len;
    int weight = weight_after(text + coding, len - coding);

    coding = trimmed(text, coding);
    if (weight < 0)
        return;
    if (is_coding(text, coding, "gzip") || is_coding(text, coding, "x-gzip"))
        note(&weights->gzip, weight);
    else if (is_coding(text, coding, "identity"))
        note(&weights->identity, weight);
    else if (is_coding(text, coding, "*"))
        note(&weights->any, weight);
}

bool http_accepts_gzip(const char *header)
{
    struct weights weights = {UNSAID, UNSAID, UNSAID};

    while (header != NULL && *header != '\0') {
        header += strspn(header, BLANKS ",");
        size_t len = strcspn(header, ",");
        read_coding(&weights, header, trimmed(header, len));
        header += len;
    }
    int gzip = weights.gzip != UNSAID ? weights.gzip : weights.any;
    int identity = weights.identity != UNSAID ? weights.identity : weights.any;
    return gzip > 0 && gzip >= identity;
}
