#include "http/request_target.h"

#include "http/request_host.h"
#include "http/request_percent.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is wrong with an absolute-form target, or NULL, and `*path` is its path and query. */
static const char *skip_authority(const char *text, const char **path)
{
    size_t scheme = strncasecmp(text, "http://", 7) == 0 ? 7 : strncasecmp(text, "https://", 8) == 0 ? 8 : 0;
    if (scheme == 0)
        return "a target that is neither a path nor a URL";
    size_t authority = strcspn(text + scheme, "/?#");
    if (!http_is_host(text + scheme, authority, false))
        return "invalid host in the target's URL";
    *path = text + scheme + authority;
    return NULL;
}

static int decode_segments(struct http_target *target, char *out)
{
    const char *at = target->path;
    target->segments = out;
    while (*at == '/') {
        at++;
        size_t len = strcspn(at, "/");
        if (len == 0 && at[len] == '\0')
            break; /* the trailing slash */
        long decoded = http_percent_decode(out, at, len, false);
        if (decoded < 0)
            return -1;
        out += decoded;
        *out++ = '\0';
        target->count++;
        at += len;
    }
    return 0;
}

static int decode_query(struct http_target *target, const char *text, char *out)
{
    target->query = out;
    while (*text != '\0') {
        size_t pair = strcspn(text, "&");
        size_t name = strcspn(text, "=&");
        size_t value = name < pair ? name + 1 : pair;
        long decoded = http_percent_decode(out, text, name, true);
        if (decoded < 0)
            return -1;
        out += decoded;
        *out++ = '\0';
        decoded = http_percent_decode(out, text + value, pair - value, true);
        if (decoded < 0)
            return -1;
        out += decoded;
        *out++ = '\0';
        text += pair + (text[pair] == '&');
    }
    target->query_len = (size_t)(out - target->query);
    return 0;
}

const char *http_target_parse(struct http_target *target, const char *text, bool options, enum error_code *code)
{
    *target = (struct http_target){0};
    *code = ERROR_INVALID;
    const char *path = text;
    bool plain = *text == '/' || (options && strcmp(text, "*") == 0);
    const char *why = plain ? NULL : skip_authority(text, &path);
    if (why != NULL)
        return why;
    if (strchr(path, '#') != NULL)
        return "a fragment in the target";

    /* Path, segments and query side by side. Decoding makes none of them longer, except by their NULs: one for the path
     * and its leading slash, one for each segment (its slash), two for each pair of the query. */
    size_t len = strlen(path);
    size_t path_len = strcspn(path, "?");
    target->memory = malloc(path_len + 2 + path_len + 1 + 2 * (len - path_len) + 2);
    if (target->memory == NULL) {
        *code = ERROR_MEMORY;
        return ERROR_MEMORY_SENTENCE;
    }
    target->path = target->memory;
    memcpy(target->path, path, path_len);
    if (path_len == 0)
        target->path[path_len++] = '/';
    target->path[path_len] = '\0';
    const char *query = strchr(path, '?');
    char *segments = target->path + path_len + 1;
    if (decode_segments(target, segments) != 0)
        return "a bad percent escape in the path";
    char *pairs = segments + path_len + 1;
    if (decode_query(target, query == NULL ? "" : query + 1, pairs) != 0)
        return "a bad percent escape in the query";
    return NULL;
}

void http_target_free(struct http_target *target)
{
    free(target->memory);
    *target = (struct http_target){0};
}

const char *http_target_query(const struct http_target *target, const char *name)
{
    const char *end = target->query + target->query_len;
    for (const char *at = target->query; at != NULL && at < end;) {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}
