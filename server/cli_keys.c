#include "base/seam.h"
#include "base/text.h"
#include "cli.h"
#include "config_kind.h"
#include "faces/faces.h"
#include "store/keys.h"

#include <stdio.h>
#include <string.h>

/* Key create. */

static const struct setting rate_range = {"--rate", &kind_integer, .min = 1, .max = KEY_RATE_MAX};
static const struct setting timeout_range = {"--max-timeout", &kind_integer, .min = 1, .max = KEY_TIMEOUT_MAX};
static const struct setting credits_range = {"--credits", &kind_integer, .min = 0, .max = KEY_CREDITS_MAX};
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

static int read_scopes(const char *text, bool admin, unsigned *scopes)
{
    struct error error;

    if (admin && text != NULL)
        return cli_misused("--admin: it means all scopes, so --scopes cannot be given, too");
    if (admin)
        *scopes = KEY_EXECUTE | KEY_READ | KEY_ADMIN;
    if (text == NULL || key_scopes_parse(text, scopes, &error) == 0)
        return CLI_OK;
    return cli_misused("%s", error.text);
}

static int read_reuse(const char *text, enum key_reuse *reuse)
{
    if (text == NULL || key_reuse_parse(text, reuse) == 0)
        return CLI_OK;
    return cli_misused("--reuse: must be off, key or any, not \"%s\"", text);
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

static int read_face(const char *text, char face[KEY_FACE_MAX + 1])
{
    if (text == NULL)
        return CLI_OK;
    if (!faces_have(text))
        return cli_misused("--face: there is no face %s", text);
    text_copy(face, KEY_FACE_MAX + 1, text);
    return CLI_OK;
}

/* `prefix` stays as it is if the option is not given. */
static int read_key(int argc, char **argv, struct key *key, const char **prefix)
{
    const char *name = NULL, *rate = NULL, *scopes = NULL, *expires = NULL, *timeout = NULL, *reuse = NULL;
    const char *credits = NULL, *face = NULL;
    bool admin = false;
    const struct cli_option options[] = {{.name = "--name", .value = &name},
                                         {.name = "--rate", .value = &rate},
                                         {.name = "--scopes", .value = &scopes},
                                         {.name = "--expires", .value = &expires},
                                         {.name = "--max-timeout", .value = &timeout},
                                         {.name = "--reuse", .value = &reuse},
                                         {.name = "--credits", .value = &credits},
                                         {.name = "--face", .value = &face},
                                         {.name = "--prefix", .value = prefix},
                                         {.name = "--admin", .flag = &admin},
                                         {.name = NULL}};

    if (cli_parse(argc, argv, options, NULL) != CLI_OK || option_read_name(name, key->name) != CLI_OK ||
        option_read_number(&rate_range, rate, &key->rate_per_minute) != CLI_OK ||
        read_scopes(scopes, admin, &key->scopes) != CLI_OK || read_reuse(reuse, &key->reuse) != CLI_OK ||
        option_read_number(&credits_range, credits, &key->credits) != CLI_OK || read_face(face, key->face) != CLI_OK ||
        read_expiry(expires, &key->expires_ms) != CLI_OK)
        return CLI_USAGE;
    return option_read_number(&timeout_range, timeout, &key->max_timeout);
}

int cli_key_create(int argc, char **argv, const struct config *config)
{
    struct key key = {
        .scopes = KEY_EXECUTE | KEY_READ, .rate_per_minute = config->rate, .credits = -1, .reuse = KEY_REUSE_INHERIT};
    char text[KEY_TEXT_LEN + 1];
    const char *prefix = "cc_";
    struct error error;
    struct db *db;

    if (read_key(argc, argv, &key, &prefix) != CLI_OK)
        return CLI_USAGE;
    if (db_open(&db, config->data_dir, &error) != 0)
        return cli_failed("%s", error.text);
    int bad = keys_create_prefixed(db, &key, prefix, text, &error);
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

enum { ID, NAME, SCOPES, RATE, CREDITS, REUSE, FACE, CREATED, EXPIRES, STATE, COLUMNS };

#define CELL_MAX (KEY_NAME_MAX + 1)

struct list {
    int64_t now;
    int widths[COLUMNS]; /* of the widest cell of each column */
};

/* Columns of UTF-8 text, near enough: continuation bytes take none. */
static int columns(const char *text)
{
    int n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static const char *state_of(const struct key *key, int64_t now)
{
    if (key->revoked_ms != 0)
        return "revoked";
    return key->expires_ms != 0 && key->expires_ms <= now ? "expired" : "active";
}

static void key_cells(const struct key *key, int64_t now, char cells[COLUMNS][CELL_MAX])
{
    char scopes[32], created[TIME_LEN + 1], expires[TIME_LEN + 1] = "never", credits[32] = "-";

    key_scopes_text(key->scopes, scopes);
    text_time(key->created_ms, created);
    if (key->expires_ms != 0)
        text_time(key->expires_ms, expires);
    if (key->credits >= 0)
        snprintf(credits, sizeof credits, "%lld", (long long)key->credits);
    const char *const texts[COLUMNS] = {[ID] = key->id,
                                        [NAME] = key->name,
                                        [SCOPES] = scopes,
                                        [CREDITS] = credits,
                                        [REUSE] = key_reuse_text(key->reuse),
                                        [FACE] = key->face[0] != '\0' ? key->face : "-",
                                        [CREATED] = created,
                                        [EXPIRES] = expires,
                                        [STATE] = state_of(key, now)};
    for (int i = 0; i < COLUMNS; i++)
        if (texts[i] != NULL)
            text_copy(cells[i], CELL_MAX, texts[i]);
    snprintf(cells[RATE], CELL_MAX, "%lld", (long long)key->rate_per_minute);
}

static void measure_cells(struct list *list, char cells[COLUMNS][CELL_MAX])
{
    for (int i = 0; i < COLUMNS; i++)
        if (columns(cells[i]) > list->widths[i])
            list->widths[i] = columns(cells[i]);
}

/* Numbers stand at the right of their column. */
static void print_cells(const struct list *list, char cells[COLUMNS][CELL_MAX])
{
    for (int i = 0; i < COLUMNS; i++) {
        int padding = list->widths[i] - columns(cells[i]);
        bool right = i == RATE || i == CREDITS;

        printf("%*s%s%*s", right ? padding : 0, "", cells[i], right || i == STATE ? 0 : padding, "");
        fputs(i == STATE ? "\n" : "  ", stdout);
    }
}

static int measure_key(const struct key *key, void *arg)
{
    struct list *list = arg;
    char cells[COLUMNS][CELL_MAX];

    key_cells(key, list->now, cells);
    measure_cells(list, cells);
    return 0;
}

static int print_key(const struct key *key, void *arg)
{
    const struct list *list = arg;
    char cells[COLUMNS][CELL_MAX];

    key_cells(key, list->now, cells);
    print_cells(list, cells);
    return 0;
}

static int list_keys(struct db *db, struct error *error)
{
    char heads[COLUMNS][CELL_MAX] = {"ID",    "NAME", "SCOPES",  "RATE",    "CREDITS",
                                     "REUSE", "FACE", "CREATED", "EXPIRES", "STATE"};
    struct list list = {.now = seam_wall_ms()};

    measure_cells(&list, heads);
    if (keys_each(db, measure_key, &list, error) != 0)
        return -1;
    print_cells(&list, heads);
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
