#include "http/etag.h"

#include <stddef.h>
#include <string.h>

static const char *without_weak(const char *etag)
{
    return strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
}

bool http_etag_fits(const char *header, const char *etag)
{
    static const char between[] = ", \t";
    const char *wanted = without_weak(etag);
    size_t len = strlen(wanted);

    for (const char *at = header; at != NULL && *(at += strspn(at, between)) != '\0';) {
        const char *one = without_weak(at);
        size_t one_len = strcspn(one, between);
        if ((one_len == 1 && *one == '*') || (one_len == len && memcmp(one, wanted, len) == 0))
            return true;
        at = one + one_len;
    }
    return false;
}
