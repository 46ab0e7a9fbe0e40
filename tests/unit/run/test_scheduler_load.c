/* How long a key waits beside others: clients that send again as soon as they are answered, on a clock of their own.
 * The one that is looked at runs a short program now and then; its waits are told in units of such a program. */
#include "run/scheduler.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000u
#define SHORT_MS 100u
#define CLIENTS_MAX 1200u
#define NEVER UINT64_MAX

/* `keys` keys of `clients` clients each, with programs of so many milliseconds in turn. */
struct load {
    unsigned keys, clients;
    uint64_t first_ms, second_ms;
};

struct scene {
    const char *what;
    struct scheduler_options options;
    struct load loads[2];
    uint64_t from_ms, to_ms; /* when the newcomer comes, and the end */
    unsigned worst;          /* the longest wait, in short programs */
};

struct client {
    struct turn turn; /* first: of a turn its client */
    int64_t key;
    uint64_t lengths_ms[2];
    uint64_t pause_ns; /* between an answer and the next request */
    uint64_t due_ns;   /* it sends, or its program ends; NEVER: it waits for its turn */
    uint64_t sent_ns;
    unsigned programs;
};

struct stage {
    const struct scene *scene;
    struct scheduler scheduler;
    struct client clients[CLIENTS_MAX]; /* the first is the newcomer */
    size_t len;
    uint64_t now_ns, worst_ns;
    unsigned served, refused, most; /* of the newcomer; that ran at once */
};

static void add(struct stage *stage, int64_t key, const struct load *load)
{
    assert_true(stage->len < CLIENTS_MAX);
    stage->clients[stage->len++] =
        (struct client){.key = key, .lengths_ms = {load->first_ms, load->second_ms}, .pause_ns = MS};
}

static void fill(struct stage *stage, const struct scene *scene)
{
    int64_t key = 2;

    memset(stage, 0, sizeof *stage);
    stage->scene = scene;
    scheduler_init(&stage->scheduler, &scene->options);
    add(stage, 1, &(struct load){1, 1, SHORT_MS, SHORT_MS});
    stage->clients[0].due_ns = scene->from_ms * MS;
    stage->clients[0].pause_ns = (uint64_t)377 * MS; /* so that it meets the others at ever other moments */
    for (size_t i = 0; i < sizeof scene->loads / sizeof *scene->loads; i++)
        for (unsigned k = 0; k < scene->loads[i].keys; k++, key++)
            for (unsigned c = 0; c < scene->loads[i].clients; c++)
                add(stage, key, &scene->loads[i]);
}

static void refuse(struct stage *stage, struct client *client)
{
    client->due_ns = stage->now_ns + (uint64_t)SHORT_MS * MS;
    stage->refused += client == stage->clients;
}

static void send(struct stage *stage, struct client *client)
{
    struct turn *evicted;

    client->due_ns = NEVER;
    client->sent_ns = stage->now_ns;
    if (scheduler_push(&stage->scheduler, &client->turn, client->key, stage->now_ns, &evicted) == SCHEDULER_FULL)
        refuse(stage, client);
    if (evicted != NULL)
        refuse(stage, (struct client *)evicted);
}

static void act(struct stage *stage, struct client *client)
{
    if (client->turn.of == NULL) {
        send(stage, client);
        return;
    }
    scheduler_leave(&stage->scheduler, &client->turn, stage->now_ns);
    client->programs++;
    client->due_ns = stage->now_ns + client->pause_ns;
}

static void begin(struct stage *stage, struct client *client)
{
    uint64_t waited = stage->now_ns - client->sent_ns;

    client->due_ns = stage->now_ns + client->lengths_ms[client->programs % 2] * MS;
    if (client != stage->clients)
        return;
    stage->served++;
    if (waited > stage->worst_ns)
        stage->worst_ns = waited;
}

static void give_turns(struct stage *stage)
{
    struct turn *turn;

    while ((turn = scheduler_next(&stage->scheduler, stage->now_ns)) != NULL)
        begin(stage, (struct client *)turn);
    if (stage->scheduler.running > stage->most)
        stage->most = stage->scheduler.running;
}

static uint64_t next_moment(const struct stage *stage)
{
    uint64_t when = scheduler_when(&stage->scheduler, stage->now_ns), next = when != 0 ? when : NEVER;

    for (size_t i = 0; i < stage->len; i++)
        if (stage->clients[i].due_ns < next)
            next = stage->clients[i].due_ns;
    return next;
}

static void play(struct stage *stage, const struct scene *scene)
{
    fill(stage, scene);
    while (stage->now_ns < scene->to_ms * MS) {
        for (size_t i = stage->len; i-- > 0;) /* the newcomer last, of those at the same moment */
            if (stage->clients[i].due_ns <= stage->now_ns) {
                act(stage, &stage->clients[i]);
                give_turns(stage);
            }
        give_turns(stage);
        stage->now_ns = next_moment(stage);
    }
    for (size_t i = 0; i < stage->len; i++)
        if (stage->clients[i].turn.of != NULL)
            scheduler_leave(&stage->scheduler, &stage->clients[i].turn, stage->now_ns);
    scheduler_free(&stage->scheduler);
}

#define HALF_A_SECOND 5 /* SCHEDULER_SHORT_NS, in short programs */

static const struct scene scenes[] = {
    {"one slot, 64 jobs of 300 s", {1, 1, 1000}, {{1, 64, 300000, 300000}}, 0, 900000, 0},
    {"two slots", {2, 2, 1000}, {{1, 64, 300000, 300000}}, 0, 900000, 0},
    {"eight slots", {8, 8, 1000}, {{1, 64, 300000, 300000}}, 0, 900000, 0},
    {"eight slots and nothing beyond them", {8, 0, 1000}, {{1, 64, 300000, 300000}}, 0, 900000, 0},
    {"a queue that is full of them", {4, 4, 64}, {{1, 1000, 300000, 300000}}, 1, 900000, 0},
    {"a full queue of several", {4, 4, 64}, {{3, 300, 300000, 300000}}, 1, 900000, HALF_A_SECOND},
    {"no queue", {4, 4, 0}, {{1, 100, 300000, 300000}}, 1, 900000, 0},
    {"a full queue of short ones", {4, 4, 64}, {{1, 1000, 90, 90}}, 1, 60000, 0},
    {"three keys hold all", {4, 4, 1000}, {{3, 64, 300000, 300000}}, 1, 900000, HALF_A_SECOND},
    {"one slot, and three keys", {1, 4, 1000}, {{3, 64, 300000, 300000}}, 1, 900000, HALF_A_SECOND},
    {"one that alternates", {4, 4, 1000}, {{1, 64, 90, 30000}}, 0, 300000, 0},
    {"three that alternate", {4, 4, 1000}, {{3, 64, 90, 30000}}, 0, 900000, HALF_A_SECOND},
    {"programs just short of long", {4, 4, 1000}, {{1, 64, 490, 490}}, 0, 60000, 0},
    {"three keys of these", {4, 4, 1000}, {{3, 64, 490, 490}}, 0, 60000, HALF_A_SECOND},
    {"twenty keys of one short program each", {4, 4, 1000}, {{20, 1, SHORT_MS, SHORT_MS}}, 0, 60000, 20 / 4 + 1},
    {"beside a key of long ones", {4, 4, 1000}, {{20, 1, SHORT_MS, SHORT_MS}, {1, 64, 300000, 300000}}, 0, 60000, 20},
    {"twenty keys of long ones, once they are known",
     {4, 4, 1000},
     {{20, 4, 30000, 30000}},
     200000,
     900000,
     HALF_A_SECOND},
};

static void a_newcomer_is_served(void **state)
{
    static struct stage stage;

    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        const struct scene *scene = &scenes[i];
        play(&stage, scene);
        double worst = (double)stage.worst_ns / MS / SHORT_MS;
        printf("%s: %u served, worst wait %.2f short programs, %u refused, %u at once\n", scene->what, stage.served,
               worst, stage.refused, stage.most);
        if (worst > scene->worst || stage.refused > 0 ||
            stage.served < (scene->to_ms - scene->from_ms) / (477 + scene->worst * SHORT_MS) ||
            stage.most > scene->options.concurrency + scene->options.extra)
            fail_msg("%s", scene->what);
    }
}

/* What it costs the one that is alone: one slot. */
static void a_lone_key_has_all_slots_but_one(void **state)
{
    static const struct {
        unsigned concurrency, extra, most;
    } cases[] = {{1, 0, 1}, {1, 4, 1}, {2, 4, 1}, {3, 0, 2}, {8, 8, 7}, {500, 100, 499}};
    static struct stage stage;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct scene scene = {.what = "alone",
                                    .options = {cases[i].concurrency, cases[i].extra, 1000},
                                    .loads = {{1, 600, 30000, 30000}},
                                    .from_ms = 100000,
                                    .to_ms = 90000};
        play(&stage, &scene);
        assert_int_equal(stage.most, cases[i].most);
    }
}

/* Two keys that want all get the same, and so do three: who was there first keeps no more. */
static void long_jobs_are_shared(void **state)
{
    static struct stage stage;

    (void)state;
    for (unsigned keys = 2; keys <= 3; keys++) {
        const struct scene scene = {.what = "shared",
                                    .options = {7, 7, 1000},
                                    .loads = {{1, 50, 10000, 10000}, {keys - 1, 50, 10000, 10000}},
                                    .from_ms = 4000000,
                                    .to_ms = 3600000};
        unsigned least = UINT32_MAX, most = 0;
        play(&stage, &scene);
        for (unsigned k = 0; k < keys; k++) {
            unsigned sum = 0;
            for (unsigned c = 0; c < 50; c++)
                sum += stage.clients[1 + k * 50 + c].programs;
            least = sum < least ? sum : least;
            most = sum > most ? sum : most;
        }
        printf("%u keys: %u to %u programs each\n", keys, least, most);
        assert_true(most - least <= most / 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newcomer_is_served),
        cmocka_unit_test(a_lone_key_has_all_slots_but_one),
        cmocka_unit_test(long_jobs_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
