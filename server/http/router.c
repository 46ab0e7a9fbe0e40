#include "http/router.h"

#include "http/request_target.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum segment_kind {
    SEGMENT_NONE,
    SEGMENT_REST,
    SEGMENT_ONE,
    SEGMENT_LITERAL
}; /* in ascending order of how specific they are */

struct segment {
    enum segment_kind kind;
    const char *text; /* the literal, or the name */
    size_t len;
};

/* The pattern's next segment; moves `*at` to its end. */
static struct segment next_segment(const char **at)
{
    if (**at != '/' || (*at)[1] == '\0')
        return (struct segment){.kind = SEGMENT_NONE};
    const char *text = *at + 1;
    size_t len = strcspn(text, "/");
    *at = text + len;
    if (*text != '{')
        return (struct segment){SEGMENT_LITERAL, text, len};
    if (len > 5 && strncmp(text + len - 4, "...}", 4) == 0)
        return (struct segment){SEGMENT_REST, text + 1, len - 5};
    return (struct segment){SEGMENT_ONE, text + 1, len - 2};
}

static bool segment_matches(const struct segment *segment, const char *text)
{
    if (segment->kind == SEGMENT_LITERAL)
        return strlen(text) == segment->len && memcmp(text, segment->text, segment->len) == 0;
    return *text != '\0';
}

static bool pattern_matches(const char *pattern, const struct http_target *target)
{
    const char *text = target->segments;

    for (unsigned i = 0; i < target->count; i++) {
        struct segment segment = next_segment(&pattern);
        if (segment.kind == SEGMENT_NONE || !segment_matches(&segment, text))
            return false;
        if (segment.kind == SEGMENT_REST)
            return true;
        text += strlen(text) + 1;
    }
    return next_segment(&pattern).kind == SEGMENT_NONE;
}

static bool more_specific(const char *a, const char *b)
{
    for (;;) {
        struct segment left = next_segment(&a);
        struct segment right = next_segment(&b);
        if (left.kind != right.kind)
            return left.kind > right.kind;
        if (left.kind == SEGMENT_NONE)
            return false;
    }
}

/* Puts the slashes between the segments from here on again. */
static void join_rest(char *text, unsigned segments)
{
    while (segments-- > 1) {
        text += strlen(text);
        *text++ = '/';
    }
}

static void read_params(struct http_match *match, struct http_target *target)
{
    const char *pattern = match->route->pattern;
    char *text = target->segments;

    for (unsigned i = 0; i < target->count; i++) {
        struct segment segment = next_segment(&pattern);
        if (segment.kind != SEGMENT_LITERAL) {
            assert(match->count < HTTP_PARAMS_MAX);
            match->params[match->count++] = (struct http_param){segment.text, segment.len, text};
        }
        if (segment.kind == SEGMENT_REST) {
            join_rest(text, target->count - i);
            return;
        }
        text += strlen(text) + 1;
    }
}

static bool serves(const struct http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static bool reaches(const struct http_route *route, const struct http_target *target)
{
    return strcmp(target->path, "*") == 0 || pattern_matches(route->pattern, target);
}

static void list_allowed(struct http_match *match, const struct http_route *routes, const struct http_target *target)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    size_t len = 0;

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const struct http_route *route = routes;
        while (route->method != NULL && !(serves(route, methods[i]) && reaches(route, target)))
            route++;
        if (route->method == NULL)
            continue;
        len += (size_t)snprintf(match->allow + len, sizeof match->allow - len, "%s, ", methods[i]);
    }
    if (len > 0)
        snprintf(match->allow + len, sizeof match->allow - len, "OPTIONS");
}

void http_router_find(struct http_match *match, const struct http_route *routes, const char *method,
                      struct http_target *target)
{
    memset(match, 0, sizeof *match);
    for (const struct http_route *route = routes; route->method != NULL; route++) {
        if (!serves(route, method) || !pattern_matches(route->pattern, target) || strcmp(target->path, "*") == 0)
            continue;
        if (match->route == NULL || more_specific(route->pattern, match->route->pattern))
            match->route = route;
    }
    if (match->route != NULL)
        read_params(match, target);
    else
        list_allowed(match, routes, target);
}
