#include "client/repl_input.h"

#include <string.h>

enum repl_inside { IN_CODE, IN_COMMENT, IN_LONG_COMMENT, IN_STRING, IN_LONG_STRING };

struct repl_scan {
    enum repl_syntax syntax;
    const char *at, *end;
    enum repl_inside inside;
    char quote; /* of the string */
    int depth;  /* of brackets */
    char last;  /* of the line's code, without white space and comments; '\0': none yet */
    bool block; /* a line ended in a colon, or the text begins with @ */
};

static bool follows(const struct repl_scan *scan, const char *text)
{
    size_t len = strlen(text);

    return (size_t)(scan->end - scan->at) >= len && memcmp(scan->at, text, len) == 0;
}

static bool is_triple(const struct repl_scan *scan, char quote)
{
    return scan->syntax == REPL_PYTHON && follows(scan, (const char[]){quote, quote, quote, '\0'});
}

static bool begins_comment(const struct repl_scan *scan)
{
    return scan->syntax == REPL_PYTHON ? *scan->at == '#' : follows(scan, "//");
}

static void begin_string(struct repl_scan *scan)
{
    bool triple = is_triple(scan, *scan->at);

    scan->quote = *scan->at;
    scan->inside = triple || scan->quote == '`' ? IN_LONG_STRING : IN_STRING;
    scan->at += triple ? 3 : 1;
}

static void end_line(struct repl_scan *scan)
{
    if (scan->syntax == REPL_PYTHON && scan->last == ':' && scan->depth == 0)
        scan->block = true;
    scan->last = '\0';
    scan->at++;
}

static void scan_code(struct repl_scan *scan)
{
    char c = *scan->at;
    bool quotes = c == '"' || c == '\'' || (c == '`' && scan->syntax == REPL_JAVASCRIPT);

    if (c == '\n') {
        end_line(scan);
        return;
    }
    if (begins_comment(scan) || (scan->syntax == REPL_JAVASCRIPT && follows(scan, "/*"))) {
        scan->inside = follows(scan, "/*") ? IN_LONG_COMMENT : IN_COMMENT;
        return;
    }
    if (c != ' ' && c != '\t' && c != '\r')
        scan->last = c;
    if (quotes) {
        begin_string(scan);
        return;
    }
    if (c == '(' || c == '[' || c == '{')
        scan->depth++;
    else if ((c == ')' || c == ']' || c == '}') && scan->depth > 0)
        scan->depth--;
    scan->at++;
}

static void scan_string(struct repl_scan *scan)
{
    bool is_long = scan->inside == IN_LONG_STRING, triple = is_long && scan->quote != '`';

    if (*scan->at == '\\' && scan->at + 1 < scan->end)
        scan->at += 2;
    else if (*scan->at == '\n' && !is_long)
        scan->inside = IN_CODE; /* the language will say so */
    else if (triple ? is_triple(scan, scan->quote) : *scan->at == scan->quote) {
        scan->inside = IN_CODE;
        scan->at += triple ? 3 : 1;
    } else
        scan->at++;
}

static void scan_comment(struct repl_scan *scan)
{
    if (scan->inside == IN_COMMENT && *scan->at == '\n') {
        scan->inside = IN_CODE;
    } else if (scan->inside == IN_LONG_COMMENT && follows(scan, "*/")) {
        scan->inside = IN_CODE;
        scan->at += 2;
    } else {
        scan->at++;
    }
}

static void scan_all(struct repl_scan *scan)
{
    while (scan->at < scan->end) {
        if (scan->inside == IN_CODE)
            scan_code(scan);
        else if (scan->inside == IN_STRING || scan->inside == IN_LONG_STRING)
            scan_string(scan);
        else
            scan_comment(scan);
    }
}

/* The last line has nothing but white space. */
static bool ends_with_empty_line(const char *text, size_t len)
{
    size_t at = len > 0 ? len - 1 : 0; /* in front of the last line's end */

    while (at > 0 && strchr(" \t\r", text[at - 1]) != NULL)
        at--;
    return at == 0 || text[at - 1] == '\n';
}

bool repl_input_is_whole(enum repl_syntax syntax, const char *text, size_t len)
{
    struct repl_scan scan = {.syntax = syntax, .at = text, .end = text + len};

    scan.block = syntax == REPL_PYTHON && len > 0 && text[0] == '@';
    scan_all(&scan);
    bool joined = len >= 2 && text[len - 2] == '\\' && scan.inside == IN_CODE;
    if (scan.depth > 0 || joined || scan.inside == IN_LONG_STRING || scan.inside == IN_LONG_COMMENT)
        return false;
    return !scan.block || ends_with_empty_line(text, len);
}

bool repl_input_is_exit(const char *text, size_t len)
{
    static const char *const words[] = {"exit", "exit()", "quit", "quit()", ".exit"};

    while (len > 0 && strchr(" \t\r\n;", text[len - 1]) != NULL)
        len--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0)
            return true;
    return false;
}
