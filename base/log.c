#include "base/log.h"

#include "base/buf.h"
#include "base/notices.h"
#include "base/seam.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 16384           /* a field that does not fit is left out */
#define VALUE_MAX_BYTES ((size_t)2048) /* a longer value is cut */

/* Set once, before there are threads. */
static struct {
    enum log_level least;
    enum log_format format;
    int fd;
} setup = {.least = LOG_INFO, .format = LOG_TEXT, .fd = STDERR_FILENO};

/* Whole lines that this thread has not written yet. */
static _Thread_local struct {
    bool on;
    size_t len;
    char data[LINE_MAX_BYTES];
} gathered;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_setup(enum log_level least, enum log_format format, int fd)
{
    setup.least = least;
    setup.format = format;
    setup.fd = fd;
}

bool log_enabled(enum log_level level)
{
    return level >= setup.least || level >= LOG_WARN;
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

/* C1 controls (U+0080 to U+009F) drive terminals as escapes do. */
static bool is_c1(const char *text)
{
    return (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0;
}

/* Text that needs no quotes in key=value. */
static bool is_plain(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (is_control((unsigned char)*at) || is_c1(at) || strchr(" =\"\\", *at) != NULL)
            return false;
    return *text != '\0';
}

/* Puts a character of well-formed UTF-8 text as JSON writes it in a string. `*took`: how many bytes of the text. */
static int log_put_escaped(struct buf *line, const char *at, size_t *took)
{
    *took = 1;
    if (*at == '"' || *at == '\\')
        return buf_printf(line, "\\%c", *at);
    if (*at == '\n')
        return buf_puts(line, "\\n");
    if (is_control((unsigned char)*at))
        return buf_printf(line, "\\u%04x", (unsigned)*at);
    if (!is_c1(at))
        return buf_append(line, at, 1);
    *took = 2;
    return buf_printf(line, "\\u%04x", (unsigned)(unsigned char)at[1]);
}

static int put_quoted(struct buf *line, const char *text)
{
    int bad = buf_puts(line, "\"");

    for (size_t took; bad == 0 && *text != '\0'; text += took)
        bad = log_put_escaped(line, text, &took);
    return bad != 0 ? -1 : buf_puts(line, "\"");
}

/* Puts any string: cut, made well-formed UTF-8, and quoted if the format needs that. */
static int log_put_string(struct buf *line, const char *text)
{
    struct buf clean;

    buf_init(&clean, 3 * VALUE_MAX_BYTES);
    size_t len = strnlen(text, VALUE_MAX_BYTES);
    int bad = text_utf8_clean(&clean, text, len, text[len] != '\0');
    const char *value = clean.data != NULL ? clean.data : "";
    if (bad == 0)
        bad = setup.format == LOG_TEXT && is_plain(value) ? buf_puts(line, value) : put_quoted(line, value);
    buf_free(&clean);
    return bad;
}

static int put_real(struct buf *line, double value)
{
    if (setup.format == LOG_JSON && !isfinite(value))
        return buf_puts(line, "null");
    return buf_printf(line, "%.9g", value);
}

static int put_value(struct buf *line, const struct log_field *field)
{
    switch (field->type) {
    case LOG_FIELD_STR:
        return log_put_string(line, field->value.str);
    case LOG_FIELD_INT:
        return buf_printf(line, "%lld", (long long)field->value.num);
    case LOG_FIELD_REAL:
        return put_real(line, field->value.real);
    case LOG_FIELD_BOOL:
        return buf_puts(line, field->value.num != 0 ? "true" : "false");
    }
    return -1;
}

static int put_key(struct buf *line, const char *key)
{
    if (setup.format == LOG_TEXT)
        return buf_printf(line, "%s%s=", line->len > 0 ? " " : "", key);
    return buf_printf(line, "%s\"%s\":", line->len > 1 ? "," : "", key);
}

/* Puts the whole field, or nothing if it does not fit. The line's end always fits. */
static void put_field(struct buf *line, const struct log_field *field)
{
    if (field->type == LOG_FIELD_STR && field->value.str == NULL)
        return;
    size_t before = line->len;
    if (put_key(line, field->key) == 0 && put_value(line, field) == 0 && line->len + 2 <= line->max)
        return;
    line->len = before;
}

static void write_out(const char *data, size_t len)
{
    ssize_t n;

    do {
        n = write(setup.fd, data, len);
    } while (n < 0 && errno == EINTR);
}

void log_flush(void)
{
    if (gathered.len > 0)
        write_out(gathered.data, gathered.len);
    gathered.len = 0;
}

void log_gather(bool on)
{
    log_flush();
    gathered.on = on;
}

static void put_line(enum log_level level, const struct buf *line)
{
    if (gathered.len + line->len > sizeof gathered.data)
        log_flush();
    memcpy(gathered.data + gathered.len, line->data, line->len);
    gathered.len += line->len;
    if (!gathered.on || level >= LOG_WARN)
        log_flush();
}

/* Notes a warning with its texts: "language=c, reason=…". */
static void log_note(enum log_level level, const char *event, const struct log_field *fields, int64_t now_ms)
{
    char detail[NOTICE_DETAIL_MAX + 1] = "";
    size_t len = 0;

    for (; fields->key != NULL && len < sizeof detail - 1; fields++)
        if (fields->type == LOG_FIELD_STR && fields->value.str != NULL)
            len += (size_t)snprintf(detail + len, sizeof detail - len, "%s%s=%s", len > 0 ? ", " : "", fields->key,
                                    fields->value.str);
    notices_note(event, level == LOG_ERROR, detail, now_ms);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    char ts[TIME_LEN + 1];
    int64_t now_ms = seam_wall_ms();

    if (level >= LOG_WARN)
        log_note(level, event, fields, now_ms);
    if (level < setup.least)
        return;
    text_time(now_ms, ts);
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    if (setup.format == LOG_JSON)
        buf_puts(&line, "{");
    put_field(&line, &LOG_STR("ts", ts));
    put_field(&line, &LOG_STR("level", level_names[level]));
    put_field(&line, &LOG_STR("event", event));
    for (; fields->key != NULL; fields++)
        put_field(&line, fields);
    if (buf_puts(&line, setup.format == LOG_JSON ? "}\n" : "\n") == 0)
        put_line(level, &line);
    buf_free(&line);
}
