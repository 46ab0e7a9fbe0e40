#include "api/execute_files.h"

#include "base/text.h"
#include "run/request_path.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int wrong(struct error *error, size_t i, const char *field, const char *sentence)
{
    return error_set(error, ERROR_INVALID, "files[%zu]%s%s: %s", i, *field ? "." : "", field, sentence);
}

static int read_path(struct request_file *file, const json_t *item, size_t i, struct error *error)
{
    const json_t *path = json_object_get(item, "path");

    const char *text = json_string_value(path);

    if (text == NULL || strlen(text) != json_string_length(path) || !request_path_is_safe(text))
        return wrong(error, i, "path",
                     "must be a relative path of at most 1024 bytes, without empty segments, '.' or '..'");
    file->path = text;
    return 0;
}

/* Whether `encoding` says base64; -1 where it says something else. */
static int is_base64(const json_t *encoding)
{
    if (encoding == NULL || json_is_null(encoding))
        return 0;
    if (json_is_string(encoding) && strcmp(json_string_value(encoding), "base64") == 0)
        return 1;
    return json_is_string(encoding) && strcmp(json_string_value(encoding), "utf8") == 0 ? 0 : -1;
}

static int read_content(struct execution_request *request, size_t i, const json_t *item, struct error *error)
{
    struct request_file *file = &request->files[i];
    const json_t *content = json_object_get(item, "content");
    int base64 = is_base64(json_object_get(item, "encoding"));

    if (!json_is_string(content))
        return wrong(error, i, "content", "must be a string");
    if (base64 < 0)
        return wrong(error, i, "encoding", "must be \"utf8\" or \"base64\"");
    file->is_text = base64 == 0;
    file->data = json_string_value(content);
    file->len = json_string_length(content);
    if (file->is_text)
        return 0;
    char *data = arena_alloc(&request->arena, file->len / 4 * 3 + 1);
    if (data == NULL)
        return error_memory(error);
    long decoded = text_base64_decode(file->data, file->len, data);
    if (decoded < 0)
        return wrong(error, i, "content", "must be base64 with padding (RFC 4648, section 4)");
    file->data = data;
    file->len = (size_t)decoded;
    return 0;
}

static int warn_unknown(struct execution_request *request, const json_t *item, size_t i)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)item, name, value) {
        if (strcmp(name, "path") == 0 || strcmp(name, "content") == 0 || strcmp(name, "encoding") == 0)
            continue;
        if (request_warn(request, "unknown field: files[%zu].%.*s", i, text_cut_utf8(name, REQUEST_QUOTED_MAX), name) !=
            0)
            return -1;
    }
    return 0;
}

static int check_collision(const struct execution_request *request, size_t i, struct error *error)
{
    for (size_t j = 0; j < i; j++) {
        assert(request->files[i].path != NULL && request->files[j].path != NULL); /* both were read */
        if (request_path_collides(request->files[i].path, request->files[j].path))
            return error_set(error, ERROR_INVALID, "files[%zu].path: collides with files[%zu].path", i, j);
    }
    return 0;
}

int execute_files_read(struct execution_request *request, const json_t *array, struct error *error)
{
    size_t i, bytes = 0;
    json_t *item;

    if (!json_is_array(array) || json_array_size(array) > EXECUTE_FILES_MAX)
        return error_set(error, ERROR_INVALID, "files: must be an array of at most %d objects", EXECUTE_FILES_MAX);
    request->files = arena_alloc(&request->arena, json_array_size(array) * sizeof *request->files);
    if (request->files == NULL)
        return error_memory(error);
    json_array_foreach (array, i, item) {
        struct request_file *file = &request->files[i];

        request->files_len = i + 1;
        if (!json_is_object(item))
            return wrong(error, i, "", "must be an object of path, content and encoding");
        if (read_path(file, item, i, error) != 0 || check_collision(request, i, error) != 0 ||
            read_content(request, i, item, error) != 0)
            return -1;
        if ((bytes += file->len) > EXECUTE_FILES_BYTES)
            return error_set(error, ERROR_INVALID, "files: must be at most %u bytes in all", EXECUTE_FILES_BYTES);
        if (warn_unknown(request, item, i) != 0)
            return error_memory(error);
    }
    return 0;
}
