/* The parts of a body of multipart/form-data (RFC 7578, in the form of RFC 2046, section 5.1), read in pieces of any
 * size. Nothing is allocated, and of a part's content nothing is kept. Pure.
 *
 *   preamble  --BOUNDARY CRLF  head CRLF CRLF content  CRLF--BOUNDARY CRLF  head …  CRLF--BOUNDARY--  epilogue
 *
 * A preamble and an epilogue are skipped. What follows a boundary in its line must be blanks, or the two hyphens of the
 * end. */
#ifndef CODECELL_HTTP_MULTIPART_H
#define CODECELL_HTTP_MULTIPART_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define MULTIPART_BOUNDARY_MAX 70u /* characters (RFC 2046) */
#define MULTIPART_HEAD_MAX 8192u   /* bytes of a part's head */
#define MULTIPART_BLANKS_MAX 64u   /* blanks behind a boundary in its line */

enum multipart_place {
    MULTIPART_AT_PREAMBLE,
    MULTIPART_AT_LINE, /* behind a boundary, in its line */
    MULTIPART_AT_HEAD,
    MULTIPART_AT_CONTENT,
    MULTIPART_AT_EPILOGUE,
    MULTIPART_LOST,
};

struct multipart {
    enum multipart_place place;
    char delimiter[4 + MULTIPART_BOUNDARY_MAX + 1]; /* CRLF, two hyphens, the boundary */
    size_t delimiter_len;
    size_t matched; /* so many bytes of a delimiter came; they are content if the next one is not its next */
    char line[2];   /* the last bytes behind a boundary */
    size_t line_len, blanks;
    char head[MULTIPART_HEAD_MAX + 1];
    size_t head_len;
    bool in_part;   /* its MULTIPART_PART_END is still to come */
    unsigned parts; /* begun */
};

/* Where the bytes of a part belong. The texts are in the reader's head, valid until the next call, and end with NUL;
 * they have no NUL within. */
struct multipart_part {
    const char *name;     /* NULL: it has none */
    const char *filename; /* NULL: it has none. filename* counts before filename */
};

enum multipart_event {
    MULTIPART_MORE,     /* the data is used up */
    MULTIPART_PART,     /* a part begins: `part` */
    MULTIPART_DATA,     /* bytes of its content: `data`, in the caller's own or in the reader, until the next call */
    MULTIPART_PART_END, /* its content is over */
    MULTIPART_END,      /* the last boundary came */
    MULTIPART_BROKEN,   /* `error` (ERROR_INVALID) says why; the reader is of no use any more */
};

struct multipart_piece {
    struct multipart_part part;
    const char *data;
    size_t data_len;
    struct error error;
};

/* Begins with the Content-Type of the request (NULL: it has none). 0, or -1: ERROR_MEDIA_TYPE if it is something else
 * than multipart/form-data, ERROR_INVALID if its boundary is missing or malformed. */
int multipart_open(struct multipart *multipart, const char *content_type, struct error *error);

/* Takes bytes from the front of *data, and moves *data and *len past them. */
enum multipart_event multipart_read(struct multipart *multipart, const char **data, size_t *len,
                                    struct multipart_piece *out);

/* No byte follows. 0: the last boundary came, else -1 with ERROR_INVALID. */
int multipart_close(const struct multipart *multipart, struct error *error);

#endif
