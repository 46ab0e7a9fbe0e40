/* What a request with `evaluate` gets beside the program's output: the value of its last expression, and the exception
 * that ended it. A driver in the image runs the program and leaves a report (images/languages/python/evaluate.py,
 * images/languages/javascript/evaluate.cjs; docker/agent/report.h):
 *
 *   32 bytes   HMAC-SHA256 of all that follows
 *   u32        flags: 1: the result is cut, 2: another text is cut
 *   4 × u32    lengths of result, name, message, traceback; UINT32_MAX: null
 *   then       these texts, in UTF-8
 *
 * Integers are little-endian. The key is made for each execution. It is 64 hex digits in a file in the working folder,
 * which the driver reads and removes before the program begins. So nothing that does not know the key can leave a
 * report, and what a program leaves instead is malformed. */
#ifndef CODECELL_RUN_EVALUATION_H
#define CODECELL_RUN_EVALUATION_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define EVALUATION_KEY_LEN 64
#define EVALUATION_KEY_FILE ".codecell-evaluate"

/* The most bytes of each text, and of a report. */
#define EVALUATION_RESULT_MAX (1u << 20)
#define EVALUATION_NAME_MAX (1u << 8)
#define EVALUATION_TEXT_MAX (1u << 16)
#define EVALUATION_HEAD 52u
#define EVALUATION_REPORT_MAX (EVALUATION_HEAD + EVALUATION_RESULT_MAX + EVALUATION_NAME_MAX + 2 * EVALUATION_TEXT_MAX)

struct evaluation_text {
    const char *data; /* into the report, bytes that may not be UTF-8; NULL: null */
    size_t len;
};

struct evaluation {
    struct evaluation_text result, name, message, traceback; /* name, message and traceback: all null, or none is */
    bool result_cut, error_cut;
};

void evaluation_key(char out[EVALUATION_KEY_LEN + 1]);

/* Reads a report. False: it is not one of the driver with this key; then all is null. */
bool evaluation_read(struct evaluation *out, const struct buf *report, const char *key);

#endif
