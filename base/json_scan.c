#include "base/json_scan.h"

#include "base/json.h"
#include "base/pace.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_FIRST 64u
#define COMPARED_STEP 4096u /* comparisons: some 0.1 ms */
#define DIGITS_SAFE 18u     /* an integer of so many digits is in the range of 64 bits */

/* A name's hash and place. 32 bits are enough, because CODECELL_MAX_BODY is at most 1 GiB. */
struct name {
    uint32_t hash, at;
};

/* A container that is open; the first stands for the text itself. */
struct frame {
    size_t open;           /* place of its bracket */
    size_t item;           /* where its current member or element begins */
    size_t inside, closed; /* brackets of a complete container in the current item; closed is 0: none */
    size_t before, colon;  /* the previous item: its begin, and its colon in an object */
    size_t before_end;     /* its last byte; 0: there is none */
    size_t names;          /* index of the first of its names */
    bool object;
};

struct scan {
    const char *text;
    size_t len, at;
    size_t paced; /* pace_step() is due at this place */
    struct frame frames[JSON_DEPTH_MAX + 1];
    size_t depth;
    struct name *names;
    size_t names_len, names_room;
    size_t compared; /* names, while they are sorted */
    bool no_memory;
    size_t twice; /* place of the first repeated name; SIZE_MAX: none */
};

static void scan_pace(struct scan *scan)
{
    if (scan->at < scan->paced)
        return;
    scan->paced = scan->at + PACE_BYTES;
    pace_step();
}

/* Characters. */

static int peek(const struct scan *scan)
{
    return scan->at < scan->len ? (unsigned char)scan->text[scan->at] : -1;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->len && is_space(scan->text[scan->at]))
        scan->at++;
}

static bool scan_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The value of four hexadecimal digits; -1: they are not digits. */
static long hex4(const char *text, size_t left)
{
    long value = 0;

    for (size_t i = 0; i < 4; i++) {
        int c = i < left ? (unsigned char)text[i] : 0;
        if (!scan_is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
            return -1;
        value = value * 16 + (scan_is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

/* The character that the escape at `text` (after its backslash) stands for, and its length; -1: it is not an escape. */
static long unescape(const char *text, size_t left, size_t *used)
{
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *found = left > 0 && *text != '\0' ? strchr(plain, *text) : NULL;

    *used = 1;
    if (found != NULL)
        return (unsigned char)meant[found - plain];
    long high = left > 0 && *text == 'u' ? hex4(text + 1, left - 1) : -1;
    *used = 5;
    if (high < 0xd800 || high > 0xdfff)
        return high;
    long low = left >= 7 && text[5] == '\\' && text[6] == 'u' ? hex4(text + 7, left - 7) : -1;
    *used = 11;
    return high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00) : -1;
}

/* Moves past the string that begins at scan->at. False: it is malformed. `*nul`: it holds NUL. */
static bool pass_string(struct scan *scan, bool *nul)
{
    size_t start = scan->at + 1;
    bool ascii = true;

    *nul = false;
    for (scan->at++; scan->at < scan->len && scan->text[scan->at] != '"'; scan->at++) {
        unsigned char c = (unsigned char)scan->text[scan->at];
        if (c == '\\') {
            size_t used;
            long meant = unescape(scan->text + scan->at + 1, scan->len - scan->at - 1, &used);
            if (meant < 0)
                return false;
            *nul = *nul || meant == 0;
            scan->at += used;
        } else if (c < 0x20) {
            return false;
        }
        ascii = ascii && c < 0x80;
        scan_pace(scan);
    }
    if (scan->at >= scan->len || (!ascii && !text_is_utf8(scan->text + start, scan->at - start)))
        return false;
    scan->at++;
    return true;
}

static bool pass_digits(struct scan *scan)
{
    size_t start = scan->at;

    while (scan_is_digit(peek(scan)))
        scan->at++;
    return scan->at > start;
}

/* Whether jansson can hold the number from `start` to scan->at. Not asked at the end of the text: a container is open
 * then, so the text is malformed anyway. */
static bool is_in_range(const struct scan *scan, size_t start, bool real)
{
    if (scan->at == scan->len)
        return false;
    if (!real && scan->at - start <= DIGITS_SAFE)
        return true;
    errno = 0;
    if (!real) {
        strtoll(scan->text + start, NULL, 10);
        return errno == 0;
    }
    return errno == 0 && !isinf(strtod(scan->text + start, NULL));
}

static bool pass_number(struct scan *scan)
{
    size_t start = scan->at;
    bool real = false;

    if (peek(scan) == '-')
        scan->at++;
    if (peek(scan) == '0')
        scan->at++;
    else if (!pass_digits(scan))
        return false;
    if (peek(scan) == '.') {
        real = true;
        scan->at++;
        if (!pass_digits(scan))
            return false;
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        real = true;
        scan->at++;
        if (peek(scan) == '+' || peek(scan) == '-')
            scan->at++;
        if (!pass_digits(scan))
            return false;
    }
    return is_in_range(scan, start, real);
}

static bool pass_word(struct scan *scan)
{
    size_t start = scan->at;

    while (is_alpha(peek(scan)))
        scan->at++;
    size_t len = scan->at - start;
    const char *word = scan->text + start;
    return (len == 4 && (memcmp(word, "true", 4) == 0 || memcmp(word, "null", 4) == 0)) ||
           (len == 5 && memcmp(word, "false", 5) == 0);
}

/* Names. */

/* Reads a name byte by byte. Escapes are resolved, so that two names of the same characters give the same bytes. */
struct letters {
    const char *at;
    unsigned char rest[4]; /* of an escape, in UTF-8, last byte first */
    size_t rest_len;
};

static void put_utf8(struct letters *letters, unsigned long c)
{
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    letters->rest_len = len;
    for (size_t i = 0; i < len - 1; i++, c >>= 6)
        letters->rest[i] = (unsigned char)(0x80 | (c & 0x3f));
    letters->rest[len - 1] = (unsigned char)((len == 1 ? 0u : marks[len]) | c);
}

/* -1 at the end. The name is known to be good. */
static int next_letter(struct letters *letters)
{
    if (letters->rest_len == 0 && *letters->at == '\\') {
        size_t used;
        put_utf8(letters, (unsigned long)unescape(letters->at + 1, SIZE_MAX, &used));
        letters->at += 1 + used;
    }
    if (letters->rest_len > 0)
        return letters->rest[--letters->rest_len];
    return *letters->at == '"' ? -1 : (unsigned char)*letters->at++;
}

static uint32_t hash_name(const char *name)
{
    struct letters letters = {.at = name + 1};
    uint64_t hash = 0xcbf29ce484222325u;

    for (int c = next_letter(&letters); c >= 0; c = next_letter(&letters))
        hash = (hash ^ (unsigned)c) * 0x100000001b3u;
    return (uint32_t)(hash ^ (hash >> 32));
}

static int compare_letters(const char *a, const char *b)
{
    struct letters left = {.at = a + 1}, right = {.at = b + 1};
    int c, d;

    do {
        c = next_letter(&left);
        d = next_letter(&right);
    } while (c == d && c >= 0);
    return (c > d) - (c < d);
}

static int compare_names(const void *a, const void *b, void *arg)
{
    struct scan *scan = arg;
    const char *text = scan->text;
    const struct name *left = a, *right = b;

    if (++scan->compared % COMPARED_STEP == 0)
        pace_step();
    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    int order = compare_letters(text + left->at, text + right->at);
    return order != 0 ? order : (left->at > right->at) - (left->at < right->at);
}

/* Looks for the first name that occurs again in the frame's object. */
static void find_twice(struct scan *scan, const struct frame *frame)
{
    size_t count = scan->names_len - frame->names;

    if (!frame->object || count < 2)
        return;
    struct name *names = scan->names + frame->names;
    qsort_r(names, count, sizeof *names, compare_names, scan);
    for (size_t i = 1; i < count; i++)
        if (names[i].hash == names[i - 1].hash && names[i].at < scan->twice &&
            compare_letters(scan->text + names[i].at, scan->text + names[i - 1].at) == 0)
            scan->twice = names[i].at;
}

static bool add_name(struct scan *scan, size_t at)
{
    if (scan->names_len == scan->names_room) {
        size_t room = scan->names_room == 0 ? NAMES_FIRST : scan->names_room * 2;
        struct name *names = realloc(scan->names, room * sizeof *names);
        if (names == NULL) {
            scan->no_memory = true;
            return false;
        }
        scan->names = names;
        scan->names_room = room;
    }
    scan->names[scan->names_len++] = (struct name){hash_name(scan->text + at), (uint32_t)at};
    return true;
}

/* Values. */

static struct frame *top(struct scan *scan)
{
    return &scan->frames[scan->depth];
}

static bool pass_value(struct scan *scan);

static bool pass_name(struct scan *scan)
{
    size_t start = scan->at;
    bool nul;

    if (peek(scan) != '"' || !pass_string(scan, &nul) || nul || !add_name(scan, start))
        return false;
    skip_space(scan);
    if (peek(scan) != ':')
        return false;
    top(scan)->colon = scan->at++;
    skip_space(scan);
    return true;
}

/* Moves past members or elements, up to the closing bracket. */
static bool pass_items(struct scan *scan, int close)
{
    for (;;) {
        struct frame *frame = top(scan);
        size_t colon = frame->colon;
        scan_pace(scan);
        frame->item = scan->at;
        frame->closed = 0;
        if ((frame->object && !pass_name(scan)) || !pass_value(scan)) {
            frame->colon = frame->before_end != 0 ? colon : frame->colon;
            return false;
        }
        size_t end = scan->at - 1;
        skip_space(scan);
        if (peek(scan) == close)
            return true;
        if (peek(scan) != ',') {
            frame->colon = colon;
            return false;
        }
        frame->before = frame->item;
        frame->before_end = end;
        scan->at++;
        skip_space(scan);
    }
}

static bool pass_container(struct scan *scan)
{
    bool object = peek(scan) == '{';
    int close = object ? '}' : ']';
    size_t open = scan->at++;

    if (scan->depth == JSON_DEPTH_MAX)
        return false;
    skip_space(scan);
    scan->frames[++scan->depth] =
        (struct frame){.open = open, .item = scan->at, .object = object, .names = scan->names_len};
    if (peek(scan) != close && !pass_items(scan, close))
        return false;
    find_twice(scan, top(scan));
    if (scan->twice != SIZE_MAX)
        return false;
    scan->names_len = top(scan)->names;
    scan->depth--;
    top(scan)->inside = open;
    top(scan)->closed = scan->at++;
    return true;
}

static bool pass_value(struct scan *scan)
{
    int c = peek(scan);
    bool nul;

    if (c == '{' || c == '[')
        return pass_container(scan);
    if (c == '"')
        return pass_string(scan, &nul);
    return c == '-' || scan_is_digit(c) ? pass_number(scan) : pass_word(scan);
}

/* A shorter text with the same fault. */

struct shorter {
    char *text;
    size_t at, out;
};

static void copy_to(struct shorter *shorter, size_t end)
{
    memmove(shorter->text + shorter->out, shorter->text + shorter->at, end - shorter->at);
    shorter->out += end - shorter->at;
    shorter->at = end;
}

/* Writes a space for each character and keeps line feeds, so that lines and columns stay what they were. */
static void blank_to(struct shorter *shorter, size_t end)
{
    for (; shorter->at < end; shorter->at++)
        if (((unsigned char)shorter->text[shorter->at] & 0xc0) != 0x80)
            shorter->text[shorter->out++] = shorter->text[shorter->at] == '\n' ? '\n' : ' ';
}

/* Drops the complete items of a container and leaves 0 for the last one, because the fault may depend on an item before
 * it. */
static void shorten_frame(struct shorter *shorter, const struct frame *frame)
{
    copy_to(shorter, frame->open + 1);
    if (frame->before_end == 0)
        return;
    if (frame->object) {
        blank_to(shorter, frame->before);
        copy_to(shorter, frame->colon + 1);
    }
    blank_to(shorter, frame->before_end);
    shorter->text[shorter->out++] = '0';
    shorter->at = frame->before_end + 1;
}

static size_t shorten(const struct scan *scan, char *text)
{
    struct shorter shorter = {.text = text};

    for (size_t i = 1; i <= scan->depth; i++)
        shorten_frame(&shorter, &scan->frames[i]);
    const struct frame *last = &scan->frames[scan->depth];
    if (last->closed != 0) {
        copy_to(&shorter, last->inside + 1);
        blank_to(&shorter, last->closed);
    }
    copy_to(&shorter, scan->len);
    return shorter.out;
}

static enum json_scan_result judge(struct scan *scan, bool good, char *text, size_t *len, struct json_scan_fault *fault)
{
    if (scan->no_memory)
        return JSON_SCAN_NO_MEMORY;
    for (size_t i = scan->depth; i > 0 && !good; i--) {
        find_twice(scan, &scan->frames[i]);
        scan->names_len = scan->frames[i].names;
    }
    if (scan->twice != SIZE_MAX) {
        bool nul;
        scan->at = fault->at = scan->twice;
        pass_string(scan, &nul);
        fault->len = scan->at - fault->at;
        return JSON_SCAN_TWICE;
    }
    if (!good)
        *len = shorten(scan, text);
    return good ? JSON_SCAN_GOOD : JSON_SCAN_BAD;
}

enum json_scan_result json_scan(char *text, size_t *len, struct json_scan_fault *fault)
{
    struct scan *scan = calloc(1, sizeof *scan);

    if (scan == NULL)
        return JSON_SCAN_NO_MEMORY;
    scan->text = text;
    scan->len = *len;
    scan->twice = SIZE_MAX;
    skip_space(scan);
    bool good = pass_value(scan);
    if (good)
        skip_space(scan);
    enum json_scan_result result = judge(scan, good && scan->at == scan->len, text, len, fault);
    free(scan->names);
    free(scan);
    return result;
}

/* What is kept. */

#define VALUE_COST 192u /* bytes of a value in a tree, with its place in an object: glibc and jansson on 64 bits */

struct keeping {
    char *text;
    size_t len, at, out, values;
    size_t paced; /* pace_step() is due at this place */
};

static void keep_pace(struct keeping *keeping, size_t at)
{
    if (at < keeping->paced)
        return;
    keeping->paced = at + PACE_BYTES;
    pace_step();
}

static void skip_text_space(struct keeping *keeping)
{
    while (keeping->at < keeping->len && is_space(keeping->text[keeping->at]))
        keeping->at++;
}

static void skip_colon(struct keeping *keeping)
{
    skip_text_space(keeping);
    keeping->at++;
    skip_text_space(keeping);
}

static size_t string_end(struct keeping *keeping, size_t at)
{
    for (at++; keeping->text[at] != '"'; at++) {
        at += keeping->text[at] == '\\';
        keep_pace(keeping, at);
    }
    return at + 1;
}

/* The end of the value at `at`. */
static size_t value_end(struct keeping *keeping, size_t at)
{
    size_t depth = 0;

    do {
        char c = keeping->text[at];
        keep_pace(keeping, at);
        if (c == '"') {
            at = string_end(keeping, at);
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
        if (depth == 0 && strchr("{}[]", c) == NULL)
            while (at < keeping->len && strchr(",]} \t\n\r", keeping->text[at]) == NULL)
                at++;
    } while (depth > 0);
    return at;
}

static void put(struct keeping *keeping, char c)
{
    keeping->text[keeping->out++] = c;
}

static void keep_to(struct keeping *keeping, size_t end)
{
    memmove(keeping->text + keeping->out, keeping->text + keeping->at, end - keeping->at);
    keeping->out += end - keeping->at;
    keeping->at = end;
}

static bool is_named(const char *quoted, const char *name)
{
    struct letters letters = {.at = quoted + 1};
    int c;

    while ((c = next_letter(&letters)) >= 0 && c == (unsigned char)*name)
        name++;
    return c < 0 && *name == '\0';
}

static const struct json_shape_member *find_member(const struct json_shape *shape, const char *quoted)
{
    for (size_t i = 0; i < shape->members_len; i++)
        if (is_named(quoted, shape->members[i].name))
            return &shape->members[i];
    return NULL;
}

static void keep_value(struct keeping *keeping, const struct json_shape *shape);

/* Keeps or drops one item. `*others` counts the items that the reader does not know by name. */
static void keep_item(struct keeping *keeping, const struct json_shape *shape, size_t *others, bool first)
{
    bool object = shape->open == '{';
    const struct json_shape_member *member = object ? find_member(shape, keeping->text + keeping->at) : NULL;
    size_t name_end = object ? string_end(keeping, keeping->at) : keeping->at;
    bool kept = member != NULL || (*others)++ < shape->most;

    if (kept && !first)
        put(keeping, ',');
    if (kept)
        keep_to(keeping, name_end);
    keeping->at = name_end;
    if (object)
        skip_colon(keeping); /* before ':' is written, perhaps over a space */
    if (kept && object)
        put(keeping, ':');
    if (kept && (member != NULL || !shape->names_only)) {
        keep_value(keeping, member != NULL ? member->shape : shape->item);
        return;
    }
    keeping->at = value_end(keeping, keeping->at);
    keeping->values += kept;
    if (kept)
        put(keeping, '0');
}

static void keep_items(struct keeping *keeping, const struct json_shape *shape)
{
    size_t others = 0, start = keeping->out;

    while (skip_text_space(keeping), keeping->text[keeping->at] != '}' && keeping->text[keeping->at] != ']') {
        keep_item(keeping, shape, &others, keeping->out == start);
        skip_text_space(keeping);
        keeping->at += keeping->text[keeping->at] == ',';
    }
}

static void keep_value(struct keeping *keeping, const struct json_shape *shape)
{
    char open = keeping->text[keeping->at];

    keeping->values++;
    if (open != '{' && open != '[') {
        keep_to(keeping, value_end(keeping, keeping->at));
        return;
    }
    size_t end = value_end(keeping, keeping->at);
    keeping->at++;
    put(keeping, open);
    if (shape != NULL && shape->open == open)
        keep_items(keeping, shape);
    keeping->at = end;
    put(keeping, open == '{' ? '}' : ']');
}

size_t json_keep(char *text, size_t *len, const struct json_shape *shape)
{
    struct keeping keeping = {.text = text, .len = *len};

    skip_text_space(&keeping);
    keep_value(&keeping, shape);
    *len = keeping.out;
    return keeping.out + keeping.values * VALUE_COST;
}
