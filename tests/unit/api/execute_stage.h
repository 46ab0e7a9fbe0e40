/* Bodies for execute_read, and what becomes of them. */
#ifndef CODECELL_TESTS_EXECUTE_STAGE_H
#define CODECELL_TESTS_EXECUTE_STAGE_H

#include "unit.h"

#include "api/execute_answer.h"
#include "api/execute_read.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAGE_CODE_MAX 1000u
#define STAGE_STDIN_MAX 2000u

extern const struct execute_rules stage_rules;
extern struct execution_request read_request;
extern struct error read_error;
int read_text(const char *text, size_t len);

/* A body of code, language and `more` ("\"timeout\": 1"; "": none). */
int read_with(const char *more);

void expect_refused(const char *more, const char *sentence);
void expect_accepted(const char *more);

/* Text made of `count` times `piece`. */
char *repeated(const char *piece, size_t count);

char *format(const char *text, const char *a);

#endif
