/* What a cell gets for an execution: the language's and the request's, in their order. */
#include "run/language_file.h"
#include "run_stage.h"

static void check(struct execution_request *request, const char *expected)
{
    struct stage stage;
    struct error error = {0};

    stage_open(&stage);
    stage.sim.program = sim_hello;
    assert_non_null(runner_submit(stage.runner, stage.keys[0], request, stage_on_done, NULL, &error));
    struct sim_box *box = NULL;
    sim_until(&stage.sim,
              (box = sim_last(&stage.sim)) != NULL && box->job.len > 0 && strstr(box->job.data, "STDIN_END\n") != NULL);
    assert_string_equal(box->job.data, expected);
    sim_until(&stage.sim, stage.runner->first == NULL);
    stage_close(&stage);
}

static void test_interpreted(void **state)
{
    struct execution_request request = stage_request(&python, "print()");

    (void)state;
    check(&request, "ENV OMP_NUM_THREADS=2\n"
                    "ENV OPENBLAS_NUM_THREADS=2\n"
                    "ENV LANG=C.UTF-8\n"
                    "FILE 644 main.py\n"
                    "DATA print()\n"
                    "STEP2 2000 1024 python3 main.py\n"
                    "START\n"
                    "STDIN_END\n");
}

/* The request's variables come last, for a later one wins; its files after the program. */
static void test_compiled_with_everything(void **state)
{
    struct execution_request request = stage_request(&c, "int x;");

    (void)state;
    request.env = calloc(3, sizeof *request.env);
    request.args = calloc(3, sizeof *request.args);
    request.files = calloc(1, sizeof *request.files);
    if (request.env == NULL || request.args == NULL || request.files == NULL)
        abort();
    request.env[0] = strdup("LANG=fr");
    request.env[1] = strdup("OMP_NUM_THREADS=9");
    request.args[0] = "-a";
    request.args[1] = "";
    request.files[0] = (struct cell_file){.path = "d/in", .data = strdup("data"), .len = 4, .mode = 0644};
    request.files_len = 1;
    request.input = "input";
    request.input_len = 5;
    request.timeout_s = 300;
    request.limits.output_kb = 16384;
    request.limits.cell.milli_cpus = 100; /* at least one thread */
    check(&request, "ENV OMP_NUM_THREADS=1\n"
                    "ENV OPENBLAS_NUM_THREADS=1\n"
                    "ENV LANG=C.UTF-8\n"
                    "ENV LANG=fr\n"
                    "ENV OMP_NUM_THREADS=9\n"
                    "FILE 644 main.c\n"
                    "DATA int x;\n"
                    "FILE 644 d/in\n"
                    "DATA data\n"
                    "STEP1 30000 16777216 cc main.c\n"
                    "STEP2 300000 16777216 ./a.out -a \n"
                    "START\n"
                    "STDIN input\n"
                    "STDIN_END\n");
}

static void assert_same(const char *const *a, const char *const *b)
{
    for (; *a != NULL && *b != NULL; a++, b++)
        assert_string_equal(*a, *b);
    assert_null(*a);
    assert_null(*b);
}

/* An interpreter that was started ahead is the job's only where both are equal, byte by byte and in their order. */
static void test_equal_to_what_waits(void **state)
{
    static const char json[] = "{\"id\":\"x\",\"name\":\"X\",\"file\":\"m.x\",\"run\":{\"argv\":[\"/x\",\"m.x\",\"\"]},"
                               "\"waiting\":true,\"environment\":{\"LANG\":\"C.UTF-8\",\"A\":\"\"},"
                               "\"limits\":{\"cpu\":1.5},\"version\":{\"argv\":[\"x\"]},"
                               "\"example\":{\"code\":\"c\",\"stdout\":\"o\"}}";
    struct limits maxima = limits_defaults;
    struct error error = {0};

    (void)state;
    maxima.cell.milli_cpus = 4000;
    struct language *language = language_read(json, strlen(json), "x", &limits_defaults, &maxima, &error);
    assert_non_null(language);
    struct execution execution = {.request = stage_request(language, "code")};
    assert_int_equal(job_build(&execution), 0);
    assert_same(execution.job.env, language->kind.waiting_env);
    assert_same(execution.job.run.argv, language->kind.waiting_argv);
    assert_string_equal(execution.job.env[0], "OMP_NUM_THREADS=2");
    job_free(&execution);

    execution.request.limits.cell.milli_cpus = 3000; /* other threads: other variables */
    assert_int_equal(job_build(&execution), 0);
    assert_string_not_equal(execution.job.env[0], language->kind.waiting_env[0]);
    job_free(&execution);
    execution_request_free(&execution.request);
    language_free(language);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_interpreted),
                                       cmocka_unit_test(test_compiled_with_everything),
                                       cmocka_unit_test(test_equal_to_what_waits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
