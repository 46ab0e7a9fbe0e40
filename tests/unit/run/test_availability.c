/* Which languages are offered: what an image is asked, what is kept, and what makes one be left out. */
#include "run_stage.h"

#include "languages/availability.h"

#include <sys/stat.h>

struct trial {
    struct stage stage;
    struct catalog *languages;
    struct availability *availability;
    unsigned passes;
    bool closed;
};

static unsigned asked; /* programs that ran to answer a question */

static void write_language(const char *dir, const char *id, const char *more)
{
    char path[256];

    snprintf(path, sizeof path, "%s/languages/%s", dir, id);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/languages/%s/language.json", dir, id);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "{\"id\":\"%s\",\"name\":\"N\",\"image\":\"%s-image\",\"file\":\"f\",\"run\":{\"argv\":[\"%s\"]},"
            "\"version\":{\"argv\":[\"version-of-%s\"]},\"example\":{\"code\":\"c\",\"stdout\":\"o\"}%s}",
            id, id, id, id, more);
    fclose(file);
}

static void complain(const char *sentence, void *arg)
{
    (void)arg;
    fail_msg("%s", sentence);
}

static struct pool_keep waiting(void *arg, const char *language, bool usual)
{
    (void)arg;
    return (struct pool_keep){.minimum = !usual                        ? 0
                                         : strcmp(language, "aa") == 0 ? 2
                                         : strcmp(language, "dd") == 0 ? 1
                                                                       : 0};
}

static void on_pass(void *arg)
{
    ((struct trial *)arg)->passes++;
}

static void on_offers_closed(void *arg)
{
    ((struct trial *)arg)->closed = true;
}

/* aa has a version and packages, bb a version on standard error; dd has two versions and another implementation. */
static void answers(struct sim *sim, struct sim_box *box)
{
    const char *job = box->job.data;

    asked++;
    if (strstr(job, "version-of-dd") != NULL)
        sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, "dd 1.9\n");
    else if (strstr(job, "newer-dd") != NULL)
        sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, "dd 1.10\n");
    else if (strstr(job, "other-dd") != NULL)
        sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, "other 7.0\n");
    else if (strstr(job, "packages-of-aa") != NULL)
        sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, "numpy 2.1\n\nnonsense\nrequests 2.32.3 more\n");
    else if (strstr(job, "version-of-aa") != NULL)
        sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, "aa version 3.13.5 (built)\n");
    else
        sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDERR, "bb 12.2\n");
    sim_end(sim, box, FRAME_STEP_RUN, (struct frame_step_end){0});
    sim_done(sim, box);
}

static void fails(struct sim *sim, struct sim_box *box)
{
    asked++;
    sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, "1.0\n");
    sim_end(sim, box, FRAME_STEP_RUN, (struct frame_step_end){.exit_code = 1});
    sim_done(sim, box);
}

static void open_offers(struct trial *trial)
{
    struct error error = {0};
    const struct availability_options options = {.engine = trial->stage.sim.engine,
                                                 .pool = trial->stage.pool,
                                                 .store = trial->stage.store,
                                                 .languages = trial->languages,
                                                 .waits_max = 2,
                                                 .keep = waiting,
                                                 .on_pass = on_pass,
                                                 .arg = trial};

    trial->closed = false;
    assert_int_equal(availability_open(&trial->availability, &trial->stage.sim.loop, &options, &error), 0);
}

static void load(struct trial *trial)
{
    char path[128];
    struct error error = {0};
    const struct limits maxima = {.cell = {.milli_cpus = 2000, .memory_mb = 2048, .disk_mb = 1024, .processes = 256},
                                  .output_kb = 16384};

    snprintf(path, sizeof path, "%s/languages", trial->stage.dir);
    assert_int_equal(catalog_load(&trial->languages, path, &limits_defaults, &maxima, complain, NULL, &error), 0);
}

static void trial_open(struct trial *trial)
{
    char path[128];

    memset(trial, 0, sizeof *trial);
    stage_open(&trial->stage);
    trial->stage.sim.program = answers;
    snprintf(path, sizeof path, "%s/languages", trial->stage.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    write_language(trial->stage.dir, "aa", ",\"packages\":{\"argv\":[\"packages-of-aa\"]}");
    write_language(trial->stage.dir, "bb", "");
    load(trial);
    open_offers(trial);
    asked = 0;
}

static void close_offers(struct trial *trial)
{
    availability_close(trial->availability, on_offers_closed, trial);
    sim_until(&trial->stage.sim, trial->closed);
}

static void trial_close(struct trial *trial)
{
    close_offers(trial);
    stage_close(&trial->stage);
    catalog_free(trial->languages);
}

static void pass(struct trial *trial)
{
    unsigned before = trial->passes;

    availability_check(trial->availability);
    sim_until(&trial->stage.sim, trial->passes > before);
}

static unsigned ready(const struct trial *trial)
{
    struct pool_counts counts;

    pool_counts(trial->stage.pool, NULL, &counts);
    return counts.ready;
}

/* What the name stands for; NULL: not offered. */
static const struct language_version *offered(const struct trial *trial, const char *name)
{
    struct language_version *version;

    return catalog_find(trial->languages, name, &version) != NULL ? version : NULL;
}

static void test_asks_each_image(void **state)
{
    struct trial trial;

    (void)state;
    trial_open(&trial);
    assert_null(offered(&trial, "aa"));
    pass(&trial);
    const struct language_version *aa = offered(&trial, "aa"), *bb = offered(&trial, "bb");
    if (aa == NULL || bb == NULL)
        abort();
    assert_string_equal(aa->reported, "3.13.5");
    assert_string_equal(bb->reported, "12.2");
    char *packages = json_dumps(aa->packages, JSON_COMPACT);
    assert_string_equal(packages,
                        "[{\"name\":\"numpy\",\"version\":\"2.1\"},{\"name\":\"requests\",\"version\":\"2.32.3\"}]");
    free(packages);
    assert_int_equal(json_array_size(bb->packages), 0);
    assert_int_equal(asked, 3);
    sim_until(&trial.stage.sim, ready(&trial) == 2);
    pass(&trial); /* the same images: nothing is asked */
    assert_int_equal(asked, 3);
    trial_close(&trial);
}

/* What an image said is kept by its id: the next server asks nothing. */
static void test_kept(void **state)
{
    struct trial trial;

    (void)state;
    trial_open(&trial);
    pass(&trial);
    close_offers(&trial);
    struct catalog *before = trial.languages; /* the pool knows them to its end */
    load(&trial);
    open_offers(&trial);
    pass(&trial);
    assert_int_equal(asked, 3);
    assert_string_equal(offered(&trial, "aa")->number, "3.13.5");
    assert_int_equal(json_array_size(offered(&trial, "aa")->packages), 2);
    trial_close(&trial);
    catalog_free(before);
}

/* Another image under the same name: its waiting cells go, and it is asked in a new one. */
static void test_rebuilt(void **state)
{
    struct trial trial;

    (void)state;
    trial_open(&trial);
    pass(&trial);
    sim_until(&trial.stage.sim, ready(&trial) == 2 && sim_alive(&trial.stage.sim) == 2);
    size_t boxes = trial.stage.sim.boxes_len;
    trial.stage.sim.image = "{\"Id\":\"sha256:2\",\"Config\":{\"Volumes\":null}}";
    pass(&trial);
    assert_int_equal(asked, 6);
    sim_until(&trial.stage.sim, ready(&trial) == 2 && sim_alive(&trial.stage.sim) == 2);
    for (size_t i = 0; i < boxes; i++)
        assert_true(trial.stage.sim.boxes[i].removed);
    assert_non_null(offered(&trial, "aa"));
    trial_close(&trial);
}

static void test_left_out(void **state)
{
    static const struct {
        struct sim_rule rule;
        const char *image;
        void (*program)(struct sim *sim, struct sim_box *box);
        const char *why;
    } cases[] = {
        {{.times = 1, .status = 404}, NULL, answers, "the engine does not have its image"},
        {{.times = 1, .status = 500}, NULL, answers, "the engine does not have its image"},
        {{0}, "{}", answers, "the engine does not have its image"},
        {{0}, "{\"Id\":\"sha256:3\",\"Config\":{\"Volumes\":{\"/data\":{}}}}", answers, "its image declares volumes"},
        {{0}, NULL, fails, "its version command failed"},
        {{0}, NULL, sim_hello, "its version command failed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;

        trial_open(&trial);
        sim_script(&trial.stage.sim, SIM_IMAGE, cases[i].rule);
        trial.stage.sim.image = cases[i].image;
        trial.stage.sim.program = cases[i].program;
        pass(&trial);
        assert_null(offered(&trial, "aa"));
        assert_string_equal(catalog_at(trial.languages, 0)->versions->left_out, cases[i].why);
        trial.stage.sim.image = NULL; /* it is better now */
        trial.stage.sim.program = answers;
        pass(&trial);
        assert_non_null(offered(&trial, "aa"));
        assert_non_null(offered(&trial, "bb"));
        trial_close(&trial);
    }
}

/* An image that was removed takes its language away, and the cells that waited. */
static void test_removed(void **state)
{
    struct trial trial;

    (void)state;
    trial_open(&trial);
    pass(&trial);
    sim_until(&trial.stage.sim, ready(&trial) == 2);
    sim_script(&trial.stage.sim, SIM_IMAGE, (struct sim_rule){.times = 2, .status = 404});
    pass(&trial);
    assert_null(offered(&trial, "aa"));
    assert_null(offered(&trial, "bb"));
    sim_until(&trial.stage.sim, sim_alive(&trial.stage.sim) == 0);
    trial_close(&trial);
}

/* The engine goes in the middle: the pass is given up, its return begins another. */
static void test_engine_goes(void **state)
{
    static const enum sim_op ops[] = {SIM_IMAGE, SIM_START};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct trial trial;

        trial_open(&trial);
        sim_hold(&trial.stage.sim, ops[i]);
        availability_check(trial.availability);
        sim_until(&trial.stage.sim, trial.stage.sim.counts[ops[i]] >= 1);
        sim_go_away(&trial.stage.sim);
        sim_until(&trial.stage.sim, !trial.stage.sim.up);
        sim_idle(&trial.stage.sim);
        assert_null(offered(&trial, "aa"));
        trial.stage.sim.held[ops[i]] = false;
        sim_come_back(&trial.stage.sim);
        sim_until(&trial.stage.sim, trial.stage.sim.up);
        pass(&trial);
        assert_non_null(offered(&trial, "aa"));
        trial_close(&trial);
    }
}

/* Asked again while a pass is under way: another follows. */
static void test_again(void **state)
{
    struct trial trial;

    (void)state;
    trial_open(&trial);
    availability_check(trial.availability);
    availability_check(trial.availability);
    availability_check(trial.availability);
    sim_until(&trial.stage.sim, trial.passes == 2);
    sim_idle(&trial.stage.sim);
    assert_int_equal(trial.passes, 2);
    sim_skip(&trial.stage.sim, AVAILABILITY_PERIOD_MS); /* and by itself from time to time */
    sim_until(&trial.stage.sim, trial.passes == 3);
    trial_close(&trial);
}

static void test_stop_at_each_point(void **state)
{
    static const enum sim_op ops[] = {SIM_IMAGE, SIM_CREATE, SIM_START, SIM_OPS};

    (void)state;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct trial trial;

        trial_open(&trial);
        trial.stage.sim.program = NULL;
        unsigned before = ops[i] != SIM_OPS ? trial.stage.sim.counts[ops[i]] : 0;
        if (ops[i] != SIM_OPS)
            sim_hold(&trial.stage.sim, ops[i]);
        availability_check(trial.availability);
        if (ops[i] != SIM_OPS)
            sim_until(&trial.stage.sim, trial.stage.sim.counts[ops[i]] > before);
        else
            sim_until(&trial.stage.sim, sim_last(&trial.stage.sim) != NULL && sim_last(&trial.stage.sim)->job.len > 0);
        availability_stop(trial.availability);
        availability_check(trial.availability); /* nothing any more */
        if (ops[i] != SIM_OPS)
            sim_release(&trial.stage.sim, ops[i]);
        trial_close(&trial);
        assert_int_equal(trial.passes, 0);
    }
}

/* While the database has the question. */
static void test_stop_while_reading(void **state)
{
    struct trial trial;

    (void)state;
    trial_open(&trial);
    stage_block(&trial.stage);
    availability_check(trial.availability);
    sim_until(&trial.stage.sim, store_queued(trial.stage.store) == 2);
    availability_stop(trial.availability);
    stage_unblock(&trial.stage);
    trial_close(&trial);
    assert_int_equal(asked, 0);
}

static void write_versions(struct trial *trial)
{
    write_language(trial->stage.dir, "dd",
                   ",\"versions\":[{\"image\":\"dd-new\",\"version\":{\"argv\":[\"newer-dd\"]}},"
                   "{\"name\":\"other\",\"version\":{\"argv\":[\"other-dd\"]},\"aliases\":[\"dd-other\"]}]");
    close_offers(trial);
    catalog_free(trial->languages);
    load(trial);
    open_offers(trial);
}

/* Which cells wait: of dd's one version, by its image. */
static unsigned waiting_of(const struct trial *trial, const char *name)
{
    unsigned waiting_cells = 0;

    for (size_t i = 0; i < trial->stage.sim.boxes_len; i++) {
        const struct sim_box *box = &trial->stage.sim.boxes[i];
        waiting_cells += !box->removed && strcmp(box->image, name) == 0;
    }
    return waiting_cells;
}

/* Each version by itself: the newest is the default, and its cells wait; one whose image goes leaves out itself alone.
 */
static void test_versions(void **state)
{
    struct trial trial;

    (void)state;
    trial_open(&trial);
    write_versions(&trial);
    trial.stage.sim.absent = "dd-new";
    pass(&trial);
    assert_string_equal(offered(&trial, "dd")->reported, "1.9");
    assert_string_equal(offered(&trial, "dd-other")->reported, "other-7.0");
    assert_string_equal(catalog_at(trial.languages, 2)->versions[1].left_out, "the engine does not have its image");
    sim_until(&trial.stage.sim, ready(&trial) == 3 && waiting_of(&trial, "dd-image") == 1);
    trial.stage.sim.absent = NULL; /* it is built */
    unsigned before = asked;
    pass(&trial);
    assert_int_equal(asked, before + 1);
    assert_string_equal(offered(&trial, "dd")->reported, "1.10");
    sim_until(&trial.stage.sim, ready(&trial) == 3 && waiting_of(&trial, "dd-new") == 1);
    assert_int_equal(waiting_of(&trial, "dd-image"), 0);
    trial.stage.sim.absent = "dd-new"; /* and goes again */
    pass(&trial);
    assert_string_equal(offered(&trial, "dd")->reported, "1.9");
    sim_until(&trial.stage.sim, ready(&trial) == 3 && waiting_of(&trial, "dd-image") == 1);
    trial_close(&trial);
}

/* What images say of themselves needs no container; what they do not say is asked. */
static void test_labels(void **state)
{
    static const struct {
        const char *image;
        unsigned asked;
    } cases[] = {
        {"one", 0}, {"two", 3}, /* another image made from it */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial;
        json_t *label =
            json_pack("{s:[s], s:[{s:[s], s:{}, s:s}, {s:[s], s:{}, s:s}, {s:[s], s:{}, s:s}]}", "layers", "one",
                      "answers", "argv", "version-of-aa", "env", "output", "3.13.5", "argv", "packages-of-aa", "env",
                      "output", "numpy 2.1\nrequests 2.32.3\n", "argv", "version-of-bb", "env", "output", "bb 12.2");
        char *text = json_dumps(label, 0);
        json_t *image = json_pack("{s:s, s:{s:{s:s}}, s:{s:[s]}}", "Id", "sha256:1", "Config", "Labels",
                                  "io.codecell.facts", text, "RootFS", "Layers", cases[i].image);
        char *answer = json_dumps(image, 0);

        trial_open(&trial);
        trial.stage.sim.image = answer;
        pass(&trial);
        assert_int_equal(asked, cases[i].asked);
        assert_string_equal(offered(&trial, "aa")->number, "3.13.5");
        assert_int_equal(json_array_size(offered(&trial, "aa")->packages), 2);
        assert_string_equal(offered(&trial, "bb")->number, "12.2");
        trial_close(&trial);
        free(text);
        free(answer);
        json_decref(label);
        json_decref(image);
    }
}

/* A request that waits. */
struct waiter {
    struct availability_wait wait;
    bool done;
};

static void on_known(struct availability_wait *wait)
{
    ((struct waiter *)wait)->done = true;
}

static int await_language(struct trial *trial, struct waiter *waiter, const char *name, struct error *error)
{
    struct language *language = catalog_expected(trial->languages, name);

    assert_non_null(language);
    *waiter = (struct waiter){.wait = {.language = language, .done = on_known}};
    return availability_await(trial->availability, &waiter->wait, 5000, error);
}

/* All that is asked but dd hangs. */
static void only_dd_answers(struct sim *sim, struct sim_box *box)
{
    if (strstr(box->job.data, "dd") != NULL)
        answers(sim, box);
    else
        asked++;
}

/* A trial whose background questions all hang. */
static void open_hanging(struct trial *trial)
{
    trial_open(trial);
    write_versions(trial);
    trial->stage.sim.program = only_dd_answers;
    availability_check(trial->availability);
    sim_until(&trial->stage.sim, asked == AVAILABILITY_AT_ONCE);
}

/* It goes before those that are asked in the background, and waits for all versions of its language. */
static void test_what_a_request_waits_for_comes_first(void **state)
{
    struct trial trial;
    struct waiter one, two;
    struct error error = {0};

    (void)state;
    open_hanging(&trial);
    assert_int_equal(await_language(&trial, &one, "dd", &error), 0);
    assert_int_equal(await_language(&trial, &two, "dd-other", &error), 0);
    sim_until(&trial.stage.sim, one.done && two.done);
    assert_string_equal(offered(&trial, "dd")->reported, "1.10");
    assert_string_equal(offered(&trial, "dd-other")->reported, "other-7.0");
    assert_int_equal(asked, AVAILABILITY_AT_ONCE + 3);
    assert_null(offered(&trial, "aa"));
    trial_close(&trial);
}

/* Before any pass, and while a pass has only looked at its image. */
static void test_a_request_waits_without_a_pass(void **state)
{
    struct trial trial;
    struct waiter waiter;
    struct error error = {0};

    (void)state;
    trial_open(&trial);
    assert_int_equal(await_language(&trial, &waiter, "bb", &error), 0);
    sim_until(&trial.stage.sim, waiter.done);
    assert_string_equal(offered(&trial, "bb")->number, "12.2");
    assert_null(offered(&trial, "aa"));
    trial.stage.sim.absent = "aa";
    assert_int_equal(await_language(&trial, &waiter, "aa", &error), 0);
    sim_until(&trial.stage.sim, waiter.done);
    assert_null(catalog_expected(trial.languages, "aa"));
    trial_close(&trial);
}

/* How a wait ends without an answer. */
static void test_a_wait_in_vain(void **state)
{
    struct error error = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct trial trial;
        struct waiter waiter;

        open_hanging(&trial);
        assert_int_equal(await_language(&trial, &waiter, "aa", &error), 0);
        sim_idle(&trial.stage.sim);
        assert_false(waiter.done);
        switch (i) {
        case 0:
            sim_skip(&trial.stage.sim, 5000);
            sim_until(&trial.stage.sim, waiter.done);
            break;
        case 1:
            availability_drain(trial.availability);
            assert_true(waiter.done);
            assert_int_equal(await_language(&trial, &waiter, "bb", &error), -1);
            assert_string_equal(error.text, "The server is shutting down. Please try again later.");
            break;
        case 2:
            sim_go_away(&trial.stage.sim);
            sim_until(&trial.stage.sim, waiter.done && !trial.stage.sim.up);
            assert_int_equal(await_language(&trial, &waiter, "bb", &error), -1);
            assert_string_equal(error.text, "The container engine is not reachable. Please try again later.");
            break;
        default:
            availability_leave(trial.availability, &waiter.wait);
            availability_stop(trial.availability);
            assert_false(waiter.done);
        }
        assert_non_null(catalog_expected(trial.languages, "aa"));
        assert_int_equal(error.code == ERROR_NONE || error.code == ERROR_UNAVAILABLE, true);
        trial_close(&trial);
    }
}

static void test_no_more_wait_than_may(void **state)
{
    struct trial trial;
    struct waiter waiters[3];
    struct error error = {0};

    (void)state;
    open_hanging(&trial);
    assert_int_equal(await_language(&trial, &waiters[0], "aa", &error), 0);
    assert_int_equal(await_language(&trial, &waiters[1], "aa", &error), 0);
    assert_int_equal(await_language(&trial, &waiters[2], "aa", &error), -1);
    assert_string_equal(error.text, "The queue is full. Please try again later.");
    availability_leave(trial.availability, &waiters[0].wait);
    assert_int_equal(await_language(&trial, &waiters[2], "aa", &error), 0);
    trial_close(&trial);
    assert_true(waiters[1].done && waiters[2].done && !waiters[0].done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asks_each_image),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_rebuilt),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_removed),
        cmocka_unit_test(test_engine_goes),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_stop_at_each_point),
        cmocka_unit_test(test_stop_while_reading),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_what_a_request_waits_for_comes_first),
        cmocka_unit_test(test_a_request_waits_without_a_pass),
        cmocka_unit_test(test_a_wait_in_vain),
        cmocka_unit_test(test_no_more_wait_than_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
