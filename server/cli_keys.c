#include "base/seam.h"
#include "base/text.h"
#include "cli.h"
#include "config_kind.h"
#include "store/keys.h"

#include <stdio.h>
#include <string.h>

/* Key create. */

static const struct setting rate_range = {"--rate", &kind_integer, .min = 1, .max = KEY_RATE_MAX};
static const struct setting timeout_range = {"--max-timeout", &kind_integer, .min = 1, .max = KEY_TIMEOUT_MAX};
static const struct setting expires_range = {"--expires", &kind_duration, .min = 1, .max = 36500LL * 86400};

/* Leaves `out` as it is if the option was not given. */
static int option_read_number(const struct setting *range, const char *text, int64_t *out)
{
    if (text == NULL || range->kind->parse(range, text, out))
        return CLI_OK;
    char described[SHOWN_MAX];
    range->kind->describe(range, described);
    return cli_misused("%s: must be %s, not \"%s\"", range->name, described, text);
}

static int read_scopes(const char *text, unsigned *scopes)
{
    struct error error;

    if (text == NULL || key_scopes_parse(text, scopes, &error) == 0)
        return CLI_OK;
    return cli_misused("%s", error.text);
}

static int read_reuse(const char *text, enum key_reuse *reuse)
{
    if (text == NULL || key_reuse_parse(text, reuse) == 0)
        return CLI_OK;
    return cli_misused("--reuse: must be off or key, not \"%s\"", text);
}

/* A time, or how long from now. */
static int read_expiry(const char *text, int64_t *expires_ms)
{
    int64_t seconds, now = seam_wall_ms();

    if (text == NULL)
        return CLI_OK;
    if (text_parse_time(text, expires_ms) == 0)
        return *expires_ms > now ? CLI_OK : cli_misused("--expires: %s is in the past", text);
    if (!expires_range.kind->parse(&expires_range, text, &seconds))
        return cli_misused("--expires: must be a time such as 2030-01-31T00:00:00Z or a duration such as 30d, "
                           "not \"%s\"",
                           text);
    *expires_ms = now + seconds * 1000;
    return CLI_OK;
}

static int option_read_name(const char *text, char name[KEY_NAME_MAX + 1])
{
    if (text == NULL)
        return cli_misused("key create needs --name");
    size_t len = strlen(text);
    if (len > KEY_NAME_MAX)
        return cli_misused("--name: must be at most %d bytes", KEY_NAME_MAX);
    memcpy(name, text, len + 1);
    return CLI_OK;
}

static int read_key(int argc, char **argv, struct key *key)
{
    const char *name = NULL, *rate = NULL, *scopes = NULL, *expires = NULL, *timeout = NULL, *reuse = NULL;
    const struct cli_option options[] = {{"--name", &name, NULL},
                                         {"--rate", &rate, NULL},
                                         {"--scopes", &scopes, NULL},
                                         {"--expires", &expires, NULL},
                                         {"--max-timeout", &timeout, NULL},
                                         {"--reuse", &reuse, NULL},
                                         {.name = NULL}};

    if (cli_parse(argc, argv, options, NULL) != CLI_OK || option_read_name(name, key->name) != CLI_OK ||
        option_read_number(&rate_range, rate, &key->rate_per_minute) != CLI_OK ||
        read_scopes(scopes, &key->scopes) != CLI_OK || read_reuse(reuse, &key->reuse) != CLI_OK ||
        read_expiry(expires, &key->expires_ms) != CLI_OK)
        return CLI_USAGE;
    return option_read_number(&timeout_range, timeout, &key->max_timeout);
}

int cli_key_create(int argc, char **argv, const struct config *config)
{
    struct key key = {
        .scopes = KEY_EXECUTE | KEY_READ, .rate_per_minute = config->rate, .credits = -1, .reuse = KEY_REUSE_INHERIT};
    char text[KEY_TEXT_LEN + 1];
    struct error error;
    struct db *db;

    if (read_key(argc, argv, &key) != CLI_OK)
        return CLI_USAGE;
    if (db_open(&db, config->data_dir, &error) != 0)
        return cli_failed("%s", error.text);
    int bad = keys_create(db, &key, text, &error);
    db_close(db);
    if (bad != 0 && error.code == ERROR_INVALID)
        return cli_misused("%s", error.text);
    if (bad != 0)
        return cli_failed("%s", error.text);
    fprintf(stderr, "Made key %s (%s). It is shown only this once:\n", key.id, key.name);
    puts(text);
    return fflush(stdout) == 0 ? CLI_OK
                               : cli_failed("standard output cannot be written, so key %s is lost: revoke it", key.id);
}

/* Key list. */

struct list {
    int64_t now;
    int name_width; /* columns of the widest name */
};

/* Columns of UTF-8 text, near enough: continuation bytes take none. */
static int columns(const char *text)
{
    int n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static int measure(const struct key *key, void *arg)
{
    struct list *list = arg;
    int width = columns(key->name);

    list->name_width = width > list->name_width ? width : list->name_width;
    return 0;
}

static const char *state_of(const struct key *key, int64_t now)
{
    if (key->revoked_ms != 0)
        return "revoked";
    return key->expires_ms != 0 && key->expires_ms <= now ? "expired" : "active";
}

static void key_print_row(const struct list *list, const char *id, const char *name, const char *scopes,
                          const char *rate, const char *reuse, const char *created, const char *expires,
                          const char *state)
{
    int padding = list->name_width - columns(name);

    printf("%-8s  %s%*s  %-18s  %7s  %-5s  %-24s  %-24s  %s\n", id, name, padding, "", scopes, rate, reuse, created,
           expires, state);
}

static int print_key(const struct key *key, void *arg)
{
    const struct list *list = arg;
    char scopes[32], rate[32], created[TIME_LEN + 1], expires[TIME_LEN + 1] = "never";

    key_scopes_text(key->scopes, scopes);
    snprintf(rate, sizeof rate, "%lld", (long long)key->rate_per_minute);
    text_time(key->created_ms, created);
    if (key->expires_ms != 0)
        text_time(key->expires_ms, expires);
    key_print_row(list, key->id, key->name, scopes, rate, key_reuse_text(key->reuse), created, expires,
                  state_of(key, list->now));
    return 0;
}

static int list_keys(struct db *db, struct error *error)
{
    struct list list = {.now = seam_wall_ms(), .name_width = (int)strlen("NAME")};

    if (keys_each(db, measure, &list, error) != 0)
        return -1;
    key_print_row(&list, "ID", "NAME", "SCOPES", "RATE", "REUSE", "CREATED", "EXPIRES", "STATE");
    return keys_each(db, print_key, &list, error);
}

int cli_key_list(int argc, char **argv, const struct config *config)
{
    struct error error;
    struct db *db;

    if (cli_parse(argc, argv, NULL, NULL) != CLI_OK)
        return CLI_USAGE;
    if (db_open(&db, config->data_dir, &error) != 0)
        return cli_failed("%s", error.text);
    int bad = list_keys(db, &error);
    db_close(db);
    return bad == 0 ? CLI_OK : cli_failed("%s", error.text);
}

/* Key revoke. */

int cli_key_revoke(int argc, char **argv, const struct config *config)
{
    const char *id;
    struct error error;
    struct db *db;

    if (cli_parse(argc, argv, NULL, &id) != CLI_OK)
        return CLI_USAGE;
    if (db_open(&db, config->data_dir, &error) != 0)
        return cli_failed("%s", error.text);
    int bad = keys_revoke(db, id, &error);
    db_close(db);
    if (bad != 0)
        return cli_failed("%s", error.text);
    fprintf(stderr, "Key %s is revoked.\n", id);
    return CLI_OK;
}
