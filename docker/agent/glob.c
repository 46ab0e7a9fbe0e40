#include "docker/agent/glob.h"

#include "docker/wire/path.h"

#include <string.h>

#define NO_CHARACTER 0x110000u /* and above: a byte that is not part of UTF-8 */

struct text {
    const char *at, *end;
};

/* How many bytes the character has that begins with this one; 0: none begins so. */
static size_t character_len(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

static uint32_t decode(const uint8_t *bytes, size_t len)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t value = bytes[0] & masks[len];
    for (size_t i = 1; i < len; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return NO_CHARACTER;
        value = value << 6 | (bytes[i] & 0x3fu);
    }
    return value;
}

/* The next character of a text that has one. */
static uint32_t next_character(struct text *text)
{
    const uint8_t *bytes = (const uint8_t *)text->at;
    size_t len = character_len(*bytes);
    uint32_t value = len == 0 || len > (size_t)(text->end - text->at) ? NO_CHARACTER : decode(bytes, len);
    if (value == NO_CHARACTER) {
        text->at++;
        return NO_CHARACTER + *bytes;
    }
    text->at += len;
    return value;
}

/* Where the set ends that starts behind `set`'s "[": at its "]". NULL: nowhere. A "]" that comes first is a member. */
static const char *set_end(const char *set, const char *end)
{
    if (set < end && (*set == '!' || *set == '^'))
        set++;
    return set < end ? memchr(set + 1, ']', (size_t)(end - set) - 1) : NULL;
}

static bool in_set(struct text set, uint32_t character)
{
    bool negated = *set.at == '!' || *set.at == '^', found = false;
    set.at += negated;
    while (set.at < set.end) {
        uint32_t from = next_character(&set), to = from;
        if (set.end - set.at >= 2 && *set.at == '-') {
            set.at++;
            to = next_character(&set);
        }
        found |= from <= character && character <= to;
    }
    return found != negated;
}

/* Matches one character of a name against what the pattern has next, which is not "*". */
static bool match_one(struct text *pattern, struct text *name)
{
    if (pattern->at == pattern->end)
        return false;
    const char *close = *pattern->at == '[' ? set_end(pattern->at + 1, pattern->end) : NULL;
    uint32_t character = next_character(name);
    if (close) {
        struct text set = {pattern->at + 1, close};
        pattern->at = close + 1;
        return in_set(set, character);
    }
    bool any = *pattern->at == '?';
    return next_character(pattern) == character || any;
}

/* After a mismatch the last "*" takes one character more. An earlier one need not, because the last can take whatever
 * the earlier one would have. */
static bool match_text(struct text pattern, struct text name)
{
    struct text star = {NULL, NULL}, retry = {NULL, NULL};
    while (name.at < name.end) {
        if (pattern.at < pattern.end && *pattern.at == '*') {
            pattern.at++;
            star = pattern;
            retry = name;
        } else if (!match_one(&pattern, &name)) {
            if (!star.at)
                return false;
            pattern = star;
            (void)next_character(&retry);
            name = retry;
        }
    }
    while (pattern.at < pattern.end && *pattern.at == '*')
        pattern.at++;
    return pattern.at == pattern.end;
}

static bool is_deep(const struct glob *glob, unsigned i)
{
    return glob->lens[i] == 2 && glob->names[i][0] == '*' && glob->names[i][1] == '*';
}

static bool match_name(const struct glob *glob, unsigned i, const char *name, size_t len)
{
    const char *pattern = glob->names[i];
    size_t pattern_len = glob->lens[i];
    if (pattern_len == len && memcmp(pattern, name, len) == 0)
        return true;
    if (name[0] == '.' && pattern[0] != '.')
        return false;
    return match_text((struct text){pattern, pattern + pattern_len}, (struct text){name, name + len});
}

bool glob_read(struct glob *glob, const char *pattern)
{
    if (!wire_path_ok(pattern, strlen(pattern)))
        return false;
    glob->count = 0;
    for (const char *name = pattern; *name;) {
        size_t len = strcspn(name, "/");
        if (glob->count == GLOB_NAMES_MAX)
            return false;
        glob->names[glob->count] = name;
        glob->lens[glob->count++] = len;
        name += len + (name[len] == '/');
    }
    if (is_deep(glob, glob->count - 1)) {
        glob->names[glob->count] = "*";
        glob->lens[glob->count++] = 1;
    }
    return true;
}

/* "**" may stand for no folder at all. */
static glob_set with_none(const struct glob *glob, glob_set set)
{
    for (unsigned i = 0; i < glob->count; i++)
        if (set >> i & 1 && is_deep(glob, i))
            set |= (glob_set)2 << i;
    return set;
}

glob_set glob_start(const struct glob *glob)
{
    return with_none(glob, 1);
}

glob_set glob_enter(const struct glob *glob, glob_set set, const char *name)
{
    glob_set next = 0;
    size_t len = strlen(name);
    for (unsigned i = 0; i < glob->count; i++) {
        if (!(set >> i & 1))
            continue;
        if (is_deep(glob, i))
            next |= name[0] == '.' ? 0 : (glob_set)1 << i;
        else if (match_name(glob, i, name, len))
            next |= (glob_set)2 << i;
    }
    return with_none(glob, next);
}

bool glob_matched(const struct glob *glob, glob_set set)
{
    return set >> glob->count & 1;
}

bool glob_goes_on(const struct glob *glob, glob_set set)
{
    return (set & (((glob_set)1 << glob->count) - 1)) != 0;
}
