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

static const struct limits maxima = {.cell = {.milli_cpus = 2000, .memory_mb = 2048, .disk_mb = 1024, .processes = 256},
                                     .output_kb = 16384};

#define MINIMAL(id)                                                                    \
    "{\"id\":\"" id "\",\"name\":\"N\",\"file\":\"main.x\",\"run\":{\"argv\":[\"x\"]}" \
    ",\"version\":{\"argv\":[\"x\",\"-v\"]},\"example\":{\"code\":\"c\",\"stdout\":\"o\"}"

static char root[64];

static inline int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/codecell-languages-XXXXXX");
    return mkdtemp(root) == NULL ? -1 : 0;
}

static inline int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

static inline int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void write_language(const char *folder, const char *json, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, folder);
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
    snprintf(path, sizeof path, "%s/%s/language.json", root, folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(json, 1, len, file), len);
    fclose(file);
}

static inline void put(const char *folder, const char *json)
{
    write_language(folder, json, strlen(json));
}

struct said {
    int count;
    char last[600];
};

static inline void listen(const char *sentence, void *arg)
{
    struct said *said = arg;
    said->count++;
    snprintf(said->last, sizeof said->last, "%s", sentence);
}

static inline struct catalog *load(struct said *said)
{
    struct catalog *languages;
    struct error error;
    *said = (struct said){.count = 0};
    assert_int_equal(catalog_load(&languages, root, &limits_defaults, &maxima, listen, said, &error), 0);
    return languages;
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

#endif
