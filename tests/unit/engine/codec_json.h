/* JSON in the tests of what the codec makes and reads. */
#ifndef CODECELL_TESTS_UNIT_ENGINE_CODEC_JSON_H
#define CODECELL_TESTS_UNIT_ENGINE_CODEC_JSON_H

#include <jansson.h>

const json_t *at(const json_t *value, const char *path); /* a value by its dotted path; NULL: there is none */
void assert_json(const json_t *body, const char *path, const char *expected); /* as text */
json_t *parse(const char *text);                                              /* the caller releases it */

#endif
