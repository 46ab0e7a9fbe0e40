/* Folders of languages on a real file system, and what is said of them. */
#ifndef CODECELL_TESTS_UNIT_LANGUAGES_LANGUAGES_STAGE_H
#define CODECELL_TESTS_UNIT_LANGUAGES_LANGUAGES_STAGE_H

#include "languages/catalog.h"

#include "unit.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct limits maxima;

#define MINIMAL(id)                                                                    \
    "{\"id\":\"" id "\",\"name\":\"N\",\"file\":\"main.x\",\"run\":{\"argv\":[\"x\"]}" \
    ",\"version\":{\"argv\":[\"x\",\"-v\"]},\"example\":{\"code\":\"c\",\"stdout\":\"o\"}"

extern char root[64];
int make_root(void **state);
int remove_root(void **state);
void write_language(const char *folder, const char *json, size_t len);
void put(const char *folder, const char *json);

struct said {
    int count;
    char last[600];
};

void hear(const char *sentence, void *arg);
struct catalog *load(struct said *said);

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

#endif
