#include "languages_stage.h"

const struct limits maxima = {.cell = {.milli_cpus = 2000, .memory_mb = 2048, .disk_mb = 1024, .processes = 256},
                              .output_kb = 16384};

char root[64];

int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/codecell-languages-XXXXXX");
    return mkdtemp(root) == NULL ? -1 : 0;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void write_language(const char *folder, const char *json, size_t len)
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

void put(const char *folder, const char *json)
{
    write_language(folder, json, strlen(json));
}

void hear(const char *sentence, void *arg)
{
    struct said *said = arg;
    said->count++;
    snprintf(said->last, sizeof said->last, "%s", sentence);
}

struct catalog *load(struct said *said)
{
    struct catalog *languages;
    struct error error;
    *said = (struct said){.count = 0};
    assert_int_equal(catalog_load(&languages, root, &limits_defaults, &maxima, hear, said, &error), 0);
    return languages;
}
