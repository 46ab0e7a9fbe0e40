/* The messages between the server and the driver of a kernel, the interpreter that a workspace keeps between its
 * executions (docs/internals/kernel.md). The agent carries them and looks at their heads alone:
 *
 *   byte 0     kind
 *   byte 1..3  0
 *   byte 4..7  length of what follows
 *   then       as the kind says
 *
 * Integers are u32, little-endian, and texts are UTF-8.
 *
 *   to the driver, once in a step
 *     1 RUN     number of the step, most bytes of one text or datum, most bytes of all messages, length of the name,
 *               the name of the file that tracebacks show, and the code
 *   from the driver: the report
 *     1 BUNDLE  flags (1: it is the last expression's value), then for each entry: length of the MIME type, length of
 *               the datum, both
 *     2 RESULT  the value as the prompt prints it
 *     3 ERROR   lengths of name, message and traceback, then the three
 *     4 NOTE    a sentence for `warnings`
 *     5 COUNT   which execution of the kernel this is
 *
 * The driver runs in the process of the program, so a report may hold anything. What is malformed ends it: what came
 * before counts. Pure: any thread. */
#ifndef CODECELL_RUN_KERNEL_H
#define CODECELL_RUN_KERNEL_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define KERNEL_REPORT_MAX ((size_t)8 << 20)                           /* bytes of a report */
#define KERNEL_SENT_MAX ((uint32_t)(KERNEL_REPORT_MAX - (64u << 10))) /* that the driver sends: notes fit behind it */
#define KERNEL_DATUM_MAX ((size_t)4 << 20)                            /* of one datum */
#define KERNEL_RESULT_MAX ((size_t)1 << 20)                           /* of the value's text; the reader may cut it */
#define KERNEL_BUNDLES_MAX 256u
#define KERNEL_ENTRIES_MAX 32u /* of a bundle */
#define KERNEL_NOTES_MAX 32u
#define KERNEL_NOTE_MAX 500u /* bytes of a sentence */
#define KERNEL_MIME_MAX 127u /* bytes of a MIME type, without parameters */

/* Appends a RUN message. 0, or -1: the buffer's maximum is reached, or there is no memory. */
int kernel_put_run(struct buf *out, uint32_t number, const char *name, const char *code, size_t len);

/* A text in the report, which is UTF-8. */
struct kernel_text {
    const char *data;
    size_t len;
};

struct kernel_entry {
    struct kernel_text mime, data;
};

enum kernel_event {
    KERNEL_BUNDLE, /* `entries`, in the driver's order, no MIME type twice; none: it is empty */
    KERNEL_RESULT, /* `text` */
    KERNEL_ERROR,  /* `name`, `text` and `traceback` */
    KERNEL_NOTE,   /* `text` */
    KERNEL_COUNT,  /* `count` */
    KERNEL_OVER,   /* the report is over */
    KERNEL_BROKEN  /* what follows is malformed, cut off, or more than a driver sends: the report is over */
};

struct kernel_message {
    bool is_value; /* of a bundle: the last expression's value */
    struct kernel_entry entries[KERNEL_ENTRIES_MAX];
    size_t entries_len;
    struct kernel_text text, name, traceback;
    uint32_t count;
};

/* At first: {bytes of the report, their number}. */
struct kernel_reader {
    const uint8_t *at;
    size_t left;
    unsigned bundles, notes;
};

/* Reads the next message into `out`, whose texts lie in the report. After KERNEL_OVER and KERNEL_BROKEN it says
 * KERNEL_OVER. */
enum kernel_event kernel_read(struct kernel_reader *reader, struct kernel_message *out);

#endif
