/* Archives for PUT /containers/{id}/archive: ustar, one entry that root owns, last modified in 1970. */
#ifndef CODECELL_DOCKER_ENGINE_CODEC_TAR_H
#define CODECELL_DOCKER_ENGINE_CODEC_TAR_H

#include <stddef.h>

struct buf;

#define CODEC_TAR_NAME_MAX 100u               /* bytes of the entry's name */
#define CODEC_TAR_DATA_MAX ((size_t)64 << 20) /* bytes of a file */

/* Append an archive with one file or one folder of this mode. 0, or -1: the name, the size or the mode is not allowed,
 * or the buffer is full (then it is as before). */
int codec_tar_file(struct buf *out, const char *name, const void *data, size_t len, unsigned mode);
int codec_tar_folder(struct buf *out, const char *name, unsigned mode);

#endif
