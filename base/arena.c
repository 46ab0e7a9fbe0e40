#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK ((size_t)4096) /* bytes of a block for small pieces */
#define ARENA_LARGE ((size_t)1024) /* a piece of this many bytes or more has a block of its own */

/* The newest comes first. Small pieces are cut from the newest block for small pieces as long as they fit. */
struct arena_block {
    struct arena_block *next;
    void (*release)(void *object); /* NULL: the block holds pieces */
    void *object;
    size_t used, room;
    alignas(max_align_t) char bytes[];
};

static struct arena_block *arena_block_add(struct arena *arena, size_t room)
{
    struct arena_block *block = calloc(1, sizeof *block + room);

    if (block == NULL)
        return NULL;
    block->room = room;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->size += sizeof *block + room;
    return block;
}

static size_t arena_round(size_t size)
{
    size_t unit = alignof(max_align_t);

    return (size + unit - 1) / unit * unit;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t need = arena_round(size);
    struct arena_block *block = arena->blocks;

    if (block == NULL || block->room - block->used < need)
        block = arena_block_add(arena, need >= ARENA_LARGE ? need : ARENA_BLOCK);
    if (block == NULL)
        return NULL;
    block->used += need;
    return block->bytes + block->used - need;
}

char *arena_text(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);

    if (copy != NULL && len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    char *text = NULL;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len >= 0 && (text = arena_alloc(arena, (size_t)len + 1)) != NULL)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

int arena_adopt(struct arena *arena, void *object, void (*release)(void *object))
{
    struct arena_block *block = arena_block_add(arena, 0);

    if (block == NULL) {
        release(object);
        return -1;
    }
    block->release = release;
    block->object = object;
    return 0;
}

void arena_free(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks, *next; block != NULL; block = next) {
        next = block->next;
        if (block->release != NULL)
            block->release(block->object);
        free(block);
    }
    *arena = (struct arena){0};
}
