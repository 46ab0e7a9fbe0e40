#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const int statuses[ERROR_CODES] = {
    [ERROR_NONE] = 200,      [ERROR_INVALID] = 400,     [ERROR_UNAUTHORIZED] = 401, [ERROR_CREDITS] = 402,
    [ERROR_FORBIDDEN] = 403, [ERROR_NOT_FOUND] = 404,   [ERROR_METHOD] = 405,       [ERROR_SLOW] = 408,
    [ERROR_CONFLICT] = 409,  [ERROR_GONE] = 410,        [ERROR_PRECONDITION] = 412, [ERROR_TOO_LARGE] = 413,
    [ERROR_TARGET] = 414,    [ERROR_MEDIA_TYPE] = 415,  [ERROR_EXPECTATION] = 417,  [ERROR_MISMATCH] = 422,
    [ERROR_RATE] = 429,      [ERROR_HEADERS] = 431,     [ERROR_INTERNAL] = 500,     [ERROR_NOT_IMPLEMENTED] = 501,
    [ERROR_MEMORY] = 503,    [ERROR_UNAVAILABLE] = 503, [ERROR_BUSY] = 503,         [ERROR_VERSION] = 505,
    [ERROR_STORAGE] = 507,
};

/* A sentence that was cut must not end inside a UTF-8 sequence: it goes into JSON. */
static void trim_cut(char *text, size_t len)
{
    size_t start = len;

    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xc0)
        text[start - 1] = '\0';
}

static void format_text(char *text, size_t room, const char *format, va_list args)
{
    int n = vsnprintf(text, room, format, args);

    if (n < 0)
        text[0] = '\0';
    else if ((size_t)n >= room)
        trim_cut(text, room - 1);
}

int error_set(struct error *error, enum error_code code, const char *format, ...)
{
    if (error == NULL)
        return -1;
    /* A sentence may quote the one that it replaces. */
    char text[sizeof error->text];
    va_list args;
    va_start(args, format);
    format_text(text, sizeof text, format, args);
    va_end(args);
    memcpy(error->text, text, sizeof text);
    error->code = code;
    return -1;
}

int error_memory(struct error *error)
{
    return error_set(error, ERROR_MEMORY, "%s", ERROR_MEMORY_SENTENCE);
}

int error_wrap(struct error *error, const char *format, ...)
{
    if (error == NULL)
        return -1;
    char prefix[sizeof error->text];
    va_list args;
    va_start(args, format);
    format_text(prefix, sizeof prefix, format, args);
    va_end(args);
    return error_set(error, error->code, "%s: %s", prefix, error->text);
}

int error_status(enum error_code code)
{
    return (unsigned)code < ERROR_CODES ? statuses[code] : 500;
}
