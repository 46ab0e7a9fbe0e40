#include "api/execute_text.h"

#include "api/execute.h"
#include "api/execute_files.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char mark[] = "\xef\xbb\xbf";

size_t execute_text_mark(const char *text, size_t len)
{
    size_t size = sizeof mark - 1;

    return len >= size && memcmp(text, mark, size) == 0 ? size : 0;
}

static bool has_crlf(const char *text, size_t len)
{
    return len > 0 && memmem(text, len, "\r\n", 2) != NULL;
}

size_t execute_text_lines(char *text, size_t len)
{
    size_t kept = 0;

    for (size_t i = 0; i < len; i++)
        if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n')
            text[kept++] = text[i];
    return kept;
}

/* What follows the last dot of a path's last segment; NULL: none. */
static const char *ending(const char *path)
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

/* People call a language by the ending of its files, too. */
static bool is_ending_of(const struct language *language, const char *path)
{
    const char *wanted = ending(language->file), *found = ending(path);

    if (found == NULL)
        return false;
    return (wanted != NULL && strcasecmp(found, wanted) == 0) || strcasecmp(found, language->id) == 0 ||
           is_among(found, language->aliases);
}

bool execute_text_wants_lf(const struct language *language, const char *path, const char *text, size_t len)
{
    if (len >= 2 && memcmp(text, "#!", 2) == 0)
        return true;
    return language->lines_lf && is_ending_of(language, path);
}

/* "code: …", "files[3].path: lib/a.sh …" */
static int warn(struct execution_request *request, const char *what, struct error *error)
{
    if (json_array_size(request->warnings) >= EXECUTE_WARNINGS_MAX ||
        json_array_append_new(request->warnings, json_string(what)) == 0)
        return 0;
    return error_set(error, ERROR_INTERNAL, "out of memory");
}

/* The two things that are told, of a file or (path NULL) of the code. */
static int tell(struct execution_request *request, size_t i, const char *path, bool had_mark, bool had_crlf,
                struct error *error)
{
    char subject[EXECUTE_QUOTED_MAX + 48] = "code: it", what[sizeof subject + 64];

    if (path != NULL)
        snprintf(subject, sizeof subject, "files[%zu].path: %.*s", i, execute_quoted(path), path);
    if (had_mark) {
        snprintf(what, sizeof what, "%s began with a byte order mark, which was taken off", subject);
        if (warn(request, what, error) != 0)
            return -1;
    }
    if (!had_crlf)
        return 0;
    snprintf(what, sizeof what, "%s had lines that end with CRLF; they end with LF now", subject);
    return warn(request, what, error);
}

/* The request's JSON holds the code, so what the code becomes is put there. */
static int replace_code(struct execution_request *request, struct error *error)
{
    json_t *value = json_object_get(request->root, "code");
    char *copy = malloc(request->code_len);
    int failed = -1;

    if (copy != NULL) {
        memcpy(copy, request->code, request->code_len);
        failed = json_string_setn_nocheck(value, copy, execute_text_lines(copy, request->code_len));
    }
    free(copy);
    if (failed != 0)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    request->code = json_string_value(value);
    request->code_len = json_string_length(value);
    return 0;
}

static int settle_code(struct execution_request *request, struct error *error)
{
    size_t skipped = execute_text_mark(request->code, request->code_len);
    bool crlf;

    request->code += skipped;
    request->code_len -= skipped;
    if (request->code_len == 0)
        return error_set(error, ERROR_INVALID, "code: must be a string that is not empty");
    crlf = execute_text_wants_lf(request->language, request->language->file, request->code, request->code_len) &&
           has_crlf(request->code, request->code_len);
    if (crlf && replace_code(request, error) != 0)
        return -1;
    return tell(request, 0, NULL, skipped > 0, crlf, error);
}

/* Its text is the request's own. */
static int settle_file(struct execution_request *request, size_t i, struct error *error)
{
    struct cell_file *file = &request->files[i];
    char *text = (char *)file->data;
    size_t skipped = execute_text_mark(text, file->len);
    bool crlf = execute_text_wants_lf(request->language, file->path, text + skipped, file->len - skipped) &&
                has_crlf(text + skipped, file->len - skipped);

    if (skipped > 0)
        memmove(text, text + skipped, file->len -= skipped);
    if (crlf)
        file->len = execute_text_lines(text, file->len);
    return tell(request, i, file->path, skipped > 0, crlf, error);
}

int execute_text_settle(struct execution_request *request, struct error *error)
{
    if (settle_code(request, error) != 0)
        return -1;
    for (size_t i = 0; i < request->files_len; i++)
        if (execute_file_is_text(request, i) && settle_file(request, i, error) != 0)
            return -1;
    return 0;
}
