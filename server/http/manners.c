#include "http/manners.h"

#include "base/json.h"
#include "http/request_target.h"

#include <stdbool.h>
#include <string.h>

static const struct http_key_place no_keys[] = {{HTTP_KEY_NONE, NULL}};

const struct http_manners http_manners_default = {
    .prefix = "",
    .error_type = "application/json",
    .error_body = http_error_detail,
    .keys = no_keys,
    .cost = 1,
};

char *http_error_detail(int status, const char *detail, size_t *len)
{
    (void)status;
    json_t *object = json_pack("{s:s}", "detail", detail);
    char *text = object != NULL ? json_text(object, len) : NULL;

    json_decref(object);
    return text;
}

static bool prefix_covers(const char *prefix, const struct http_target *target)
{
    const char *segment = target != NULL ? target->segments : NULL;
    unsigned count = target != NULL ? target->count : 0;

    for (unsigned i = 0; *prefix == '/'; i++) {
        if (i == count || *segment != *++prefix) /* most often */
            return false;
        size_t len = strcspn(prefix, "/");
        if (strlen(segment) != len || memcmp(segment, prefix, len) != 0)
            return false;
        prefix += len;
        segment += len + 1;
    }
    return true;
}

const struct http_manners *http_manners_find(const struct http_manners *const *list, const struct http_target *target)
{
    const struct http_manners *found = NULL;

    for (; list != NULL && *list != NULL; list++)
        if (prefix_covers((*list)->prefix, target) &&
            (found == NULL || strlen((*list)->prefix) > strlen(found->prefix)))
            found = *list;
    return found != NULL ? found : &http_manners_default;
}
