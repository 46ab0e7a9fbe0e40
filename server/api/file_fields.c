#include "api/file_fields.h"

#include "base/buf.h"
#include "base/text.h"
#include "docker/wire/path.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MOST 32
#define ITEMS_MOST 1000

static int files_check_path(const struct field_place *place, const struct field *field, const void *value)
{
    const char *text = *(const char *const *)value;

    return *text == '\0' || wire_path_ok(text, strlen(text)) ? 0 : field_wrong(place, "%s", field->sentence);
}

#define PATH_SENTENCE "must be a relative path without . and .."

static const struct field list_list[] = {
    {.name = "path",
     .type = FIELD_TEXT,
     .most = WIRE_PATH_MAX,
     .sentence = PATH_SENTENCE,
     .check = files_check_path,
     .at = offsetof(struct files_query, path),
     .meaning = "the folder; without it the working folder"},
    {.name = "depth",
     .type = FIELD_INTEGER,
     .least = 1,
     .most = DEPTH_MOST,
     .at = offsetof(struct files_query, depth),
     .fallback = "1",
     .meaning = "how many folders down"},
    {.name = "limit",
     .type = FIELD_INTEGER,
     .least = 1,
     .most = ITEMS_MOST,
     .at = offsetof(struct files_query, limit),
     .fallback = "200",
     .meaning = "items of a page"},
    {.name = "cursor",
     .type = FIELD_TEXT,
     .most = WIRE_PATH_MAX,
     .sentence = PATH_SENTENCE,
     .check = files_check_path,
     .at = offsetof(struct files_query, cursor),
     .meaning = "next_cursor of the page before"},
};
const struct fields files_query_fields = FIELDS(list_list, sizeof(struct files_query));

const char *const file_types[] = {
    [ENTRY_FILE] = "file", [ENTRY_DIRECTORY] = "directory", [ENTRY_LINK] = "link", [ENTRY_OTHER] = "other", NULL};

static const struct field file_info_list[] = {
    FIELD_OUT("path", FIELD_TEXT, NULL),
    FIELD_OUT("type", FIELD_CHOICE, NULL, .choices = file_types + ENTRY_FILE),
    FIELD_OUT("size", FIELD_INTEGER, "bytes"),
    FIELD_OUT("modified_at", FIELD_TEXT, NULL, .schema = FIELD_SCHEMA_TIME),
    FIELD_OUT("mode", FIELD_TEXT, "its permissions, as four octal digits"),
};
const struct fields file_info_fields = FIELDS(file_info_list, 0);

static json_t *clean_text(const char *text, size_t len)
{
    struct buf out;

    buf_init(&out, 3 * len + 4);
    int failed = text_utf8_clean(&out, text, len, false);
    json_t *value = failed == 0 ? json_stringn(out.data != NULL ? out.data : "", out.len) : NULL;
    buf_free(&out);
    return value;
}

json_t *file_info_json(const struct entry *entry)
{
    json_t *object = json_object();
    char time[TIME_LEN + 1], mode[8];

    text_time(entry->mtime_ns / 1000000, time);
    snprintf(mode, sizeof mode, "%04o", entry->mode & ENTRY_MODE_MAX);
    json_object_set_new(object, "path", clean_text(entry->path, entry->path_len));
    json_object_set_new(object, "type", json_string(file_types[entry->type]));
    json_object_set_new(object, "size", json_integer((json_int_t)entry->size));
    json_object_set_new(object, "modified_at", json_string(time));
    json_object_set_new(object, "mode", json_string(mode));
    return object;
}
