#include "codec_json.h"

#include "unit.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const json_t *at(const json_t *value, const char *path)
{
    char name[64];

    for (; value != NULL && *path != '\0'; path += *path == '.') {
        size_t len = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)len, path);
        path += len;
        value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10)) : json_object_get(value, name);
    }
    return value;
}

void assert_json(const json_t *body, const char *path, const char *expected)
{
    char *text = json_text(at(body, path), NULL);

    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

json_t *parse(const char *text)
{
    json_t *json = json_parse(text, strlen(text), NULL);

    assert_non_null(json);
    return json;
}
