#include "config_kind.h"

#include "base/ip.h"
#include "base/origins.h"
#include "config.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#define POOL_CELLS_MAX 256 /* cells of one language that CODECELL_POOL may ask for */
#define ID_MAX 32          /* bytes of a language's id */

/* Texts. */

static bool check_text(const struct setting *setting, const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return false;
    size_t len = strlen(text);
    return len >= (size_t)setting->min && len <= (size_t)setting->max;
}

static void describe_path(const struct setting *setting, char out[SHOWN_MAX])
{
    snprintf(out, SHOWN_MAX, "a path%s", setting->min == 0 ? ", or empty" : "");
}

static bool is_folder(const char *path, size_t len)
{
    char copy[PATH_MAX];
    struct stat stat_of;

    if (len == 0 || len >= sizeof copy)
        return false;
    memcpy(copy, path, len);
    copy[len] = '\0';
    return stat(copy, &stat_of) == 0 && S_ISDIR(stat_of.st_mode);
}

static bool check_folders(const struct setting *setting, const char *text)
{
    size_t len;

    for (const char *at = text;; at += len + 1) {
        len = strcspn(at, ":");
        if (!is_folder(at, len))
            return false;
        if (at[len] == '\0')
            return check_text(setting, text);
    }
}

static void describe_folders(const struct setting *setting, char out[SHOWN_MAX])
{
    (void)setting;
    snprintf(out, SHOWN_MAX, "one or more folders that exist, with `:` between them");
}

static bool check_secret(const struct setting *setting, const char *text)
{
    return check_text(setting, text) && strchr(text, ' ') == NULL;
}

static void describe_secret(const struct setting *setting, char out[SHOWN_MAX])
{
    snprintf(out, SHOWN_MAX, "up to %lld bytes without spaces, or empty", (long long)setting->max);
}

static bool check_url(const struct setting *setting, const char *text)
{
    bool has_scheme = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;

    if (*text == '\0')
        return setting->min == 0;
    return has_scheme && check_text(setting, text) && text[strcspn(text, " ?#")] == '\0' &&
           strstr(text, ":///") == NULL;
}

static void describe_url(const struct setting *setting, char out[SHOWN_MAX])
{
    snprintf(out, SHOWN_MAX, "a URL that begins with `http://` or `https://`, without a query%s",
             setting->min == 0 ? ", or empty" : "");
}

static bool check_origins(const struct setting *setting, const char *text)
{
    return check_text(setting, text) && origins_are_valid(text);
}

static void describe_origins(const struct setting *setting, char out[SHOWN_MAX])
{
    (void)setting;
    snprintf(out, SHOWN_MAX, "origins such as `https://a.example, http://localhost:3000`, `*`, or empty");
}

/* What an item may be is checked where it is used (server/faces/faces.c). */
static bool check_items(const struct setting *setting, const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._/~=,-";
    size_t len = strlen(text);

    return check_text(setting, text) && text[strspn(text, allowed)] == '\0' && strstr(text, ",,") == NULL &&
           text[0] != ',' && (len == 0 || text[len - 1] != ',');
}

static void describe_items(const struct setting *setting, char out[SHOWN_MAX])
{
    (void)setting;
    snprintf(out, SHOWN_MAX, "`NAME` or `NAME=VALUE`, several with `,` between");
}

static bool config_check_name(const struct setting *setting, const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-";

    return check_text(setting, text) && text[strspn(text, allowed)] == '\0';
}

static void describe_name(const struct setting *setting, char out[SHOWN_MAX])
{
    (void)setting;
    snprintf(out, SHOWN_MAX, "a name of letters, digits, `.`, `_`, `/` and `-`, or empty");
}

/* Digits alone, without a sign; moves on past them. */
static bool read_digits(const char **at, int64_t *value)
{
    const char *start = *at;

    for (*value = 0; **at >= '0' && **at <= '9'; (*at)++)
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, **at - '0', value))
            return false;
    return *at > start;
}

static bool config_is_port(const char *text)
{
    int64_t port;

    return read_digits(&text, &port) && *text == '\0' && port <= 65535;
}

static bool check_listen(const struct setting *setting, const char *text)
{
    if (!check_text(setting, text))
        return false;
    if (strncmp(text, "unix:", 5) == 0)
        return text[5] != '\0' && strlen(text + 5) < sizeof((struct sockaddr_un *)NULL)->sun_path;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !config_is_port(colon + 1))
        return false;
    bool six = *text == '[' && colon > text + 1 && colon[-1] == ']';
    char host[INET6_ADDRSTRLEN];
    size_t len = (size_t)(colon - text) - (six ? 2 : 0);
    if (len >= sizeof host)
        return false;
    memcpy(host, text + (six ? 1 : 0), len);
    host[len] = '\0';
    struct in6_addr address;
    return inet_pton(six ? AF_INET6 : AF_INET, host, &address) == 1;
}

static void describe_listen(const struct setting *setting, char out[SHOWN_MAX])
{
    (void)setting;
    snprintf(out, SHOWN_MAX, "an address and port such as `127.0.0.1:8002` or `[::1]:8002`, or `unix:/path`");
}

static bool check_host(const struct setting *setting, const char *text)
{
    static const char *const schemes[] = {"unix://", "tcp://"};

    if (*text == '\0')
        return true;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i]);
        if (strncmp(text, schemes[i], len) == 0)
            return text[len] != '\0' && check_text(setting, text);
    }
    return false;
}

static void describe_host(const struct setting *setting, char out[SHOWN_MAX])
{
    (void)setting;
    snprintf(out, SHOWN_MAX, "`unix:///path` or `tcp://host:port`, or empty");
}

static bool check_nets(const struct setting *setting, const char *text)
{
    struct ip_nets nets;

    return check_text(setting, text) && ip_nets_parse(text, &nets);
}

static void describe_nets(const struct setting *setting, char out[SHOWN_MAX])
{
    (void)setting;
    snprintf(out, SHOWN_MAX, "up to %d networks such as `10.0.0.0/8, 2001:db8::/32, 192.0.2.1, unix`, or empty",
             IP_NETS_MAX);
}

/* CODECELL_POOL: ID=N,…. */

struct pool_entry {
    const char *id; /* points into the text */
    size_t len;
    int64_t cells;
};

/* Reads the entry at *at and moves on past its comma; false if it has another form. */
static bool read_entry(const char **at, struct pool_entry *entry)
{
    entry->id = *at;
    entry->len = **at == '*' ? 1 : strspn(*at, "abcdefghijklmnopqrstuvwxyz0123456789._+-");
    *at += entry->len;
    if (entry->len == 0 || entry->len > ID_MAX || *(*at)++ != '=' || !read_digits(at, &entry->cells))
        return false;
    if (**at == ',')
        return *++*at != '\0';
    return **at == '\0';
}

/* Whether `text`, up to `end`, has an entry with the id of `entry` already. */
static bool is_named_before(const char *text, const char *end, const struct pool_entry *entry)
{
    struct pool_entry other;

    while (text < end && read_entry(&text, &other))
        if (other.id != entry->id && other.len == entry->len && memcmp(other.id, entry->id, entry->len) == 0)
            return true;
    return false;
}

static bool check_pool(const struct setting *setting, const char *text)
{
    const char *at = text;
    struct pool_entry entry;

    if (!check_text(setting, text))
        return false;
    do {
        if (!read_entry(&at, &entry) || entry.cells > POOL_CELLS_MAX || is_named_before(text, entry.id, &entry))
            return false;
    } while (*at != '\0');
    return true;
}

static void describe_pool(const struct setting *setting, char out[SHOWN_MAX])
{
    (void)setting;
    snprintf(out, SHOWN_MAX,
             "`ID=N` with `,` between, such as `python=4,*=1`: each language once, `*` for the others, N from 0 to %d",
             POOL_CELLS_MAX);
}

unsigned config_pool_size(const char *pool, const char *language, bool *named)
{
    struct pool_entry entry;
    unsigned others = 0;

    *named = false;
    while (*pool != '\0' && read_entry(&pool, &entry)) {
        if (entry.len == strlen(language) && memcmp(entry.id, language, entry.len) == 0) {
            *named = true;
            return (unsigned)entry.cells;
        }
        if (*entry.id == '*')
            others = (unsigned)entry.cells;
    }
    return others;
}

/* Numbers. */

struct unit {
    char letter;
    int64_t factor;
};

/* The largest first; the last one is what a bare number counts. */
static const struct unit size_units[] = {{'g', 1 << 30}, {'m', 1 << 20}, {'k', 1 << 10}, {'\0', 1}};
static const struct unit duration_units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

static bool in_range(const struct setting *setting, int64_t value)
{
    return value >= setting->min && value <= setting->max;
}

static bool parse_integer(const struct setting *setting, const char *text, int64_t *value)
{
    return read_digits(&text, value) && *text == '\0' && in_range(setting, *value);
}

static void show_integer(const struct setting *setting, int64_t value, char out[SHOWN_MAX])
{
    (void)setting;
    snprintf(out, SHOWN_MAX, "%lld", (long long)value);
}

static void describe_integer(const struct setting *setting, char out[SHOWN_MAX])
{
    snprintf(out, SHOWN_MAX, "an integer from %lld to %lld", (long long)setting->min, (long long)setting->max);
}

/* A number and at most one letter, upper or lower case. */
static bool parse_units(const struct unit *units, const char *text, int64_t *value)
{
    if (!read_digits(&text, value))
        return false;
    if (*text == '\0')
        return true;
    char letter = (char)(*text | 0x20);
    for (; units->factor > 1 && units->letter != letter; units++)
        continue;
    return units->letter == letter && text[1] == '\0' && !__builtin_mul_overflow(*value, units->factor, value);
}

/* In the largest unit that leaves nothing over. */
static void show_units(const struct unit *units, int64_t value, char *out, size_t room)
{
    for (; units->factor > 1 && (value == 0 || value % units->factor != 0); units++)
        continue;
    char suffix[2] = {value == 0 ? '\0' : units->letter, '\0'};
    snprintf(out, room, "%lld%s", (long long)(value / units->factor), suffix);
}

static bool parse_size(const struct setting *setting, const char *text, int64_t *value)
{
    return parse_units(size_units, text, value) && in_range(setting, *value);
}

static void show_size(const struct setting *setting, int64_t value, char out[SHOWN_MAX])
{
    (void)setting;
    show_units(size_units, value, out, SHOWN_MAX);
}

static void describe_size(const struct setting *setting, char out[SHOWN_MAX])
{
    char min[32], max[32];

    show_units(size_units, setting->min, min, sizeof min);
    show_units(size_units, setting->max, max, sizeof max);
    snprintf(out, SHOWN_MAX, "a size from %s to %s (bytes, or with `k`, `m` or `g`)", min, max);
}

static bool parse_duration(const struct setting *setting, const char *text, int64_t *value)
{
    return parse_units(duration_units, text, value) && in_range(setting, *value);
}

static void show_duration(const struct setting *setting, int64_t value, char out[SHOWN_MAX])
{
    (void)setting;
    show_units(duration_units, value, out, SHOWN_MAX);
}

static void describe_duration(const struct setting *setting, char out[SHOWN_MAX])
{
    char min[32], max[32];

    show_units(duration_units, setting->min, min, sizeof min);
    show_units(duration_units, setting->max, max, sizeof max);
    snprintf(out, SHOWN_MAX, "a duration from %s to %s (seconds, or with `s`, `m`, `h` or `d`)", min, max);
}

/* Cores with up to three decimals, kept in thousandths. */
static bool parse_cpu(const struct setting *setting, const char *text, int64_t *value)
{
    if (!read_digits(&text, value) || *value > INT32_MAX)
        return false;
    int64_t milli = 0;
    if (*text == '.') {
        const char *start = ++text;
        for (int64_t scale = 100; *text >= '0' && *text <= '9'; scale /= 10)
            milli += (*text++ - '0') * scale;
        if (text == start || text - start > 3)
            return false;
    }
    *value = *value * 1000 + milli;
    return *text == '\0' && in_range(setting, *value);
}

static void show_milli(int64_t value, char *out, size_t room)
{
    snprintf(out, room, "%.15g", (double)value / 1000);
}

static void show_cpu(const struct setting *setting, int64_t value, char out[SHOWN_MAX])
{
    (void)setting;
    show_milli(value, out, SHOWN_MAX);
}

static void describe_cpu(const struct setting *setting, char out[SHOWN_MAX])
{
    char min[32], max[32];

    show_milli(setting->min, min, sizeof min);
    show_milli(setting->max, max, sizeof max);
    snprintf(out, SHOWN_MAX, "a number of cores from %s to %s, with up to three decimals", min, max);
}

static bool parse_choice(const struct setting *setting, const char *text, int64_t *value)
{
    for (*value = 0; setting->choices[*value] != NULL; ++*value)
        if (strcmp(setting->choices[*value], text) == 0)
            return true;
    return false;
}

static void show_choice(const struct setting *setting, int64_t value, char out[SHOWN_MAX])
{
    snprintf(out, SHOWN_MAX, "%s", setting->choices[value]);
}

static void describe_choice(const struct setting *setting, char out[SHOWN_MAX])
{
    size_t len = 0;

    for (const char *const *choice = setting->choices; *choice != NULL && len < SHOWN_MAX; choice++) {
        const char *before = choice == setting->choices ? "" : choice[1] == NULL ? " or " : ", ";
        len += (size_t)snprintf(out + len, SHOWN_MAX - len, "%s`%s`", before, *choice);
    }
}

/* As the docker command reads DOCKER_TLS_VERIFY: any text but the empty one is yes. */
static bool parse_flag(const struct setting *setting, const char *text, int64_t *value)
{
    (void)setting;
    *value = *text != '\0';
    return true;
}

static void show_flag(const struct setting *setting, int64_t value, char out[SHOWN_MAX])
{
    (void)setting;
    snprintf(out, SHOWN_MAX, "%s", value != 0 ? "1" : "");
}

static void describe_flag(const struct setting *setting, char out[SHOWN_MAX])
{
    (void)setting;
    snprintf(out, SHOWN_MAX, "anything for yes, or empty");
}

const struct kind kind_path = {check_text, NULL, describe_path, NULL};
const struct kind kind_folders = {check_folders, NULL, describe_folders, NULL};
const struct kind kind_secret = {check_secret, NULL, describe_secret, NULL};
const struct kind kind_items = {check_items, NULL, describe_items, NULL};
const struct kind kind_origins = {check_origins, NULL, describe_origins, NULL};
const struct kind kind_url = {check_url, NULL, describe_url, NULL};
const struct kind kind_name = {config_check_name, NULL, describe_name, NULL};
const struct kind kind_listen = {check_listen, NULL, describe_listen, NULL};
const struct kind kind_host = {check_host, NULL, describe_host, NULL};
const struct kind kind_nets = {check_nets, NULL, describe_nets, NULL};
const struct kind kind_pool = {check_pool, NULL, describe_pool, NULL};
const struct kind kind_integer = {NULL, parse_integer, describe_integer, show_integer};
const struct kind kind_size = {NULL, parse_size, describe_size, show_size};
const struct kind kind_duration = {NULL, parse_duration, describe_duration, show_duration};
const struct kind kind_cpu = {NULL, parse_cpu, describe_cpu, show_cpu};
const struct kind kind_choice = {NULL, parse_choice, describe_choice, show_choice};
const struct kind kind_flag = {NULL, parse_flag, describe_flag, show_flag};
