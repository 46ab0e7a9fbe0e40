#include "faces/faces.h"

#include "api/routes.h"
#include "base/arena.h"
#include "base/container_of.h"
#include "faces/face.h"
#include "faces/gateway_quota.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX_MAX 200 /* bytes of a prefix in the setting */

const struct face *const faces_all[FACES_MAX + 1] = {&face_agent402, &face_builde2e, &face_gateway,
                                                     &face_mcp,      &face_piston,   NULL};

/* A face that is on. */
struct faces_place {
    const struct face *face;
    const char *prefix;    /* "" or "/judge0" */
    const char *anonymous; /* the name of a key; NULL: none */
    size_t routes_at;      /* its first route in the table */
};

struct faces {
    struct arena arena;
    const struct face *const *known; /* that there can be */
    bool needs_payers;
    int64_t rate;
    struct gateway_quota gateway_quota;
    struct faces_place places[FACES_MAX];
    size_t count;
    struct http_route *routes;
    size_t routes_len;
    const struct http_manners **manners;
    size_t manners_len;
};

/* The settings. */

static const struct face *face_find(const struct face *const *known, const char *name)
{
    for (const struct face *const *face = known; *face != NULL; face++)
        if (strcmp((*face)->name, name) == 0)
            return *face;
    return NULL;
}

static struct faces_place *place_find(struct faces *faces, const char *name)
{
    for (size_t i = 0; i < faces->count; i++)
        if (strcmp(faces->places[i].face->name, name) == 0)
            return &faces->places[i];
    return NULL;
}

static bool prefix_is_fine(const char *prefix)
{
    static const char *const fine = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/";
    size_t len = strlen(prefix);

    return prefix[0] == '/' && len > 1 && len <= PREFIX_MAX && prefix[len - 1] != '/' &&
           prefix[strspn(prefix, fine)] == '\0' && strstr(prefix, "//") == NULL && strstr(prefix, "/.") == NULL;
}

static int face_on(struct faces *faces, const char *name, const char *prefix, struct error *error)
{
    const struct face *face = face_find(faces->known, name);

    if (face == NULL)
        return error_set(error, ERROR_INVALID, "CODECELL_FACES: there is no face %s", name);
    if (place_find(faces, name) != NULL)
        return error_set(error, ERROR_INVALID, "CODECELL_FACES: %s is named twice", name);
    if (prefix != NULL && !prefix_is_fine(prefix))
        return error_set(error, ERROR_INVALID, "CODECELL_FACES: %s=%s: a prefix looks like /name", name, prefix);
    faces->places[faces->count++] = (struct faces_place){.face = face, .prefix = prefix != NULL ? prefix : ""};
    return 0;
}

/* The next item of "a=b,c=d": cuts the text after it. *value: after the '='; NULL: there is none. */
static char *next_item(char **at, char **value)
{
    char *item = *at;

    if (item == NULL)
        return NULL;
    *at = strchr(item, ',');
    if (*at != NULL)
        *(*at)++ = '\0';
    *value = strchr(item, '=');
    if (*value != NULL)
        *(*value)++ = '\0';
    return item;
}

static int all_on(struct faces *faces, struct error *error)
{
    for (const struct face *const *face = faces->known; *face != NULL; face++)
        if (face_on(faces, (*face)->name, NULL, error) != 0)
            return -1;
    return 0;
}

static int read_on(struct faces *faces, const char *setting, struct error *error)
{
    char *at = arena_text(&faces->arena, setting, strlen(setting)), *value;

    if (at == NULL)
        return error_memory(error);
    if (strcmp(at, "none") == 0 || *at == '\0')
        return 0;
    if (strcmp(at, "all") == 0)
        return all_on(faces, error);
    for (const char *name; (name = next_item(&at, &value)) != NULL;)
        if (face_on(faces, name, value, error) != 0)
            return -1;
    return 0;
}

static int read_anonymous(struct faces *faces, const char *setting, struct error *error)
{
    char *at = arena_text(&faces->arena, setting, strlen(setting)), *value;

    if (at == NULL)
        return error_memory(error);
    for (const char *name; *setting != '\0' && (name = next_item(&at, &value)) != NULL;) {
        struct faces_place *place = place_find(faces, name);
        if (place == NULL)
            return error_set(error, ERROR_INVALID, "CODECELL_FACE_ANONYMOUS: the face %s is not on", name);
        if (value == NULL || *value == '\0')
            return error_set(error, ERROR_INVALID, "CODECELL_FACE_ANONYMOUS: %s: must be FACE=KEYNAME", name);
        place->anonymous = value;
    }
    return 0;
}

/* Paid requests show no key. So a face that sells has the key of requests without one: the setting's, or FACES_PAYERS.
 */
static void name_payers(struct faces *faces, bool sells)
{
    for (size_t i = 0; sells && i < faces->count; i++) {
        struct faces_place *place = &faces->places[i];
        if (!place->face->sells || place->anonymous != NULL)
            continue;
        place->anonymous = FACES_PAYERS;
        faces->needs_payers = true;
    }
}

/* The tables. */

static size_t routes_count(const struct http_route *routes)
{
    size_t count = 0;

    while (routes[count].method != NULL)
        count++;
    return count;
}

static size_t manners_count(const struct http_manners *const *manners)
{
    size_t count = 0;

    while (manners[count] != NULL)
        count++;
    return count;
}

/* Whether both match the same paths; names of parameters do not count. */
static bool patterns_collide(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        if (*a == '{') {
            a += strcspn(a, "}");
            b += strcspn(b, "}");
        }
        a++;
        b++;
    }
    return *a == '\0' && *b == '\0';
}

static int add_route(struct faces *faces, const struct faces_place *place, const struct http_route *route,
                     struct error *error)
{
    char *pattern = arena_printf(&faces->arena, "%s%s", place->prefix, route->pattern);

    if (pattern == NULL)
        return error_memory(error);
    for (size_t i = 0; i < faces->routes_len; i++)
        if (strcmp(faces->routes[i].method, route->method) == 0 && patterns_collide(faces->routes[i].pattern, pattern))
            return error_set(error, ERROR_INVALID,
                             "CODECELL_FACES: %s wants %s %s, which is taken: give it a prefix (%s=/%s)",
                             place->face->name, route->method, pattern, place->face->name, place->face->name);
    faces->routes[faces->routes_len] = *route;
    faces->routes[faces->routes_len++].pattern = pattern;
    return 0;
}

static size_t covers_count(const struct face *face)
{
    size_t count = 0;

    while (face->covers[count] != NULL)
        count++;
    return count;
}

/* The places of keys without those in the URL. */
static const struct http_key_place *without_url_keys(struct faces *faces, const struct http_key_place *keys)
{
    size_t count = 0, kept = 0;

    while (keys[count].kind != HTTP_KEY_NONE)
        count++;
    struct http_key_place *list = arena_alloc(&faces->arena, (count + 1) * sizeof *list);
    for (size_t i = 0; list != NULL && i < count; i++)
        if (keys[i].kind != HTTP_KEY_QUERY)
            list[kept++] = keys[i];
    if (list != NULL)
        list[kept] = (struct http_key_place){.kind = HTTP_KEY_NONE};
    return list;
}

static int64_t credits_of(const struct face *face, const char *path)
{
    for (const struct face_price *price = face->prices; price != NULL && price->path != NULL; price++)
        if (strcmp(price->path, path) == 0)
            return price->credits;
    return face->credits;
}

static int add_manners(struct faces *faces, const struct faces_place *place, const char *path, bool url_keys,
                       struct error *error)
{
    struct api_manners *manners = arena_alloc(&faces->arena, sizeof *manners);
    char *prefix = arena_printf(&faces->arena, "%s%s", place->prefix, path);
    const struct http_key_place *keys =
        url_keys ? place->face->manners.keys : without_url_keys(faces, place->face->manners.keys);

    if (manners == NULL || prefix == NULL || keys == NULL)
        return error_memory(error);
    *manners = (struct api_manners){.http = place->face->manners,
                                    .face = place->face->name,
                                    .anonymous = place->anonymous,
                                    .credits = credits_of(place->face, path)};
    manners->http.prefix = prefix;
    manners->http.keys = keys;
    faces->manners[faces->manners_len++] = &manners->http;
    return 0;
}

static int add_place(struct faces *faces, struct faces_place *place, bool url_keys, struct error *error)
{
    place->routes_at = faces->routes_len;
    for (const struct http_route *route = place->face->routes; route->method != NULL; route++)
        if (add_route(faces, place, route, error) != 0)
            return -1;
    for (const char *const *path = place->face->covers; *path != NULL; path++)
        if (add_manners(faces, place, *path, url_keys, error) != 0)
            return -1;
    return 0;
}

/* The manners that hold for a route: those with the longest prefix, as http_manners_find() finds them for a path. */
static const struct api_manners *manners_of_route(const struct faces *faces, const char *pattern)
{
    const struct http_manners *found = NULL;

    for (size_t i = 0; i < faces->manners_len; i++) {
        size_t len = strlen(faces->manners[i]->prefix);
        if (strncmp(pattern, faces->manners[i]->prefix, len) == 0 && (pattern[len] == '/' || pattern[len] == '\0') &&
            (found == NULL || len > strlen(found->prefix)))
            found = faces->manners[i];
    }
    return container_of(found, const struct api_manners, http);
}

/* Keys, credits and callers without a key are those of a route's manners, so a face's routes must not lie below the
 * paths of another one. */
static int check_place(const struct faces *faces, const struct faces_place *place, struct error *error)
{
    const struct http_route *routes = &faces->routes[place->routes_at];
    const char *name = place->face->name;

    for (size_t i = 0; i < routes_count(place->face->routes); i++) {
        const struct api_manners *manners = manners_of_route(faces, routes[i].pattern);
        if (manners->face == NULL || strcmp(manners->face, name) != 0)
            return error_set(error, ERROR_INVALID,
                             "CODECELL_FACES: %s wants %s, which lies below the paths of %s: give it a prefix (%s=/%s)",
                             name, routes[i].pattern, manners->face != NULL ? manners->face : "our own API", name,
                             name);
    }
    return 0;
}

static int make_tables(struct faces *faces, bool url_keys, struct error *error)
{
    size_t routes = routes_count(api_routes), manners = manners_count(api_manners);

    faces->routes_len = routes;
    faces->manners_len = manners;
    for (size_t i = 0; i < faces->count; i++) {
        routes += routes_count(faces->places[i].face->routes);
        manners += covers_count(faces->places[i].face);
    }
    faces->routes = arena_alloc(&faces->arena, (routes + 1) * sizeof *faces->routes);
    faces->manners = arena_alloc(&faces->arena, (manners + 1) * sizeof(void *));
    if (faces->routes == NULL || faces->manners == NULL)
        return error_memory(error);
    memcpy(faces->routes, api_routes, faces->routes_len * sizeof *faces->routes);
    memcpy(faces->manners, api_manners, faces->manners_len * sizeof(void *));
    for (size_t i = 0; i < faces->count; i++)
        if (add_place(faces, &faces->places[i], url_keys, error) != 0)
            return -1;
    for (size_t i = 0; i < faces->count; i++)
        if (check_place(faces, &faces->places[i], error) != 0)
            return -1;
    faces->routes[faces->routes_len] = (struct http_route){.method = NULL};
    faces->manners[faces->manners_len] = NULL;
    return 0;
}

bool faces_have(const char *name)
{
    return face_find(faces_all, name) != NULL;
}

int faces_open(struct faces **out, const struct faces_settings *settings, struct error *error)
{
    return faces_open_of(out, faces_all, settings, error);
}

int faces_open_of(struct faces **out, const struct face *const *known, const struct faces_settings *settings,
                  struct error *error)
{
    struct faces *faces = calloc(1, sizeof *faces);

    *out = NULL;
    if (faces == NULL)
        return error_memory(error);
    faces->known = known;
    faces->rate = settings->rate;
    faces->gateway_quota.most = settings->gateway_keys;
    bool read = read_on(faces, settings->on, error) == 0 && read_anonymous(faces, settings->anonymous, error) == 0;
    name_payers(faces, settings->sells);
    if (!read || make_tables(faces, settings->url_keys, error) != 0) {
        faces_close(faces);
        return -1;
    }
    *out = faces;
    return 0;
}

void faces_close(struct faces *faces)
{
    if (faces == NULL)
        return;
    gateway_quota_free(&faces->gateway_quota);
    arena_free(&faces->arena);
    free(faces);
}

const struct http_route *faces_routes(const struct faces *faces)
{
    return faces->routes;
}

const struct http_manners *const *faces_manners(const struct faces *faces)
{
    return faces->manners;
}

bool faces_need_payers(const struct faces *faces)
{
    return faces->needs_payers;
}

int64_t faces_rate(const struct faces *faces)
{
    return faces->rate;
}

struct gateway_quota *faces_gateway_quota(struct faces *faces)
{
    return &faces->gateway_quota;
}
