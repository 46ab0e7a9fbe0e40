/* A face's translation on a stage: bodies for its read(), results for its encode(). */
#ifndef CODECELL_TESTS_FACES_STAGE_H
#define CODECELL_TESTS_FACES_STAGE_H

#include "unit.h"

#include "api/translation.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define STAGE_STDIN_MAX 2000

/* The rules of the next bodies: generous ones, until a test changes them. */
extern struct execute_rules stage_rules;
extern struct execution_request stage_request;
extern struct error stage_error;

/* Reads a body into stage_request. 0, or -1 with stage_error. */
int stage_read(const struct translation *translation, const char *body);

/* The same for a body whose "code" has `len` bytes, with `more` after it. */
int stage_read_long(const struct translation *translation, size_t len, const char *more);

void stage_expect_refused(const struct translation *translation, const char *body, enum error_code code,
                          const char *sentence);

/* The end of a program that wrote these texts, for stage_encode(). */
extern struct execute_answer stage_answer;
struct execution_result *stage_result(const char *language, const char *out, const char *err);

/* Encodes and frees stage_answer, whose status must then be this one; the answer must be this text. */
void stage_expect(const struct translation *translation, int status, const char *text);

#endif
