/* A client's messages on a WebSocket (connect.h), read from their JSON by tables of fields. Pure. */
#ifndef CODECELL_API_CONNECT_READ_H
#define CODECELL_API_CONNECT_READ_H

#include "api/execute_read.h"

enum connect_type { CONNECT_KEY, CONNECT_START, CONNECT_STDIN, CONNECT_EOF, CONNECT_SIGNAL, CONNECT_RESIZE };

/* All zero at first. */
struct connect_message {
    struct arena arena; /* owns the tree and what was decoded */
    int type;           /* enum connect_type */
    const char *key;    /* KEY; NULL: the client has none */
    const char *data;   /* STDIN: the bytes */
    size_t data_len;
    int encoding;          /* STDIN: as it was sent; `data` is decoded */
    uint32_t number;       /* SIGNAL */
    int signal;            /* its place among the names */
    int64_t columns, rows; /* RESIZE */
};

/* Reads a message other than start, whose text is written over. Unknown fields are left out. 0, or -1 with
 * ERROR_INVALID and a sentence that begins with the field, or with ERROR_MEMORY. Free the message in both cases. */
int connect_read(struct connect_message *message, char *text, size_t len, struct error *error);
void connect_message_free(struct connect_message *message);

/* The fields of a start message: those of execute, `type` and `terminal`. */
const struct fields *connect_start_fields(void);

/* Reads a start message, as execute_read() reads a body. */
int connect_read_start(struct execution_request *request, char *text, size_t len, const struct execute_rules *rules,
                       size_t *cost, struct error *error);

/* The columns, and the rows, of a terminal. */
#define CONNECT_SIZE_MAX FRAME_SIZE_MAX

#endif
