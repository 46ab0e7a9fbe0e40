/* `live` in a language.json: true where its output comes by the line already, else what is different of the run step:
 * variables, words before its command, or another command. */
#include "languages/language_live_file.h"

#include "languages/figures.h"
#include "languages/language_version_file.h"

#include <stdlib.h>
#include <string.h>

static size_t count(char *const *strings)
{
    size_t n = 0;

    while (strings != NULL && strings[n] != NULL)
        n++;
    return n;
}

/* The words of both; NULL: out of memory. */
static char **joined(char *const *prefix, char *const *run)
{
    size_t before = count(prefix), behind = count(run);
    char **out = calloc(before + behind + 1, sizeof *out);

    for (size_t i = 0; out != NULL && i < before + behind; i++)
        if ((out[i] = strdup(i < before ? prefix[i] : run[i - before])) == NULL) {
            strings_free(out);
            return NULL;
        }
    return out;
}

static int read_run(const struct reader *in, char *const *run, struct language_live *live)
{
    char **prefix = NULL;
    int failed = -1;

    if (json_object_get(in->object, "argv") != NULL) {
        if (json_object_get(in->object, "prefix") != NULL)
            return reader_fail(in, "prefix", "must not stand beside argv");
        return reader_argv(in, &live->run);
    }
    if (json_object_get(in->object, "prefix") == NULL)
        return 0;
    if (reader_strings(in, "prefix", &prefix) == 0) {
        live->run = joined(prefix, run);
        failed = live->run != NULL ? 0 : reader_fail(in, "prefix", "out of memory");
    }
    strings_free(prefix);
    return failed;
}

static int check_figures(const struct reader *in, char *const *argv)
{
    for (; argv != NULL && *argv != NULL; argv++)
        if (!figures_are_right(*argv))
            return reader_fail(in, "argv", FIGURES_WRONG);
    return 0;
}

int language_live_read(const struct reader *in, char *const *run, struct language_live *live)
{
    static const char *const known[] = {"environment", "prefix", "argv", NULL};
    const json_t *value = json_object_get(in->object, "live");
    struct reader inside;

    live->known = value != NULL;
    if (value == NULL || json_is_true(value))
        return 0;
    if (!json_is_object(value) || json_object_size(value) == 0)
        return reader_fail(in, "live", "must be true, or an object of environment, prefix or argv");
    if (reader_enter(in, "live", true, known, &inside) != 0)
        return -1;
    if (json_object_get(inside.object, "environment") != NULL && language_environment_read(&inside, &live->env) != 0)
        return -1;
    return read_run(&inside, run, live) != 0 ? -1 : check_figures(&inside, live->run);
}

void language_live_clear(struct language_live *live)
{
    strings_free(live->run);
    strings_free(live->env);
    *live = (struct language_live){0};
}
