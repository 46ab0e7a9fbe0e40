#include "client/line.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef CODECELL_HAS_LIBEDIT
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <wchar.h>
#endif

#define LINE_MAX_BYTES ((size_t)1 << 20)
#define PIECE_MAX 4096

struct line_reader {
    const struct signals *signals;
    bool typed;
    struct buf rest;       /* what was read after the last line */
    enum line_found found; /* why there is no line */
    int signal;
    char path[4096]; /* of the history; "": none */
#ifdef CODECELL_HAS_LIBEDIT
    EditLine *edit; /* NULL: lines are not edited */
    History *history;
    const char *prompt;
#endif
};

/* Waits for input. LINE_READ: there is some. */
static enum line_found line_wait(struct line_reader *reader)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = reader->signals->fd, .events = POLLIN}};

    if (poll(fds, 2, -1) < 0)
        return errno == EINTR ? LINE_DROPPED : LINE_END;
    if (fds[1].revents == 0)
        return LINE_READ;
    reader->signal = signals_take(reader->signals);
    return reader->signal == SIGINT ? LINE_DROPPED : LINE_SIGNAL;
}

/* Lines as they come. */

static enum line_found read_more(struct line_reader *reader)
{
    char piece[PIECE_MAX];
    enum line_found found = line_wait(reader);

    if (found == LINE_SIGNAL && reader->signal == SIGWINCH)
        return LINE_READ;
    if (found != LINE_READ)
        return found;
    ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
    if (n <= 0)
        return LINE_END;
    return buf_append(&reader->rest, piece, (size_t)n) == 0 ? LINE_READ : LINE_FAILED;
}

static enum line_found line_take(struct line_reader *reader, size_t len, bool ends, struct buf *out)
{
    int failed = buf_append(out, reader->rest.data, len);

    if (failed == 0 && !ends)
        failed = buf_puts(out, "\n");
    buf_consume(&reader->rest, len);
    return failed == 0 ? LINE_READ : LINE_FAILED;
}

static enum line_found read_plain(struct line_reader *reader, const char *prompt, struct buf *out)
{
    if (reader->typed) {
        fputs(prompt, stdout);
        fflush(stdout);
    }
    for (;;) {
        const char *end = reader->rest.len > 0 ? memchr(reader->rest.data, '\n', reader->rest.len) : NULL;
        if (end != NULL)
            return line_take(reader, (size_t)(end - reader->rest.data) + 1, true, out);
        enum line_found found = read_more(reader);
        if (found == LINE_END && reader->rest.len > 0)
            return line_take(reader, reader->rest.len, false, out);
        if (found != LINE_READ)
            return found;
    }
}

/* Lines that are edited. */

#ifdef CODECELL_HAS_LIBEDIT

static char *on_prompt(EditLine *edit)
{
    struct line_reader *reader = NULL;

    el_get(edit, EL_CLIENTDATA, &reader);
    return (char *)reader->prompt;
}

/* The next byte of what is typed. 1; 0: the end; -1: a signal. */
static int next_byte(EditLine *edit, struct line_reader *reader, char *byte)
{
    for (;;) {
        reader->found = line_wait(reader);
        if (reader->found == LINE_READ)
            break;
        if (reader->found != LINE_SIGNAL || reader->signal != SIGWINCH)
            return -1;
        el_resize(edit);
    }
    if (read(STDIN_FILENO, byte, 1) == 1)
        return 1;
    reader->found = LINE_END;
    return 0;
}

/* libedit wants characters. Bytes that are none are left out. */
static int on_character(EditLine *edit, wchar_t *out)
{
    struct line_reader *reader = NULL;
    mbstate_t state = {0};
    char byte;

    el_get(edit, EL_CLIENTDATA, &reader);
    for (;;) {
        int n = next_byte(edit, reader, &byte);
        if (n != 1)
            return n;
        size_t used = mbrtowc(out, &byte, 1, &state);
        if (used == (size_t)-1)
            state = (mbstate_t){0};
        else if (used != (size_t)-2)
            return 1;
    }
}

static void open_history(struct line_reader *reader)
{
    HistEvent event;

    reader->history = history_init();
    if (reader->history == NULL)
        return;
    history(reader->history, &event, H_SETSIZE, LINE_HISTORY_MAX);
    history(reader->history, &event, H_SETUNIQUE, 1);
    if (reader->path[0] != '\0')
        history(reader->history, &event, H_LOAD, reader->path);
    el_set(reader->edit, EL_HIST, history, reader->history);
}

static void open_editor(struct line_reader *reader)
{
    if (!reader->typed || isatty(STDOUT_FILENO) != 1)
        return;
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
    reader->edit = el_init("codecell", stdin, stdout, stderr);
    if (reader->edit == NULL)
        return;
    el_set(reader->edit, EL_CLIENTDATA, reader);
    el_set(reader->edit, EL_PROMPT, on_prompt);
    el_set(reader->edit, EL_EDITOR, "emacs");
    el_wset(reader->edit, EL_GETCFN, on_character);
    open_history(reader);
    el_set(reader->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(reader->edit, NULL);
}

static enum line_found read_edited(struct line_reader *reader, const char *prompt, struct buf *out)
{
    int len = 0;

    reader->prompt = prompt;
    reader->found = LINE_END;
    /* Before the prompt is shown: libedit does so after it, and a ctrl-D that comes in between gets lost. */
    el_set(reader->edit, EL_PREP_TERM, 1);
    const char *line = el_gets(reader->edit, &len);
    if (line == NULL || len <= 0) {
        putchar('\n');
        fflush(stdout);
        return reader->found == LINE_READ ? LINE_END : reader->found; /* ctrl-D is a key like others */
    }
    return buf_append(out, line, (size_t)len) == 0 ? LINE_READ : LINE_FAILED;
}

void line_remember(struct line_reader *reader, const char *text)
{
    HistEvent event;

    if (reader->history == NULL)
        return;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        char *line = len > 0 ? strndup(text, len) : NULL;
        if (line != NULL)
            history(reader->history, &event, H_ENTER, line);
        free(line);
        text += len + (text[len] == '\n');
    }
    if (reader->path[0] != '\0')
        history(reader->history, &event, H_SAVE, reader->path);
}

static void close_editor(struct line_reader *reader)
{
    if (reader->edit != NULL)
        el_end(reader->edit);
    if (reader->history != NULL)
        history_end(reader->history);
}

enum line_found line_read(struct line_reader *reader, const char *prompt, struct buf *out)
{
    return reader->edit != NULL ? read_edited(reader, prompt, out) : read_plain(reader, prompt, out);
}

#else

static void open_editor(struct line_reader *reader)
{
    (void)reader;
}

static void close_editor(struct line_reader *reader)
{
    (void)reader;
}

void line_remember(struct line_reader *reader, const char *text)
{
    (void)reader, (void)text;
}

enum line_found line_read(struct line_reader *reader, const char *prompt, struct buf *out)
{
    return read_plain(reader, prompt, out);
}

#endif

/* Opening. */

int line_history_path(const char *name, char *out, size_t room)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int len = -1;

    if (state != NULL && state[0] == '/')
        len = snprintf(out, room, "%s/codecell/%s", state, name);
    else if (home != NULL && home[0] != '\0')
        len = snprintf(out, room, "%s/.local/state/codecell/%s", home, name);
    return len > 0 && (size_t)len < room ? 0 : -1;
}

/* Makes the folders of a path, and the file itself: what people type is theirs alone. */
static void make_history(const char *path)
{
    char folder[4096];

    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(folder, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "ae");
    if (file == NULL)
        return;
    (void)fchmod(fileno(file), 0600);
    fclose(file);
}

struct line_reader *line_open(const char *history, const struct signals *signals)
{
    struct line_reader *reader = calloc(1, sizeof *reader);

    if (reader == NULL)
        return NULL;
    reader->signals = signals;
    reader->typed = isatty(STDIN_FILENO) == 1;
    buf_init(&reader->rest, LINE_MAX_BYTES);
    if (history != NULL && reader->typed) {
        snprintf(reader->path, sizeof reader->path, "%s", history);
        make_history(history);
    }
    open_editor(reader);
    return reader;
}

void line_close(struct line_reader *reader)
{
    if (reader == NULL)
        return;
    close_editor(reader);
    buf_free(&reader->rest);
    free(reader);
}

bool line_is_typed(const struct line_reader *reader)
{
    return reader->typed;
}

int line_signal(const struct line_reader *reader)
{
    return reader->signal;
}
