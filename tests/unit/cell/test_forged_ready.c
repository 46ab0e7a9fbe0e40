/* An agent that was taken over has the container's standard output, and not its standard error. Whatever it says there,
 * the cell counts no READY but the keeper's: said once on each stream, with the same number, and nothing else between.
 */
#include "cell_stage.h"

#define NUMBER UINT64_C(0xfedcba9876543210) /* the keeper's */
#define OTHER (NUMBER + 1)                  /* a guess */

static void say_ready(struct stage *stage, enum sim_stream stream, uint32_t version, uint64_t number)
{
    sim_ready_on(&stage->sim, sim_last(&stage->sim), stream, &(struct frame_ready){version, number, 1u << 20});
}

/* The first bytes of READY: the next bytes on the stream are its rest. */
static void say_half(struct stage *stage)
{
    uint8_t bytes[FRAME_HEADER + 4];

    frame_header(bytes, FRAME_READY, 0, 0, FRAME_READY_SIZE);
    memset(bytes + FRAME_HEADER, FRAME_VERSION, 4);
    sim_say(&stage->sim, sim_last(&stage->sim), (const char *)bytes, sizeof bytes);
}

/* What a letter of a scenario stands for. Small letters are what the keeper says. */
static void say(struct stage *stage, char letter)
{
    struct sim *sim = &stage->sim;
    struct sim_box *box = sim_last(sim);

    switch (letter) {
    case 'o':
        say_ready(stage, SIM_STDOUT, FRAME_VERSION, NUMBER);
        break;
    case 'e':
        say_ready(stage, SIM_STDERR, FRAME_VERSION, NUMBER);
        break;
    case 'G':
        say_ready(stage, SIM_STDOUT, FRAME_VERSION, OTHER);
        break;
    case 'Z':
        say_ready(stage, SIM_STDOUT, FRAME_VERSION, 0);
        break;
    case 'V':
        say_ready(stage, SIM_STDOUT, FRAME_VERSION + 1, NUMBER);
        break;
    case 'E':
        say_ready(stage, SIM_STDERR, FRAME_VERSION, OTHER);
        break;
    case 'H':
        say_half(stage);
        break;
    case 'X':
        sim_output(sim, box, FRAME_STEP_RUN, FRAME_STDOUT, "x");
        break;
    case 'D':
        sim_done(sim, box);
        break;
    case 'F':
        sim_failed(sim, box, FRAME_FAIL_SYSTEM);
        break;
    case 'P':
        sim_prepared(sim, box, true, 1);
        break;
    case 'T':
        sim_say(sim, box, "text that is no frame", 21);
        break;
    default:
        fail_msg("no such letter: %c", letter);
    }
}

static void expect(struct stage *stage)
{
    struct sim_box *box = sim_last(&stage->sim);

    stage->ready = false;
    box->number = NUMBER;
    box->tmp_bytes = 0;
}

static void say_all(struct stage *stage, const char *letters)
{
    for (; *letters != '\0' && !stage->gone; letters++) {
        say(stage, *letters);
        sim_idle(&stage->sim);
    }
}

/* A cell whose first job is over, and which has been reset. */
static void open_reset(struct stage *stage)
{
    stage_open(stage);
    stage->sim.on_reset = SIM_SILENT;
    stage->sim.program = sim_hello;
    stage_make_ready(stage);
    stage_run(stage, NULL);
    sim_until(&stage->sim, stage->done);
    cell_reset(stage->cell);
    sim_until(&stage->sim, sim_last(&stage->sim)->resets == 1);
    expect(stage);
}

/* A cell that has just been started. */
static void open_started(struct stage *stage)
{
    stage_open(stage);
    stage->sim.mute = true;
    stage_make(stage);
    sim_until(&stage->sim, cell_state(stage->cell) == CELL_STARTING && sim_last(&stage->sim)->client != NULL);
    expect(stage);
}

static void close_gone(struct stage *stage, const char *letters)
{
    if (stage->ready || !stage->ending)
        fail_msg("%s: %s", letters, stage->ready ? "it counts" : "the cell goes on");
    sim_until(&stage->sim, stage->gone);
    assert_int_equal(sim_alive(&stage->sim), 0);
    assert_int_equal(stage->error.code, ERROR_INTERNAL);
    stage_close(stage);
}

static const char *const forged[] = {
    "oo",  "ee",                                             /* twice on one stream */
    "Ge",  "oE",   "eG",  "Eo",  "Ze",  "GG",                /* another number */
    "Voe", "eV",                                             /* another version */
    "oXe", "Xoe",  "eXo", "oDe", "Doe", "eDo", "oFe", "Foe", /* what else an agent says, before, between and behind */
    "oPe", "PPoe", "Toe", "eT",  "GPe", "Hoe", "eHo", "XGe", "Goe", "Geo",
};

static void test_does_not_count(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        struct stage stage;
        open_reset(&stage);
        say_all(&stage, forged[i]);
        close_gone(&stage, forged[i]);
        if (strchr(forged[i], 'P') != NULL)
            continue; /* nothing was prepared in it yet */
        open_started(&stage);
        say_all(&stage, forged[i]);
        close_gone(&stage, forged[i]);
    }
}

/* In whichever order the two words come, the keeper's count. */
static void test_counts(void **state)
{
    static const char *const good[] = {"oe", "eo"};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof good / sizeof *good; i++) {
        struct stage stage;
        if (i % 2 == 0)
            open_reset(&stage);
        else
            open_started(&stage);
        say_all(&stage, good[i / 2]);
        assert_true(stage.ready);
        sim_until(&stage.sim, sim_last(&stage.sim)->tmp_bytes != 0); /* OPEN came, with NUMBER */
        stage_end(&stage);
        stage_close(&stage);
    }
}

/* One of the words alone is waited for, and no longer than the cell's deadline. */
static void test_one_word_is_not_enough(void **state)
{
    static const char *const words[] = {"o", "e", "G", "H", "HHe", ""};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct stage stage;
        open_reset(&stage);
        say_all(&stage, words[i]);
        assert_false(stage.ready || stage.ending);
        sim_skip(&stage.sim, CELL_RESET_MS + 1);
        sim_until(&stage.sim, stage.ending);
        close_gone(&stage, words[i]);
    }
}

/* READY where none is awaited: behind the keeper's, and while a job runs. */
static void test_out_of_turn(void **state)
{
    (void)state;
    for (const char *letter = "oeGE"; *letter != '\0'; letter++) {
        struct stage stage;
        open_reset(&stage);
        say_all(&stage, "oe");
        assert_true(stage.ready);
        say(&stage, *letter);
        sim_until(&stage.sim, stage.gone);
        stage_close(&stage);

        stage_open(&stage);
        stage_make_ready(&stage);
        stage_run(&stage, NULL);
        sim_until(&stage.sim, sim_last(&stage.sim)->busy);
        say(&stage, *letter);
        sim_until(&stage.sim, stage.done);
        assert_int_equal(stage.outcome, CELL_LOST);
        stage_end(&stage);
        stage_close(&stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_does_not_count),
        cmocka_unit_test(test_one_word_is_not_enough),
        cmocka_unit_test(test_out_of_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
