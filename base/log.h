/* One line an event on standard error, `key=value` or JSON by setting:
 *
 *   log_event(LOG_INFO, "execution.done", LOG_STR("id", id), LOG_INT("exit_code", 0));
 *   ts=2026-01-02T03:04:05.678Z level=info event=execution.done id=… exit_code=0
 *
 * Never log a key's secret, code, input or output. Used from the edges (server/app.c, api/, the
 * top of docker/ and store/), not from library code. Thread-safe: one write(2) holds whole lines. Lines at LOG_WARN and
 * above are noted (notices.h), also those that the setting leaves out of the log. */
#ifndef CODECELL_BASE_LOG_H
#define CODECELL_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_field {
    const char *key; /* NULL ends a list */
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_REAL, LOG_FIELD_BOOL } type;
    union {
        const char *str; /* NULL: the field is left out */
        int64_t num;
        double real;
    } value;
};

#define LOG_STR(k, v) ((struct log_field){(k), LOG_FIELD_STR, {.str = (v)}})
#define LOG_INT(k, v) ((struct log_field){(k), LOG_FIELD_INT, {.num = (int64_t)(v)}})
#define LOG_REAL(k, v) ((struct log_field){(k), LOG_FIELD_REAL, {.real = (v)}})
#define LOG_BOOL(k, v) ((struct log_field){(k), LOG_FIELD_BOOL, {.num = (v) ? 1 : 0}})

void log_setup(enum log_level least, enum log_format format, int fd);

/* on: keeps this thread's lines below LOG_WARN until log_flush() or the next line at LOG_WARN or above, so that a
 * reader of the log does not wake before the answer is sent. off: writes what was kept, and each further line at once.
 */
void log_gather(bool on);
void log_flush(void);
bool log_enabled(enum log_level level); /* its lines are written or noted */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

#define log_event(level, event, ...)                                                         \
    do {                                                                                     \
        if (log_enabled(level))                                                              \
            log_write(level, event, (const struct log_field[]){__VA_ARGS__, {.key = NULL}}); \
    } while (0)

#endif
