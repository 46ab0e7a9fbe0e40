/* Folders of languages: what is read, and each way in which one is left out. */
#include "languages_stage.h"

#include "languages/language_file.h"

static void test_a_full_file(void **state)
{
    (void)state;
    put("zz",
        "{\"id\":\"zz\",\"name\":\"Zed\",\"aliases\":[\"z++\",\"zed\"],\"image\":\"example/zed:1\",\"file\":\"m.zz\","
        "\"compile\":{\"argv\":[\"zc\",\"m.zz\"],\"timeout\":60,\"memory_mb\":1024},\"line_ends\":\"lf\","
        "\"least\":{\"memory_mb\":96,\"processes\":20},\"live\":true,\"run\":{\"argv\":[\"./a\"]},"
        "\"environment\":{\"A\":\"1\",\"_B\":\"x=y\"},\"limits\":{\"memory_mb\":1024},"
        "\"version\":{\"argv\":[\"zc\",\"-v\"]},\"packages\":{\"argv\":[\"zc\",\"-l\"]},"
        "\"example\":{\"code\":\"c\",\"stdin\":\"i\",\"stdout\":\"o\"}}");
    struct said said;
    struct catalog *languages = load(&said);
    assert_int_equal(said.count, 0);
    assert_int_equal(catalog_count(languages), 1);
    struct language *zed = catalog_at(languages, 0);
    assert_string_equal(zed->versions->image, "example/zed:1");
    assert_string_equal(zed->versions->compile[1], "m.zz");
    assert_null(zed->versions->compile[2]);
    assert_int_equal(zed->versions->compile_ms, 60000);
    assert_int_equal(zed->versions->compile_memory_mb, 1024);
    assert_int_equal(zed->versions->least.cell.memory_mb, 96);
    assert_int_equal(zed->versions->least.cell.processes, 20);
    assert_int_equal(zed->versions->least.cell.disk_mb, limits_minima.cell.disk_mb);
    assert_true(zed->lines_lf);
    assert_true(zed->versions->live.known);
    assert_string_equal(zed->versions->env[1], "_B=x=y");
    assert_null(zed->versions->env[2]);
    assert_int_equal(zed->versions->kind.limits.memory_mb, 1024);
    assert_int_equal(zed->versions->kind.limits.processes, limits_defaults.cell.processes);
    assert_ptr_equal(zed->versions->kind.language, zed->id);
    assert_false(zed->versions->offered);
    catalog_free(languages);
}

static void test_a_minimal_file_gets_defaults(void **state)
{
    (void)state;
    put("a", MINIMAL("a") "}");
    put("b", MINIMAL("b") ",\"aliases\":[],\"compile\":{\"argv\":[\"cc\"]}}");
    put("c", MINIMAL("c") ",\"proven\":\"where built\",\"versions\":[{\"proven\":null}]}");
    struct said said;
    struct catalog *languages = load(&said);
    assert_int_equal(said.count, 0);
    struct language *a = catalog_at(languages, 0);
    assert_string_equal(a->versions->image, "codecell/a");
    assert_null(a->versions->compile);
    assert_null(a->aliases[0]);
    assert_null(a->versions->env[0]);
    assert_null(a->versions->packages_argv);
    assert_null(a->example_stdin);
    assert_false(a->lines_lf);
    assert_false(a->versions->live.known);
    assert_int_equal(a->versions->compile_memory_mb, 0);
    assert_memory_equal(&a->versions->least, &limits_minima, sizeof limits_minima);
    assert_memory_equal(&a->limits, &limits_defaults, sizeof a->limits);
    assert_int_equal(catalog_at(languages, 1)->versions->compile_ms, 30000);
    catalog_free(languages);
}

/* The sentences of a request that another language cannot evaluate, or run in a kernel. */
static void test_evaluators_and_kernels(void **state)
{
    static const char can[] = ",\"evaluate\":{\"argv\":[\"x\",\"${memory_mb*2}\"]},\"kernel\":{\"argv\":[\"k\"]}";
    static const char *const expected[] = {NULL, "a does", "b and a do", "c, b and a do"};
    static const char *const ids[] = {"a", "b", "c"};

    (void)state;
    for (size_t able = 0; able <= 3; able++) {
        for (size_t i = 0; i < 3; i++) {
            char text[1024];
            snprintf(
                text, sizeof text,
                "{\"id\":\"%s\",\"name\":\"N\",\"file\":\"f\",\"run\":{\"argv\":[\"x\"]},\"version\":{\"argv\":["
                "\"x\"]},"
                "\"example\":{\"code\":\"c\",\"stdout\":\"\"}%s,\"versions\":[{\"evaluate\":null,\"kernel\":null}]}",
                ids[i], i < able ? can : "");
            put(ids[i], text);
        }
        struct said said;
        struct catalog *languages = load(&said);
        assert_int_equal(said.count, 0);
        for (size_t i = 0; i < 3; i++) {
            const struct language *language = catalog_at(languages, i);
            assert_int_equal(language->versions[0].evaluate != NULL, i < able);
            assert_int_equal(language->versions[0].kernel != NULL, i < able);
            assert_true(language->versions[1].evaluate == NULL && language->versions[1].kernel == NULL);
            if (expected[able] == NULL) {
                assert_true(language->evaluators == NULL && language->kernels == NULL);
            } else {
                assert_string_equal(language->evaluators, expected[able]);
                assert_string_equal(language->kernels, expected[able]);
            }
        }
        catalog_free(languages);
    }
}

static void check_strings(const char *const *got, const char *const *expected)
{
    for (; *expected != NULL; got++, expected++)
        assert_string_equal(*got, *expected);
    assert_null(*got);
}

/* What its interpreter is started with ahead of a job: what a job that adds nothing has; test_job.c compares. */
static void test_waiting(void **state)
{
    (void)state;
    put("a", MINIMAL("a") ",\"waiting\":true,\"environment\":{\"B\":\"2\",\"A\":\"1\"},\"limits\":{\"cpu\":1.1}}");
    put("b", MINIMAL("b") ",\"waiting\":false,\"compile\":null,\"packages\":null}");
    put("c", MINIMAL("c") ",\"waiting\":null}");
    put("d", MINIMAL("d") ",\"waiting\":\"getuid\"}");
    put("e",
        MINIMAL("e") ",\"waiting\":\"open\",\"compile\":{\"argv\":[\"cc\",\"-c\"]},\"environment\":{\"E\":\"5\"}}");
    struct said said;
    struct catalog *languages = load(&said);
    assert_int_equal(said.count, 0);
    const struct cell_kind *a = &catalog_at(languages, 0)->versions->kind,
                           *d = &catalog_at(languages, 3)->versions->kind;
    check_strings(a->prewarm_env, (const char *const[]){"OMP_NUM_THREADS=2", "OPENBLAS_NUM_THREADS=2",
                                                        "TERM=xterm-256color", "B=2", "A=1", NULL});
    check_strings(a->prewarm_argv, (const char *const[]){"x", NULL});
    check_strings(d->prewarm_env,
                  (const char *const[]){"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "TERM=xterm-256color", NULL});
    assert_int_equal(a->prewarm_hold, FRAME_HOLD_FILE);
    assert_int_equal(d->prewarm_hold, FRAME_HOLD_GETUID);
    assert_int_equal(a->prewarm_step, FRAME_STEP_RUN);
    const struct cell_kind *e = &catalog_at(languages, 4)->versions->kind; /* it is compiled: the compiler waits */
    check_strings(e->prewarm_env, (const char *const[]){"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1",
                                                        "TERM=xterm-256color", "E=5", NULL});
    check_strings(e->prewarm_argv, (const char *const[]){"cc", "-c", NULL});
    assert_int_equal(e->prewarm_step, FRAME_STEP_COMPILE);
    assert_int_equal(e->prewarm_hold, FRAME_HOLD_OPEN);
    for (size_t i = 1; i < 3; i++) {
        assert_null(catalog_at(languages, i)->versions->kind.prewarm_env);
        assert_null(catalog_at(languages, i)->versions->kind.prewarm_argv);
    }
    catalog_without_prewarming(languages);
    assert_null(a->prewarm_env);
    assert_null(a->prewarm_argv);
    assert_null(d->prewarm_argv);
    catalog_free(languages);
}

/* A version has its own, and without one the file's. */
static void test_least_limits_of_versions(void **state)
{
    (void)state;
    put("a", MINIMAL("a") ",\"limits\":{\"processes\":80},\"least\":{\"processes\":70,\"memory_mb\":512},"
                          "\"versions\":[{},{\"least\":{\"disk_mb\":3}},{\"least\":null}]}");
    struct said said;
    struct catalog *languages = load(&said);
    assert_int_equal(said.count, 0);
    const struct language_version *a = catalog_at(languages, 0)->versions;
    assert_int_equal(a[0].least.cell.processes, 70);
    assert_int_equal(a[0].least.cell.memory_mb, 512);
    assert_memory_equal(&a[1].least, &a[0].least, sizeof a->least);
    assert_int_equal(a[2].least.cell.disk_mb, 3);
    assert_int_equal(a[2].least.cell.processes, limits_minima.cell.processes);
    assert_memory_equal(&a[3].least, &limits_minima, sizeof limits_minima);
    catalog_free(languages);
}

/* What a run step is whose output comes by the line. */
static void test_live(void **state)
{
    (void)state;
    put("a", MINIMAL("a") ",\"live\":{\"environment\":{\"U\":\"1\",\"V\":\"\"}},\"versions\":["
                          "{\"live\":{\"prefix\":[\"stdbuf\",\"-oL\"],\"environment\":{\"W\":\"2\"}}},"
                          "{\"live\":{\"argv\":[\"y\",\"-u\"]}},{\"live\":null},{\"live\":true}]}");
    struct said said;
    struct catalog *languages = load(&said);
    assert_int_equal(said.count, 0);
    const struct language_version *a = catalog_at(languages, 0)->versions;
    assert_true(a[0].live.known && a[1].live.known && a[2].live.known && !a[3].live.known && a[4].live.known);
    assert_null(a[0].live.run);
    check_strings((const char *const *)a[0].live.env, (const char *const[]){"U=1", "V=", NULL});
    check_strings((const char *const *)a[1].live.run, (const char *const[]){"stdbuf", "-oL", "x", NULL});
    check_strings((const char *const *)a[1].live.env, (const char *const[]){"W=2", NULL});
    check_strings((const char *const *)a[2].live.run, (const char *const[]){"y", "-u", NULL});
    assert_null(a[2].live.env);
    assert_true(a[4].live.run == NULL && a[4].live.env == NULL);
    catalog_free(languages);
}

/* As its limits are: never over the server's maximum. */
static void test_memory_of_a_compiler(void **state)
{
    (void)state;
    put("a", MINIMAL("a") ",\"compile\":{\"argv\":[\"c\"],\"memory_mb\":16384}}");
    struct said said;
    struct catalog *languages = load(&said);
    assert_int_equal(said.count, 0);
    assert_int_equal(catalog_at(languages, 0)->versions->compile_memory_mb, 2048);
    catalog_free(languages);
}

static void test_defaults_never_pass_the_servers_maxima(void **state)
{
    (void)state;
    put("a", MINIMAL("a") "}");
    struct limits small = limits_minima;
    struct said said = {.count = 0};
    struct catalog *languages;
    struct error error;
    assert_int_equal(catalog_load(&languages, root, &limits_defaults, &small, hear, &said, &error), 0);
    assert_memory_equal(&catalog_at(languages, 0)->limits, &limits_minima, sizeof small);
    catalog_free(languages);
}

/* Each is the file of a folder "bad", beside a good one. */
#define EXAMPLE "\"example\":{\"code\":\"c\",\"stdout\":\"o\"}"

static const struct {
    const char *json, *sentence;
} bad[] = {
    {"{", "malformed JSON"},
    {"[]", "must be an object"},
    {"{\"name\":\"N\"}", "id: is required"},
    {MINIMAL("other") "}", "id: must be the folder's name, bad"},
    {MINIMAL("Bad") "}", "id: must be 1 to 32 of"},
    {MINIMAL("bad") ",\"colour\":1}", "colour: unknown field"},
    {"{\"id\":\"bad\",\"name\":7}", "name: must be a string"},
    {"{\"id\":\"bad\",\"name\":\"\"}", "name: must be a string that is not empty"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"a/b\"}", "file: must be a file's name"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"..\"}", "file: must be a file's name"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"a\\u0000b\"}", "file: must be a string without NUL"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"f\"," EXAMPLE "}", "run: is required"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"f\",\"run\":[]," EXAMPLE "}", "run: must be an object"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"f\",\"run\":{}," EXAMPLE "}", "run.argv: is required"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"f\",\"run\":{\"argv\":[]}," EXAMPLE "}",
     "run.argv: must be an array of 1 to 128"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"f\",\"run\":{\"argv\":[\"\"]}," EXAMPLE "}",
     "run.argv: must begin with a program"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"f\",\"run\":{\"argv\":[\"a\",1]}," EXAMPLE "}",
     "run.argv[1]: must be a string without NUL"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"f\",\"run\":{\"argv\":[\"a\"],\"x\":1}," EXAMPLE "}",
     "run.x: unknown field"},
    {MINIMAL("bad") ",\"image\":\"\"}", "image: must be a string that is not empty"},
    {MINIMAL("bad") ",\"aliases\":\"b\"}", "aliases: must be an array"},
    {MINIMAL("bad") ",\"aliases\":[\"B\"]}", "aliases: each must be"},
    {MINIMAL("bad") ",\"aliases\":[\"good\"]}", "aliases: good is taken"},
    {MINIMAL("bad") ",\"aliases\":[\"alias-of-aaa\"]}", "aliases: alias-of-aaa is taken by the language aaa"},
    {MINIMAL("bad") ",\"compile\":{\"argv\":[\"c\"],\"timeout\":301}}",
     "compile.timeout: must be an integer from 1 to 300"},
    {MINIMAL("bad") ",\"compile\":{\"argv\":[\"c\"],\"timeout\":0}}",
     "compile.timeout: must be an integer from 1 to 300"},
    {MINIMAL("bad") ",\"compile\":{\"argv\":[\"c\"],\"timeout\":\"1\"}}",
     "compile.timeout: must be an integer from 1 to 300"},
    {MINIMAL("bad") ",\"compile\":{\"timeout\":1}}", "compile.argv: is required"},
    {MINIMAL("bad") ",\"compile\":{\"argv\":[\"c\"],\"memory_mb\":31}}",
     "compile.memory_mb: must be an integer from 32 to 16384"},
    {MINIMAL("bad") ",\"compile\":{\"argv\":[\"c\"],\"memory_mb\":16385}}",
     "compile.memory_mb: must be an integer from 32 to 16384"},
    {MINIMAL("bad") ",\"compile\":{\"argv\":[\"c\"],\"memory_mb\":\"1\"}}",
     "compile.memory_mb: must be an integer from 32 to 16384"},
    {MINIMAL("bad") ",\"line_ends\":\"crlf\"}", "line_ends: must be \"lf\""},
    {MINIMAL("bad") ",\"line_ends\":true}", "line_ends: must be \"lf\""},
    {MINIMAL("bad") ",\"line_ends\":null}", "line_ends: must be \"lf\""},
    {MINIMAL("bad") ",\"least\":1}", "least: must be an object"},
    {MINIMAL("bad") ",\"least\":{\"cpu\":1}}", "least.cpu: unknown field"},
    {MINIMAL("bad") ",\"least\":{\"output_kb\":1}}", "least.output_kb: unknown field"},
    {MINIMAL("bad") ",\"least\":{\"memory_mb\":31}}",
     "least.memory_mb: must be an integer from 32 to 512, the language's own limit"},
    {MINIMAL("bad") ",\"least\":{\"processes\":65}}",
     "least.processes: must be an integer from 8 to 64, the language's own limit"},
    {MINIMAL("bad") ",\"limits\":{\"disk_mb\":2},\"least\":{\"disk_mb\":3}}",
     "least.disk_mb: must be an integer from 1 to 2, the language's own limit"},
    {MINIMAL("bad") ",\"least\":{\"disk_mb\":1.5}}",
     "least.disk_mb: must be an integer from 1 to 100, the language's own limit"},
    {MINIMAL("bad") ",\"versions\":[{\"least\":{\"memory_mb\":513}}]}",
     "versions[0].least.memory_mb: must be an integer from 32 to 512, the language's own limit"},
    {MINIMAL("bad") ",\"live\":false}", "live: must be true, or an object of environment, prefix or argv"},
    {MINIMAL("bad") ",\"live\":\"stdbuf\"}", "live: must be true, or an object of environment, prefix or argv"},
    {MINIMAL("bad") ",\"live\":{}}", "live: must be true, or an object of environment, prefix or argv"},
    {MINIMAL("bad") ",\"live\":{\"run\":[\"x\"]}}", "live.run: unknown field"},
    {MINIMAL("bad") ",\"live\":{\"prefix\":[]}}", "live.prefix: must be an array of 1 to 128 strings"},
    {MINIMAL("bad") ",\"live\":{\"prefix\":[\"a\"],\"argv\":[\"b\"]}}", "live.prefix: must not stand beside argv"},
    {MINIMAL("bad") ",\"live\":{\"argv\":[\"x\",\"${memory_mb/2}\"]}}", "live.argv: a figure must be"},
    {MINIMAL("bad") ",\"live\":{\"argv\":[\"\"]}}", "live.argv: must begin with a program"},
    {MINIMAL("bad") ",\"live\":{\"environment\":{\"A\":1}}}", "live.environment.A: must be a string"},
    {MINIMAL("bad") ",\"live\":{\"environment\":[]}}", "live.environment: must be an object of strings"},
    {MINIMAL("bad") ",\"evaluate\":true}", "evaluate: must be an object"},
    {MINIMAL("bad") ",\"evaluate\":{\"argv\":[]}}", "evaluate.argv: must be an array of 1 to 128 strings"},
    {MINIMAL("bad") ",\"evaluate\":{\"argv\":[\"\"]}}", "evaluate.argv: must begin with a program"},
    {MINIMAL("bad") ",\"kernel\":[\"x\"]}", "kernel: must be an object"},
    {MINIMAL("bad") ",\"kernel\":{\"argv\":[\"\"]}}", "kernel.argv: must begin with a program"},
    {MINIMAL("bad") ",\"environment\":[]}", "environment: must be an object"},
    {MINIMAL("bad") ",\"environment\":{\"1A\":\"\"}}", "environment: a name must match"},
    {MINIMAL("bad") ",\"environment\":{\"A=B\":\"\"}}", "environment: a name must match"},
    {MINIMAL("bad") ",\"environment\":{\"A\":1}}", "environment.A: must be a string"},
    {MINIMAL("bad") ",\"environment\":{\"A\":\"${memory_mb+1}\"}}", "environment.A: a figure must be ${NAME},"},
    {MINIMAL("bad") ",\"compile\":{\"argv\":[\"c\",\"${disk_mb/2}\"]}}", "compile.argv: a figure must be"},
    {MINIMAL("bad") ",\"versions\":[{\"run\":{\"argv\":[\"c\",\"${processes\"]}}]}",
     "versions[0].run.argv: a figure must be"},
    {MINIMAL("bad") ",\"limits\":{\"memory_mb\":1}}", "limits.memory_mb: must be an integer from 32 to 2048"},
    {MINIMAL("bad") ",\"limits\":{\"gpu\":1}}", "limits.gpu: unknown field"},
    {MINIMAL("bad") ",\"packages\":{\"argv\":\"x\"}}", "packages.argv: must be an array"},
    {MINIMAL("bad") ",\"proven\":true}", "proven: must be \"where built\", or not there"},
    {MINIMAL("bad") ",\"proven\":\"here\"}", "proven: must be \"where built\", or not there"},
    {MINIMAL("bad") ",\"versions\":[{\"proven\":\"here\"}]}",
     "versions[0].proven: must be \"where built\", or not there"},
    {MINIMAL("bad") ",\"waiting\":\"yes\"}", "waiting: must be true, false, \"getuid\" or \"open\""},
    {MINIMAL("bad") ",\"image\":null}", "image: must be a string"},
    {MINIMAL("bad") ",\"wait\":true}", "wait: unknown field"},
    {MINIMAL("bad") ",\"aliases\":[\"bad\"]}", "aliases: bad is there twice"},
    {MINIMAL("bad") ",\"aliases\":[\"b\",\"b\"]}", "aliases: b is there twice"},
    {MINIMAL("bad") ",\"versions\":{}}", "versions: must be an array of at most 15 objects"},
    {MINIMAL("bad") ",\"versions\":[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}",
     "versions: must be an array of at most 15 objects"},
    {MINIMAL("bad") ",\"versions\":[1]}", "versions[0]: must be an object"},
    {MINIMAL("bad") ",\"versions\":[{},{\"file\":\"f\"}]}", "versions[1].file: unknown field"},
    {MINIMAL("bad") ",\"versions\":[{\"name\":\"Clang\"}]}", "versions[0].name: must be 1 to 32 of a-z and 0-9"},
    {MINIMAL("bad") ",\"versions\":[{\"name\":\"clang19\"}]}", "versions[0].name: must be 1 to 32 of a-z and 0-9"},
    {MINIMAL("bad") ",\"versions\":[{\"name\":null}]}", "versions[0].name: must be a string"},
    {MINIMAL("bad") ",\"versions\":[{\"image\":7}]}", "versions[0].image: must be a string"},
    {MINIMAL("bad") ",\"versions\":[{\"image\":null}]}", "versions[0].image: must be a string"},
    {MINIMAL("bad") ",\"versions\":[{\"run\":null}]}", "versions[0].run: must be an object"},
    {MINIMAL("bad") ",\"versions\":[{\"run\":{\"argv\":[]}}]}", "versions[0].run.argv: must be an array of 1 to 128"},
    {MINIMAL("bad") ",\"versions\":[{\"compile\":{\"argv\":[\"c\"],\"timeout\":0}}]}",
     "versions[0].compile.timeout: must be an integer from 1 to 300"},
    {MINIMAL("bad") ",\"versions\":[{\"environment\":{\"A\":1}}]}", "versions[0].environment.A: must be a string"},
    {MINIMAL("bad") ",\"versions\":[{\"waiting\":\"yes\"}]}", "versions[0].waiting: must be true, false"},
    {MINIMAL("bad") ",\"versions\":[{\"aliases\":[\"Upper\"]}]}", "versions[0].aliases: each must be"},
    {MINIMAL("bad") ",\"versions\":[{},{\"aliases\":[\"good\"]}]}",
     "versions[1].aliases: good is taken by the language aaa"},
    {MINIMAL("bad") ",\"versions\":[{\"aliases\":[\"version-of-aaa\"]}]}",
     "versions[0].aliases: version-of-aaa is taken by the language aaa"},
    {MINIMAL("bad") ",\"aliases\":[\"version-of-aaa\"]}", "aliases: version-of-aaa is taken by the language aaa"},
    {MINIMAL("bad") ",\"aliases\":[\"b\"],\"versions\":[{\"aliases\":[\"b\"]}]}",
     "versions[0].aliases: b is there twice"},
    {MINIMAL("bad") ",\"versions\":[{\"aliases\":[\"bad\"]}]}", "versions[0].aliases: bad is there twice"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"f\",\"run\":{\"argv\":[\"a\"]}," EXAMPLE "}", "version: is required"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"f\",\"run\":{\"argv\":[\"a\"]},\"version\":{\"argv\":[\"a\"]}}",
     "example: is required"},
    {"{\"id\":\"bad\",\"name\":\"N\",\"file\":\"f\",\"run\":{\"argv\":[\"a\"]},\"version\":{\"argv\":[\"a\"]},"
     "\"example\":{\"code\":\"c\"}}",
     "example.stdout: is required"},
};

static void test_a_bad_file_leaves_out_its_language_alone(void **state)
{
    (void)state;
    put("aaa",
        MINIMAL("aaa") ",\"aliases\":[\"good\",\"alias-of-aaa\"],\"versions\":[{\"aliases\":[\"version-of-aaa\"]}]}");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put("bad", bad[i].json);
        struct said said;
        struct catalog *languages = load(&said);
        char expected[256];
        snprintf(expected, sizeof expected, "%s/bad/language.json: %s", root, bad[i].sentence);
        assert_int_equal(said.count, 1);
        said.last[strlen(expected)] = '\0';
        assert_string_equal(said.last, expected);
        assert_int_equal(catalog_count(languages), 1);
        catalog_free(languages);
    }
}

static void test_a_file_over_the_cap(void **state)
{
    (void)state;
    size_t len = LANGUAGE_FILE_MAX + 1;
    char *json = malloc(len);
    memset(json, ' ', len);
    write_language("big", json, len);
    free(json);
    struct said said;
    struct catalog *languages = load(&said);
    assert_int_equal(said.count, 1);
    assert_non_null(strstr(said.last, "is larger than 262144 bytes"));
    catalog_free(languages);
}

static void test_one_more_language_than_fit(void **state)
{
    (void)state;
    for (int i = 0; i <= LANGUAGES_MAX; i++) {
        char id[16], json[512];
        snprintf(id, sizeof id, "l%03d", i);
        snprintf(json, sizeof json, MINIMAL("%s") "}", id);
        put(id, json);
    }
    struct said said;
    struct catalog *languages = load(&said);
    assert_int_equal(catalog_count(languages), LANGUAGES_MAX);
    assert_int_equal(said.count, 1);
    assert_non_null(strstr(said.last, "l200/language.json: no more than 200 languages fit, each version counted"));
    catalog_free(languages);
}

static void test_folders_without_the_file_are_passed_over(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s/base", root);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/build", root);
    fclose(fopen(path, "w"));
    struct said said;
    struct catalog *languages = load(&said);
    assert_int_equal(said.count, 0);
    assert_int_equal(catalog_count(languages), 0);
    catalog_free(languages);
}

static void test_several_folders_and_a_missing_one(void **state)
{
    (void)state;
    put("b", MINIMAL("b") "}");
    char second[128], path[300];
    snprintf(second, sizeof second, "%s/more", root);
    assert_int_equal(mkdir(second, 0700), 0);
    put("more/a", MINIMAL("a") "}");
    put("more/b", MINIMAL("b") "}");
    snprintf(path, sizeof path, "%s::%s", root, second);
    struct said said = {.count = 0};
    struct catalog *languages;
    struct error error;
    assert_int_equal(catalog_load(&languages, path, &limits_defaults, &maxima, hear, &said, &error), 0);
    assert_int_equal(catalog_count(languages), 2);
    assert_string_equal(catalog_at(languages, 0)->id, "a");
    assert_int_equal(said.count, 1);
    assert_non_null(strstr(said.last, "/more/b/language.json: id: b is taken by the language b"));
    catalog_free(languages);
    snprintf(path, sizeof path, "%s:%s/none", root, root);
    assert_int_equal(catalog_load(&languages, path, &limits_defaults, &maxima, hear, &said, &error), -1);
    assert_non_null(strstr(error.text, "/none: No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(test_a_full_file),
        ON_DISK(test_a_minimal_file_gets_defaults),
        ON_DISK(test_evaluators_and_kernels),
        ON_DISK(test_waiting),
        ON_DISK(test_least_limits_of_versions),
        ON_DISK(test_live),
        ON_DISK(test_memory_of_a_compiler),
        ON_DISK(test_defaults_never_pass_the_servers_maxima),
        ON_DISK(test_a_bad_file_leaves_out_its_language_alone),
        ON_DISK(test_a_file_over_the_cap),
        ON_DISK(test_one_more_language_than_fit),
        ON_DISK(test_folders_without_the_file_are_passed_over),
        ON_DISK(test_several_folders_and_a_missing_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
