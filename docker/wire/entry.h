/* Files on their way into or out of a cell: the bytes that the agent's tool (docker/agent/tool.h) writes to its
 * standard output or reads from its standard input. They are a stream of entries, and its last entry says how it ended:
 *
 *   entry  byte 0       type (enum entry_type)
 *          byte 1       content (enum entry_content)
 *          byte 2..3    0
 *          byte 4..7    mode
 *          byte 8..15   size in bytes
 *          byte 16..23  time of the last change, in nanoseconds since 1970, signed
 *          byte 24..27  length of the path
 *          byte 28..31  length of the target
 *          then         the path, then the target
 *   bytes  u32 length   1 to ENTRY_CHUNK_MAX, then as many bytes; this and the next are repeated
 *          u32          ENTRY_HOLE_BIT and a length: so many zeros, which take no space
 *          u32 0        the content is over
 *   end    byte 0..3    ENTRY_END, 0, 0, 0
 *          byte 4..7    enum file_exit
 *          byte 8..15   number of entries before it
 *          byte 16..23  number of bytes of all contents
 *          byte 24..31  what else the operation says (tool.h)
 *
 * Bytes follow an entry with ENTRY_BYTES alone. Their number may differ from the entry's size, because a file may grow
 * or shrink while it is read. Integers are little-endian. Neither side trusts the other, so a reader checks all of
 * this, and a stream without an end was cut. Writer and reader allocate nothing. */
#ifndef CODECELL_DOCKER_WIRE_ENTRY_H
#define CODECELL_DOCKER_WIRE_ENTRY_H

#include "docker/wire/path.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTRY_HEAD 32u
#define ENTRY_TARGET_MAX 4096u /* bytes */
#define ENTRY_MAX (ENTRY_HEAD + WIRE_PATH_MAX + ENTRY_TARGET_MAX)
#define ENTRY_CHUNK_HEAD 4u
#define ENTRY_CHUNK_MAX 65536u
#define ENTRY_HOLE_BIT 0x80000000u
#define ENTRY_HOLE_MAX 0x7fffffffu
#define ENTRY_MODE_MAX 07777u

enum entry_type {
    ENTRY_FILE = 1,
    ENTRY_DIRECTORY = 2,
    ENTRY_LINK = 3,
    ENTRY_OTHER = 4, /* a pipe, a socket, a device */
    ENTRY_END = 5,
    ENTRY_SAME = 6, /* another name of a file that came before; its target is that file's path */
};

/* What follows an entry. */
enum entry_content {
    ENTRY_NONE = 0,       /* nothing: it has no content, or nobody asked for it */
    ENTRY_BYTES = 1,      /* its content; for files alone */
    ENTRY_OVER = 2,       /* nothing: the content would be over a limit */
    ENTRY_UNREADABLE = 3, /* nothing: the content cannot be read */
};

struct entry {
    enum entry_type type; /* not ENTRY_END */
    enum entry_content content;
    uint32_t mode;    /* permissions and the three bits above them */
    uint64_t size;    /* at most INT64_MAX */
    int64_t mtime_ns; /* since 1970 */
    const char *path; /* wire_path_ok() */
    size_t path_len;
    const char *target; /* of a link: 1 to ENTRY_TARGET_MAX bytes without NUL, which may lead anywhere; of ENTRY_SAME: a
                           path; else empty */
    size_t target_len;
};

/* How the tool ended: its exit code, and the code of the stream's end. The agent may end a tool with another code. */
enum file_exit {
    FILE_DONE = 0,
    FILE_SYSTEM = 1,      /* a system call failed for a reason that is not below */
    FILE_USAGE = 2,       /* the tool does not know these arguments */
    FILE_NOT_FOUND = 3,   /* there is nothing at the path */
    FILE_WRONG_KIND = 4,  /* a folder in the place of a file, or a file in the place of a folder */
    FILE_EXISTS = 5,      /* there is something at the path, and there should not be */
    FILE_OUTSIDE = 6,     /* the path leads out of the working folder, or is malformed */
    FILE_TOO_LARGE = 7,   /* more than the operation may take */
    FILE_NO_SPACE = 8,    /* the working folder is full */
    FILE_BROKEN = 9,      /* what came on standard input is not a stream of entries */
    FILE_CHANGED = 10,    /* the file is not what the condition says */
    FILE_NOT_ALLOWED = 11 /* the file's mode or that of a folder forbids it */
};

struct entry_end {
    uint32_t exit; /* enum file_exit; a reader must expect other values */
    uint64_t entries, bytes;
    uint64_t marks;
};

/* Writing. The bytes of a chunk follow its head; a head with the length 0 ends the content. */
size_t entry_put(uint8_t out[ENTRY_MAX], const struct entry *entry); /* returns how many bytes it has put */
void entry_put_chunk(uint8_t out[ENTRY_CHUNK_HEAD], uint32_t len);
void entry_put_hole(uint8_t out[ENTRY_CHUNK_HEAD], uint32_t len); /* 1 to ENTRY_HOLE_MAX */
void entry_put_end(uint8_t out[ENTRY_HEAD], const struct entry_end *end);

/* Reading, in pieces of any size. All zero at first. */
enum entry_place { ENTRY_AT_HEAD, ENTRY_AT_NAMES, ENTRY_AT_CHUNK, ENTRY_AT_BYTES, ENTRY_AT_END, ENTRY_LOST };

struct entry_reader {
    enum entry_place place;
    uint8_t held[ENTRY_MAX]; /* the head of an entry and its names, or the head of a chunk */
    size_t held_len;
    uint32_t left;           /* bytes of the chunk that are still to come */
    uint64_t entries, bytes; /* so far */
};

/* What entry_read() has met. */
enum entry_event {
    ENTRY_MORE,       /* the data is used up */
    ENTRY_NEXT,       /* an entry: `entry`, valid until the next call */
    ENTRY_DATA,       /* bytes of the last entry: `data`, in the caller's own */
    ENTRY_HOLE,       /* zeros of the last entry: `hole` of them. Their number is in `bytes` of the end, too */
    ENTRY_DATA_END,   /* the last entry's content is over */
    ENTRY_STREAM_END, /* the stream's end: `end`; no byte may follow */
    ENTRY_BROKEN,     /* the stream breaks the rules above; so does every later call */
};

struct entry_piece {
    struct entry entry;
    const uint8_t *data;
    size_t data_len;
    uint64_t hole;
    struct entry_end end;
};

/* Takes bytes from the front of *data, and moves *data and *len past them. */
enum entry_event entry_read(struct entry_reader *reader, const uint8_t **data, size_t *len, struct entry_piece *out);

/* What tells one state of a file from another, for conditions: made of its size and its time. It has no character that
 * the header ETag would have to quote. */
#define ENTRY_TAG_SIZE 40 /* with its NUL */
void entry_tag(char out[ENTRY_TAG_SIZE], uint64_t size, int64_t mtime_ns);

#endif
