/* What a cell gets for an execution: the language's and the request's, in their order. */
#include "languages/language_file.h"
#include "run_stage.h"

static void check(struct execution_request *request, const char *expected)
{
    struct stage stage;
    struct error error = {0};

    stage_open(&stage);
    stage.sim.program = sim_hello;
    assert_non_null(runner_submit(stage.runner, stage.keys[0], request, &stage_listener, NULL, &error));
    struct sim_box *box = NULL;
    sim_until(&stage.sim,
              (box = sim_last(&stage.sim)) != NULL && box->job.len > 0 && strstr(box->job.data, "STDIN_END\n") != NULL);
    assert_string_equal(box->job.data, expected);
    sim_until(&stage.sim, list_is_empty(&stage.runner->executions));
    stage_close(&stage);
}

static void test_interpreted(void **state)
{
    struct execution_request request = stage_request(&python, "print()");

    (void)state;
    check(&request, "ENV OMP_NUM_THREADS=2\n"
                    "ENV OPENBLAS_NUM_THREADS=2\n"
                    "ENV TERM=xterm-256color\n"
                    "ENV LANG=C.UTF-8\n"
                    "FILE 644 main.py\n"
                    "DATA print()\n"
                    "STEP2 2000 1024 64M python3 main.py\n"
                    "START\n"
                    "STDIN_END\n");
}

/* The request's variables come last, because a later one wins; its files after the program. */
static void test_compiled_with_everything(void **state)
{
    struct execution_request request = stage_request(&c, "int x;");

    (void)state;
    request.env = (const char *[]){"LANG=fr", "OMP_NUM_THREADS=9", NULL};
    request.args = (const char *[]){"-a", "", NULL};
    request.files =
        (struct request_file[]){{.path = "d/in", .data = "data", .len = 4}, {.path = "t.sh", .data = "#!sh", .len = 4}};
    request.files_len = 2;
    request.input = "input";
    request.input_len = 5;
    request.timeout_ms = 300000;
    request.limits.output_kb = 16384;
    request.limits.cell.milli_cpus = 100; /* at least one thread */
    check(&request, "ENV OMP_NUM_THREADS=1\n"
                    "ENV OPENBLAS_NUM_THREADS=1\n"
                    "ENV TERM=xterm-256color\n"
                    "ENV LANG=C.UTF-8\n"
                    "ENV LANG=fr\n"
                    "ENV OMP_NUM_THREADS=9\n"
                    "FILE 644 main.c\n"
                    "DATA int x;\n"
                    "FILE 644 d/in\n"
                    "DATA data\n"
                    "FILE 755 t.sh\n"
                    "DATA #!sh\n"
                    "STEP1 30000 16777216 96M cc main.c\n"
                    "STEP2 300000 16777216 64M ./a.out -a \n"
                    "START\n"
                    "STDIN input\n"
                    "STDIN_END\n");
}

static void assert_same(const char *const *a, const char *const *b)
{
    if (a == NULL || b == NULL)
        abort();
    for (; *a != NULL && *b != NULL; a++, b++)
        assert_string_equal(*a, *b);
    assert_null(*a);
    assert_null(*b);
}

static struct language *read_language(const char *more)
{
    struct limits maxima = limits_defaults;
    struct error error = {0};
    char json[1024];

    maxima.cell.milli_cpus = 4000;
    snprintf(json, sizeof json,
             "{\"id\":\"x\",\"name\":\"X\",\"file\":\"m.x\",\"run\":{\"argv\":[\"/x\",\"m.x\",\"\"]},\"waiting\":true,"
             "\"environment\":{\"LANG\":\"C.UTF-8\",\"A\":\"\"},\"limits\":{\"cpu\":1.5},"
             "\"version\":{\"argv\":[\"x\"]},\"example\":{\"code\":\"c\",\"stdout\":\"o\"}%s}",
             more);
    struct language *language = language_read(json, strlen(json), "x", &limits_defaults, &maxima, &error);
    if (language == NULL)
        fail_msg("%s", error.text);
    return language;
}

/* What was started ahead is the job's only where both are equal, byte by byte and in their order. */
static void expect_equal_to_what_waits(struct language *language, size_t version)
{
    struct execution execution = {.request = stage_request(language, "code")};
    const struct cell_kind *kind = &language->versions[version].kind;
    bool compiled = kind->prewarm_step == FRAME_STEP_COMPILE;

    execution.request.version = &language->versions[version];
    const char *args[] = {"of the run step", NULL}; /* which the compile step does not see */
    if (compiled)
        execution.request.args = args;
    assert_int_equal(execution_job_build(&execution), 0);
    assert_int_equal(compiled, execution.job.compile.argv != NULL);
    assert_same(execution.job.env, kind->prewarm_env);
    assert_same(compiled ? execution.job.compile.argv : execution.job.run.argv, kind->prewarm_argv);
    assert_string_equal(execution.job.env[0], "OMP_NUM_THREADS=2");
    execution_job_free(&execution);

    execution.request.limits.cell.milli_cpus = 3000; /* other threads: other variables */
    assert_int_equal(execution_job_build(&execution), 0);
    assert_string_not_equal(execution.job.env[0], kind->prewarm_env[0]);
    execution_job_free(&execution);
    request_free(&execution.request);
}

/* Figures are the language's, not the job's; other limits are other commands. */
static void test_figures(void **state)
{
    struct language *language = read_language(",\"versions\":[{\"compile\":{\"argv\":[\"/xc\",\"-m${memory_mb*3/"
                                              "4}\"]},\"run\":{\"argv\":[\"/x\",\"-${processes}\"]},"
                                              "\"environment\":{\"HEAP\":\"${memory_mb-12}m\"}}]");
    struct execution execution = {.request = stage_request(language, "code")};

    (void)state;
    expect_equal_to_what_waits(language, 1);
    execution.request.version = &language->versions[1];
    execution.request.args = (const char *[]){"${memory_mb}", NULL};
    execution.request.env = (const char *[]){"A=${memory_mb}", NULL};
    execution.request.limits.cell.memory_mb = 1024;
    assert_int_equal(execution_job_build(&execution), 0);
    assert_same(execution.job.compile.argv, (const char *const[]){"/xc", "-m768", NULL});
    assert_same(execution.job.run.argv, (const char *const[]){"/x", "-64", "${memory_mb}", NULL});
    assert_same(execution.job.env + 3, (const char *const[]){"HEAP=1012m", "A=${memory_mb}", NULL});
    execution_job_free(&execution);
    execution.request.limits.cell.memory_mb = 64; /* the compiler's own is more */
    language->versions[1].compile_memory_mb = 128;
    assert_int_equal(execution_job_build(&execution), 0);
    assert_same(execution.job.compile.argv, (const char *const[]){"/xc", "-m96", NULL});
    assert_same(execution.job.env + 3, (const char *const[]){"HEAP=52m", "A=${memory_mb}", NULL});
    assert_int_equal(execution.job.compile.memory_mb, 128);
    execution_job_free(&execution);
    request_free(&execution.request);
    language_free(language);
}

static void test_equal_to_what_waits(void **state)
{
    static const char *const more[] = {
        "", ",\"compile\":{\"argv\":[\"/xc\",\"m.x\"]}",
        (",\"versions\":[{\"compile\":{\"argv\":[\"/xc\"]},\"environment\":{\"B\":\"2\",\"A\":\"1\"}},"
         "{\"run\":{\"argv\":[\"/y\"]}}]")};

    (void)state;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        struct language *language = read_language(more[i]);
        for (size_t v = 0; v < language->versions_len; v++)
            expect_equal_to_what_waits(language, v);
        language_free(language);
    }
}

/* The version that was chosen: its commands, its variables. */
static void test_another_version(void **state)
{
    struct language *language =
        read_language(",\"versions\":[{\"run\":{\"argv\":[\"/y\",\"-f\"]},\"environment\":{}}]");
    struct execution execution = {.request = stage_request(language, "code")};

    (void)state;
    execution.request.version = &language->versions[1];
    assert_int_equal(execution_job_build(&execution), 0);
    assert_same(execution.job.run.argv, (const char *const[]){"/y", "-f", NULL});
    assert_null(execution.job.env[3]); /* after those that everybody gets */
    execution_job_free(&execution);
    request_free(&execution.request);
    language_free(language);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_interpreted),
                                       cmocka_unit_test(test_compiled_with_everything),
                                       cmocka_unit_test(test_equal_to_what_waits), cmocka_unit_test(test_figures),
                                       cmocka_unit_test(test_another_version)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
