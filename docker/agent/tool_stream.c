#include "docker/agent/tool_stream.h"

#include "docker/agent/system.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Room for the largest entry, or for a whole chunk. */
#define ROOM (ENTRY_CHUNK_HEAD + ENTRY_CHUNK_MAX)
_Static_assert(ROOM >= ENTRY_MAX, "an entry must fit");

static uint8_t gathered[ROOM];
static size_t gathered_len;
static uint64_t entries, bytes;

static void flush(void)
{
    for (size_t at = 0; at < gathered_len;) {
        ssize_t n = write(STDOUT_FILENO, gathered + at, gathered_len - at);
        if (n < 0 && errno == EINTR)
            continue;
        at += (size_t)system_must(n);
    }
    gathered_len = 0;
}

/* Where `len` bytes can be put. */
static uint8_t *room_for(size_t len)
{
    if (len > ROOM - gathered_len)
        flush();
    return gathered + gathered_len;
}

void tool_stream_entry(const struct entry *entry)
{
    entries++;
    gathered_len += entry_put(room_for(ENTRY_HEAD + entry->path_len + entry->target_len), entry);
}

/* Reads until `len` bytes are there, or the file has no more. */
static size_t read_full(int fd, uint8_t *out, size_t len)
{
    size_t at = 0;
    while (at < len) {
        ssize_t n = read(fd, out + at, len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    return at;
}

/* Sends at most `max` bytes of a file. */
static uint64_t send_bytes(int fd, uint64_t max)
{
    uint64_t sent = 0;
    size_t len = 1;
    while (sent < max && len > 0) {
        size_t wanted = max - sent < ENTRY_CHUNK_MAX ? (size_t)(max - sent) : ENTRY_CHUNK_MAX;
        uint8_t *room = room_for(ENTRY_CHUNK_HEAD + wanted);
        len = read_full(fd, room + ENTRY_CHUNK_HEAD, wanted);
        if (len > 0) {
            entry_put_chunk(room, (uint32_t)len);
            gathered_len += ENTRY_CHUNK_HEAD + len;
        }
        sent += len;
    }
    bytes += sent;
    return sent;
}

static void send_content_end(void)
{
    entry_put_chunk(room_for(ENTRY_CHUNK_HEAD), 0);
    gathered_len += ENTRY_CHUNK_HEAD;
}

uint64_t tool_stream_content(int fd, uint64_t max)
{
    uint64_t sent = send_bytes(fd, max);
    send_content_end();
    return sent;
}

/* Where the file has bytes from `at` on, and where they end. False: there are none. */
static bool next_data(int fd, uint64_t at, uint64_t *from, uint64_t *to)
{
    off_t data = lseek(fd, (off_t)at, SEEK_DATA), hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
    if (hole < 0)
        return false;
    *from = (uint64_t)data;
    *to = (uint64_t)hole;
    return lseek(fd, data, SEEK_SET) >= 0;
}

static void send_hole(uint64_t len)
{
    bytes += len;
    while (len > 0) {
        uint32_t part = len < ENTRY_HOLE_MAX ? (uint32_t)len : ENTRY_HOLE_MAX;
        entry_put_hole(room_for(ENTRY_CHUNK_HEAD), part);
        gathered_len += ENTRY_CHUNK_HEAD;
        len -= part;
    }
}

void tool_stream_sparse(int fd, uint64_t size)
{
    uint64_t at = 0, from, to;
    while (at < size && next_data(fd, at, &from, &to) && from < size) {
        uint64_t len = (to < size ? to : size) - from;
        send_hole(from - at);
        at = from + send_bytes(fd, len);
        if (at < from + len)
            break;
    }
    if (at < size)
        send_hole(size - at);
    send_content_end();
}

enum file_exit tool_stream_end(enum file_exit exit, uint64_t marks)
{
    entry_put_end(room_for(ENTRY_HEAD),
                  &(struct entry_end){.exit = exit, .entries = entries, .bytes = bytes, .marks = marks});
    gathered_len += ENTRY_HEAD;
    flush();
    return exit;
}
