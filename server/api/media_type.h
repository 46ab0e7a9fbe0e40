/* The MIME type of a file, by its first bytes and its name. */
#ifndef CODECELL_API_MEDIA_TYPE_H
#define CODECELL_API_MEDIA_TYPE_H

#include <stddef.h>

/* Never NULL: "application/octet-stream" if nothing is known, "text/plain" for UTF-8 without NUL. `path` ends with NUL.
 */
const char *media_type(const char *path, const void *data, size_t len);

#endif
