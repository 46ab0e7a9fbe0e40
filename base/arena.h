/* Memory that is freed all at once: for what is built piece by piece and has one owner.
 *
 *   struct arena arena = {0};
 *   char *name = arena_text(&arena, text, len);
 *   arena_adopt(&arena, tree, release_tree);    // what the texts point into lives as long as the arena
 *   arena_free(&arena);                         // and may be used anew
 */
#ifndef CODECELL_BASE_ARENA_H
#define CODECELL_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* NULL: nothing is in it */
    size_t size;                /* bytes that were taken from malloc, without adopted objects */
};

/* `size` bytes, all zero, aligned for any type. NULL: out of memory. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of `len` bytes, followed by NUL. NULL: out of memory. */
char *arena_text(struct arena *arena, const char *text, size_t len);

/* As printf. NULL: out of memory. */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes the arena the owner of `object`: arena_free() calls release(object). 0, or -1 out of memory, after release().
 */
int arena_adopt(struct arena *arena, void *object, void (*release)(void *object));

void arena_free(struct arena *arena);

#endif
