#include "run/request_path.h"

#include <stddef.h>
#include <string.h>

static bool segment_is_safe(const char *segment, size_t len)
{
    if (len == 0 || len > REQUEST_NAME_MAX)
        return false;
    return !(segment[0] == '.' && (len == 1 || (len == 2 && segment[1] == '.')));
}

bool request_path_is_safe(const char *path)
{
    if (strlen(path) > REQUEST_PATH_MAX)
        return false;
    for (;;) {
        size_t len = strcspn(path, "/");

        if (!segment_is_safe(path, len))
            return false;
        if (path[len] == '\0')
            return true;
        path += len + 1;
    }
}

bool request_path_collides(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b), least = a_len < b_len ? a_len : b_len;

    if (strncmp(a, b, least) != 0)
        return false;
    return a_len == b_len || (a_len < b_len ? b : a)[least] == '/';
}
