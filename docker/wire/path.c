#include "docker/wire/path.h"

#include <string.h>

static bool segment_ok(const char *name, size_t len)
{
    if (len == 0 || len > WIRE_NAME_MAX)
        return false;
    return !(len == 1 && name[0] == '.') && !(len == 2 && name[0] == '.' && name[1] == '.');
}

bool wire_path_ok(const char *path, size_t len)
{
    if (len == 0 || len > WIRE_PATH_MAX || memchr(path, '\0', len))
        return false;
    const char *end = path + len;
    for (const char *slash = memchr(path, '/', len); slash; slash = memchr(path, '/', (size_t)(end - path))) {
        if (!segment_ok(path, (size_t)(slash - path)))
            return false;
        path = slash + 1;
    }
    return segment_ok(path, (size_t)(end - path));
}

/* The end of a path comes first, then the end of a segment. */
static int weight(const char *path, size_t len, size_t at)
{
    if (at == len)
        return -2;
    return path[at] == '/' ? -1 : (unsigned char)path[at];
}

int wire_path_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t at = 0;
    while (at < a_len && at < b_len && a[at] == b[at])
        at++;
    return weight(a, a_len, at) - weight(b, b_len, at);
}
