#include "api/execute_files.h"

#include "base/text.h"
#include "run/request_path.h"

static int check_path(const struct field_place *place, const struct field *field, const void *value)
{
    return request_path_is_safe(*(const char *const *)value) ? 0 : field_wrong(place, "%s", field->sentence);
}

/* By enum request_file_kind. */
static const char *const encodings[] = {
    [REQUEST_FILE_TEXT] = "utf8",
    [REQUEST_FILE_BINARY] = "base64",
    NULL,
};

static const struct field file_list[] = {
    {.name = "path",
     .type = FIELD_TEXT,
     .required = true,
     .sentence = "must be a relative path of at most 1024 bytes, without empty segments, '.' or '..'",
     .check = check_path,
     .at = offsetof(struct request_file, path),
     .meaning = "its path, relative to the program's folder"},
    {.name = "content",
     .type = FIELD_BYTES,
     .required = true,
     .at = offsetof(struct request_file, data),
     .len_at = offsetof(struct request_file, len),
     .meaning = "its text, or its bytes in base64"},
    {.name = "encoding",
     .type = FIELD_CHOICE,
     .choices = encodings,
     .at = offsetof(struct request_file, kind),
     .fallback = "\"utf8\"",
     .meaning = "of content"},
};
const struct fields execute_file_fields = FIELDS(file_list, sizeof(struct request_file));

static int decode(struct execution_request *request, size_t i, struct error *error)
{
    struct request_file *file = &request->files[i];
    char *data = arena_alloc(&request->arena, file->len / 4 * 3 + 1);

    if (data == NULL)
        return error_memory(error);
    long decoded = text_base64_decode(file->data, file->len, data);
    if (decoded < 0)
        return error_set(error, ERROR_INVALID, "files[%zu].content: must be base64 with padding (RFC 4648, section 4)",
                         i);
    file->data = data;
    file->len = (size_t)decoded;
    return 0;
}

static int check_collision(const struct execution_request *request, size_t i, struct error *error)
{
    for (size_t j = 0; j < i; j++)
        if (request_path_collides(request->files[i].path, request->files[j].path))
            return error_set(error, ERROR_INVALID, "files[%zu].path: collides with files[%zu].path", i, j);
    return 0;
}

int execute_files_check(const struct execution_request *request, struct error *error)
{
    size_t bytes = 0;

    for (size_t i = 0; i < request->files_len; i++) {
        if (check_collision(request, i, error) != 0)
            return -1;
        if ((bytes += request->files[i].len) > EXECUTE_FILES_BYTES)
            return error_set(error, ERROR_INVALID, "files: must be at most %u bytes in all", EXECUTE_FILES_BYTES);
    }
    return 0;
}

int execute_files_finish(struct execution_request *request, struct error *error)
{
    for (size_t i = 0; i < request->files_len; i++)
        if (request->files[i].kind == REQUEST_FILE_BINARY && decode(request, i, error) != 0)
            return -1;
    return execute_files_check(request, error);
}
