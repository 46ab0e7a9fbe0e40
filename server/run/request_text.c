#include "run/request_text.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char mark[] = "\xef\xbb\xbf";

size_t request_text_mark(const char *text, size_t len)
{
    size_t size = sizeof mark - 1;

    return len >= size && memcmp(text, mark, size) == 0 ? size : 0;
}

static bool has_crlf(const char *text, size_t len)
{
    return len > 0 && memmem(text, len, "\r\n", 2) != NULL;
}

size_t request_text_lines(char *text, size_t len)
{
    size_t kept = 0;

    for (size_t i = 0; i < len; i++)
        if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n')
            text[kept++] = text[i];
    return kept;
}

/* What follows the last dot of the path's last segment; NULL: no dot, or nothing after it. */
static const char *path_ending(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash != NULL ? slash : path, '.');

    return dot != NULL && dot[1] != '\0' ? dot + 1 : NULL;
}

static bool is_among(const char *text, char *const *names)
{
    for (; *names != NULL; names++)
        if (strcasecmp(*names, text) == 0)
            return true;
    return false;
}

/* A file counts as the language's if it ends as the language's own file does, or with a name of the language. */
static bool is_ending_of(const struct language *language, const char *path)
{
    const char *wanted = path_ending(language->file), *found = path_ending(path);

    if (found == NULL)
        return false;
    return (wanted != NULL && strcasecmp(found, wanted) == 0) || strcasecmp(found, language->id) == 0 ||
           is_among(found, language->aliases);
}

bool request_text_wants_lf(const struct language *language, const char *path, const char *text, size_t len)
{
    if (len >= 2 && memcmp(text, "#!", 2) == 0)
        return true;
    return language->lines_lf && is_ending_of(language, path);
}

/* Warns that the code (path NULL) or files[i] was changed. */
static int tell(struct execution_request *request, size_t i, const char *path, bool had_mark, bool had_crlf)
{
    char subject[REQUEST_QUOTED_MAX + 48] = "code: it";

    if (path != NULL)
        snprintf(subject, sizeof subject, "files[%zu].path: %.*s", i, text_cut_utf8(path, REQUEST_QUOTED_MAX), path);
    if (had_mark && request_warn(request, "%s began with a byte order mark, which was taken off", subject) != 0)
        return -1;
    return had_crlf ? request_warn(request, "%s had lines that end with CRLF; they end with LF now", subject) : 0;
}

/* Mends one text. The client's bytes stay as they are: changed text is a copy. */
static int mend(struct execution_request *request, size_t i, const char *path, const char **text, size_t *len)
{
    const char *named = path != NULL ? path : request->language->file;
    size_t skipped = request_text_mark(*text, *len);

    *text += skipped;
    *len -= skipped;
    bool crlf = request_text_wants_lf(request->language, named, *text, *len) && has_crlf(*text, *len);
    if (crlf) {
        char *copy = arena_text(&request->arena, *text, *len);
        if (copy == NULL)
            return -1;
        *text = copy;
        *len = request_text_lines(copy, *len);
    }
    return tell(request, i, path, skipped > 0, crlf);
}

int request_text_settle(struct execution_request *request, struct error *error)
{
    if (request->code_len == request_text_mark(request->code, request->code_len))
        return error_set(error, ERROR_INVALID, "code: must be a string that is not empty");
    if (mend(request, 0, NULL, &request->code, &request->code_len) != 0)
        return error_memory(error);
    for (size_t i = 0; i < request->files_len; i++) {
        struct request_file *file = &request->files[i];
        if (file->kind == REQUEST_FILE_TEXT && mend(request, i, file->path, &file->data, &file->len) != 0)
            return error_memory(error);
    }
    return 0;
}
