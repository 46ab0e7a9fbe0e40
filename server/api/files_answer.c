#include "api/files_answer.h"

#include "api/media_type.h"
#include "base/text.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const char *const answer_encodings[] = {"base64", NULL};

static const struct field file_list[] = {
    FIELD_OUT("path", FIELD_TEXT, "relative to the working folder"),
    FIELD_OUT("content", FIELD_TEXT, "its bytes"),
    FIELD_OUT("encoding", FIELD_CHOICE, "of content", .choices = answer_encodings),
    FIELD_OUT("size", FIELD_INTEGER, "bytes"),
    FIELD_OUT(FILES_TYPE, FIELD_TEXT, "its MIME type, by its name and its first bytes"),
};
const struct fields files_answer_fields = FIELDS(file_list, 0);

static json_t *base64_value(const char *data, size_t len)
{
    char *text = len < INT_MAX / 2 ? malloc((len + 2) / 3 * 4 + 1) : NULL;

    if (text == NULL)
        return NULL;
    int written = EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)data, (int)len);
    json_t *value = json_stringn_nocheck(text, (size_t)written);
    free(text);
    return value;
}

/* A name may hold any bytes but "/" and NUL; JSON may not. */
static json_t *path_value(const char *path)
{
    struct buf clean;
    size_t len = strlen(path);
    json_t *value = NULL;

    buf_init(&clean, 3 * len + 1);
    if (text_utf8_clean(&clean, path, len, false) == 0)
        value = json_stringn_nocheck(clean.data, clean.len);
    buf_free(&clean);
    return value;
}

json_t *files_answer_one(const struct outputs *outputs, size_t i, const char *type_name)
{
    const struct output_file *file = &outputs->files[i];
    const char *data = file->len > 0 ? outputs->bytes.data + file->at : "";
    json_t *value = json_object();

    if (json_object_set_new(value, "path", path_value(file->path)) == 0 &&
        json_object_set_new(value, "content", base64_value(data, file->len)) == 0 &&
        json_object_set_new(value, "encoding", json_string("base64")) == 0 &&
        json_object_set_new(value, "size", json_integer((json_int_t)file->len)) == 0 &&
        json_object_set_new(value, type_name, json_string(media_type(file->path, data, file->len))) == 0)
        return value;
    json_decref(value);
    return NULL;
}

json_t *files_answer(const struct outputs *outputs)
{
    json_t *array = json_array();

    for (size_t i = 0; outputs != NULL && i < outputs->files_len; i++)
        if (json_array_append_new(array, files_answer_one(outputs, i, FILES_TYPE)) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

size_t files_answer_size(const struct outputs *outputs)
{
    return outputs != NULL ? outputs->bytes.len / 3 * 4 : 0;
}
