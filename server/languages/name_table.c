#include "languages/name_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_FIELD_MAX 64 /* bytes of "versions[15].aliases", and more than any number takes */

/* The index at which the text is, or would be inserted. */
static size_t place_of(const struct name_table *names, const char *text)
{
    size_t low = 0, high = names->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcasecmp(names->items[middle].text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct name_table *names, size_t place, const char *text)
{
    return place < names->len && strcasecmp(names->items[place].text, text) == 0;
}

const struct name_entry *name_table_find(const struct name_table *names, const char *text)
{
    size_t place = place_of(names, text);

    return is_at(names, place, text) ? &names->items[place] : NULL;
}

static int name_table_make_room(struct name_table *names, struct error *error)
{
    size_t room = names->room > 0 ? 2 * names->room : 64;
    struct name_entry *items;

    if (names->len < names->room)
        return 0;
    if ((items = reallocarray(names->items, room, sizeof *items)) == NULL)
        return error_memory(error);
    names->items = items;
    names->room = room;
    return 0;
}

static int name_table_add_one(struct name_table *names, const char *field, const struct name_entry *name,
                              struct error *error)
{
    size_t place = place_of(names, name->text);

    if (is_at(names, place, name->text)) {
        const struct language *owner = names->items[place].language;
        if (owner == name->language)
            return error_set(error, ERROR_CONFLICT, "%s: %s is there twice", field, name->text);
        return error_set(error, ERROR_CONFLICT, "%s: %s is taken by the language %s", field, name->text, owner->id);
    }
    if (name_table_make_room(names, error) != 0)
        return -1;
    memmove(&names->items[place + 1], &names->items[place], (names->len - place) * sizeof *names->items);
    names->items[place] = *name;
    names->len++;
    return 0;
}

static int add_aliases(struct name_table *names, const char *field, char *const *aliases,
                       const struct name_entry *whose, struct error *error)
{
    for (; *aliases != NULL; aliases++)
        if (name_table_add_one(names, field, &(struct name_entry){*aliases, whose->language, whose->version}, error) !=
            0)
            return -1;
    return 0;
}

static int add_all(struct name_table *names, struct language *language, struct error *error)
{
    struct name_entry own = {language->id, language, NULL};

    if (name_table_add_one(names, "id", &own, error) != 0 ||
        add_aliases(names, "aliases", language->aliases, &own, error) != 0)
        return -1;
    for (size_t i = 1; i < language->versions_len; i++) {
        struct language_version *version = &language->versions[i];
        char field[NAME_FIELD_MAX];
        snprintf(field, sizeof field, "versions[%zu].aliases", i - 1);
        if (add_aliases(names, field, version->aliases, &(struct name_entry){NULL, language, version}, error) != 0)
            return -1;
    }
    return 0;
}

static void take_back(struct name_table *names, const struct language *language)
{
    size_t kept = 0;

    for (size_t i = 0; i < names->len; i++)
        if (names->items[i].language != language)
            names->items[kept++] = names->items[i];
    names->len = kept;
}

int name_table_add(struct name_table *names, struct language *language, struct error *error)
{
    int failed = add_all(names, language, error);

    if (failed != 0)
        take_back(names, language);
    return failed;
}

void name_table_free(struct name_table *names)
{
    free(names->items);
    *names = (struct name_table){0};
}
