#include "api/media_type.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define LOOKED_AT 4096 /* bytes that tell text from other content */

/* What content begins with. It counts more than the name, which anybody may choose. */
static const struct {
    const char *start;
    size_t len;
    const char *type;
} starts[] = {
    {"\x89PNG\r\n\x1a\n", 8, "image/png"},
    {"\xff\xd8\xff", 3, "image/jpeg"},
    {"GIF87a", 6, "image/gif"},
    {"GIF89a", 6, "image/gif"},
    {"%PDF-", 5, "application/pdf"},
    {"\x1f\x8b", 2, "application/gzip"},
};

/* By the name's end. Some of these begin as others do: a .docx is a .zip. */
static const struct {
    const char *end, *type;
} ends[] = {
    {".csv", "text/csv"},
    {".css", "text/css"},
    {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {".htm", "text/html"},
    {".html", "text/html"},
    {".ipynb", "application/x-ipynb+json"},
    {".js", "text/javascript"},
    {".json", "application/json"},
    {".md", "text/markdown"},
    {".mp3", "audio/mpeg"},
    {".mp4", "video/mp4"},
    {".parquet", "application/vnd.apache.parquet"},
    {".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {".svg", "image/svg+xml"},
    {".tar", "application/x-tar"},
    {".tsv", "text/tab-separated-values"},
    {".txt", "text/plain"},
    {".wasm", "application/wasm"},
    {".wav", "audio/wav"},
    {".webp", "image/webp"},
    {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {".xml", "application/xml"},
    {".yaml", "application/yaml"},
    {".yml", "application/yaml"},
    {".zip", "application/zip"},
};

static const char *type_of_start(const void *data, size_t len)
{
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (len >= starts[i].len && memcmp(data, starts[i].start, starts[i].len) == 0)
            return starts[i].type;
    return NULL;
}

static const char *type_of_end(const char *path)
{
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot != NULL && i < sizeof ends / sizeof *ends; i++)
        if (strcasecmp(dot, ends[i].end) == 0)
            return ends[i].type;
    return NULL;
}

/* Text is well-formed UTF-8 without NUL, as far as it is looked at. */
static bool looks_like_text(const char *data, size_t len)
{
    struct buf clean;
    size_t looked = len < LOOKED_AT ? len : LOOKED_AT;

    if (looked == 0 || memchr(data, '\0', looked) != NULL)
        return looked == 0;
    buf_init(&clean, (size_t)3 * LOOKED_AT);
    bool same = text_utf8_clean(&clean, data, looked, looked < len) == 0 && clean.len <= looked &&
                memcmp(clean.data, data, clean.len) == 0;
    buf_free(&clean);
    return same;
}

const char *media_type(const char *path, const void *data, size_t len)
{
    const char *type = type_of_start(data, len);

    if (type == NULL)
        type = type_of_end(path);
    if (type == NULL)
        type = looks_like_text(data, len) ? "text/plain" : "application/octet-stream";
    return type;
}
