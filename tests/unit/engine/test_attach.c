/* The hijacked stream: opening, both ways, pressure, every way to end, closing at each point. */
#include "engine_bench.h"

#include "docker/engine/attach.h"
#include "docker/engine/engine_private.h"
#include "docker/engine/stream.h"

#include <string.h>

#define FRAME_HELLO "\1\0\0\0\0\0\0\5hello"

/* A stream as its owner sees it. */
struct owner {
    struct bench *bench;
    struct attach *attach;
    struct buf data;
    size_t want;
    const char *close_at; /* the event to close within */
    unsigned pieces;
    struct error error;
    bool open, ended, drained, some, whole; /* some: bytes came; whole: as many as wanted */
    bool pause_each;                        /* pauses within each piece */
};

static void maybe_close(struct owner *owner, const char *event)
{
    if (owner->close_at == NULL || strcmp(owner->close_at, event) != 0)
        return;
    attach_close(owner->attach);
    owner->attach = NULL;
}

static void on_open(void *arg)
{
    struct owner *owner = arg;

    assert_false(owner->open);
    owner->open = true;
    maybe_close(owner, "open");
}

static void on_data(void *arg, const uint8_t *data, size_t len)
{
    struct owner *owner = arg;

    assert_true(owner->open && !owner->ended && len > 0);
    assert_non_null(owner->attach);
    buf_append(&owner->data, data, len);
    owner->some = true;
    owner->whole = owner->data.len >= owner->want;
    owner->pieces++;
    if (owner->pause_each)
        attach_pause(owner->attach, true);
    maybe_close(owner, "data");
}

static void on_drain(void *arg)
{
    struct owner *owner = arg;

    assert_true(attach_queued(owner->attach) < ATTACH_LOW);
    owner->drained = true;
    maybe_close(owner, "drain");
}

static void on_end(void *arg, const struct error *error)
{
    struct owner *owner = arg;

    assert_false(owner->ended);
    assert_non_null(owner->attach);
    owner->ended = true;
    owner->error = *error;
    maybe_close(owner, "end");
}

static int write_bytes(struct attach *attach, const void *data, size_t len)
{
    struct buf bytes;

    buf_init(&bytes, len);
    assert_int_equal(buf_append(&bytes, data, len), 0);
    int result = attach_write(attach, &bytes);
    assert_null(bytes.data); /* taken over, or freed */
    return result;
}

static const struct attach_events events = {
    .on_open = on_open, .on_data = on_data, .on_drain = on_drain, .on_end = on_end};

static void owner_start(struct owner *owner, struct bench *bench, uint64_t deadline_ms)
{
    *owner = (struct owner){.bench = bench};
    buf_init(&owner->data, (size_t)64 << 20);
    owner->attach = attach_open(bench->engine, "abc", deadline_ms, &events, owner);
    assert_non_null(owner->attach);
    assert_false(owner->ended); /* never from within */
}

static void owner_open(struct owner *owner, struct bench *bench)
{
    owner_start(owner, bench, 10000);
    run_until(&bench->loop, &owner->open);
}

static void owner_close(struct owner *owner)
{
    if (owner->attach != NULL)
        attach_close(owner->attach);
    buf_free(&owner->data);
}

static void finish(struct owner *owner, struct bench *bench)
{
    owner_close(owner);
    bench_close(bench);
}

static const struct fake_rule upgrade[] = {{.match = "/attach", .data = UPGRADED, .stream = true}, {0}};

static void assert_data(const struct owner *owner, const char *text)
{
    assert_int_equal(owner->data.len, strlen(text));
    assert_memory_equal(owner->data.data, text, strlen(text));
}

static void test_both_ways(void **state)
{
    struct bench bench;
    struct owner owner;

    (void)state;
    bench_open(&bench, upgrade);
    owner_open(&owner, &bench);
    assert_non_null(strstr(bench.fake.request.data,
                           "POST /v1.41/containers/abc/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(bench.fake.request.data, "\r\nHost: docker\r\n"));
    assert_non_null(strstr(bench.fake.request.data, "\r\nUpgrade: tcp\r\n"));
    assert_int_equal(write_bytes(owner.attach, "one ", 4), 0);
    assert_int_equal(write_bytes(owner.attach, "two", 3), 0);
    assert_int_equal(attach_queued(owner.attach), 0); /* written without a turn of the loop */
    while (bench.fake.stream.len < 7)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_memory_equal(bench.fake.stream.data, "one two", 7);
    assert_int_equal(attach_queued(owner.attach), 0);
    fake_send_frame(&bench.fake, 2, "noise", 5);
    fake_send_frame(&bench.fake, 1, "hello", 5);
    fake_send_frame(&bench.fake, 1, "", 0);
    fake_send_frame(&bench.fake, 0, "echo", 4);
    fake_send_frame(&bench.fake, 1, " world", 6);
    owner.want = 11;
    run_until(&bench.loop, &owner.whole);
    assert_data(&owner, "hello world");
    run_turns(&bench.loop, 5);
    fake_hang_up(&bench.fake);
    run_until(&bench.loop, &owner.ended);
    assert_int_equal(owner.error.code, ERROR_NONE);
    assert_false(owner.drained); /* the queue was never high */
    finish(&owner, &bench);
}

/* Bytes after the head belong to the stream, in one read with it or in any pieces. */
static void test_pieces(void **state)
{
    static const char answer[] = UPGRADED FRAME_HELLO "\2\0\0\0\0\0\0\3err\1\0\0\0\0\0\0\3 ho";
    static const char plain[] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n" FRAME_HELLO "\1\0\0\0\0\0\0\3 ho";
    static const size_t pieces[] = {0, 1, 2, 3, 7, 13, 50};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof pieces / sizeof *pieces; i++) {
        const struct fake_rule rules[] = {{.match = "/attach",
                                           .data = i % 2 == 0 ? answer : plain,
                                           .len = i % 2 == 0 ? sizeof answer - 1 : sizeof plain - 1,
                                           .piece = pieces[i / 2],
                                           .hangup = true},
                                          {0}};
        struct bench bench;
        struct owner owner;

        bench_open(&bench, rules);
        owner_start(&owner, &bench, 10000);
        run_until(&bench.loop, &owner.ended);
        assert_true(owner.open);
        assert_int_equal(owner.error.code, ERROR_NONE);
        assert_data(&owner, "hello ho");
        finish(&owner, &bench);
    }
}

/* More bytes after the head, in one read, than a head may have. */
static void test_much_behind_head(void **state)
{
    struct bench bench;
    struct owner owner;
    struct buf answer;
    static char bytes[100000];

    (void)state;
    buf_init(&answer, 1 << 20);
    buf_puts(&answer, UPGRADED);
    buf_append(&answer, "\1\0\0\0\0\1\x86\xa0", 8);
    buf_append(&answer, bytes, sizeof bytes);
    const struct fake_rule rules[] = {{.match = "/attach", .data = answer.data, .len = answer.len, .hangup = true},
                                      {0}};
    bench_open(&bench, rules);
    owner_start(&owner, &bench, 10000);
    run_until(&bench.loop, &owner.ended);
    assert_int_equal(owner.error.code, ERROR_NONE);
    assert_int_equal(owner.data.len, sizeof bytes);
    finish(&owner, &bench);
    buf_free(&answer);
}

/* Refusals, invalid answers and cut ones: on_end alone, with its reason. */
static void test_refusals(void **state)
{
    static char long_head[STREAM_HEAD_MAX + 100], long_body[STREAM_HEAD_MAX + 200];
    static const struct {
        const char *answer;
        size_t piece;
        bool open_end; /* the connection stays */
        enum error_code code;
        const char *text;
    } cases[] = {
        {"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 41\r\n\r\n"
         "{\"message\":\"No such container: abc {}\"}\n",
         0, true, ERROR_NOT_FOUND, "No such container: abc {}"},
        {"HTTP/1.1 409 Conflict\r\nTransfer-Encoding: chunked\r\n\r\n2f\r\n"
         "{\"cause\":\"x\",\"message\":\"crun: no such program\"}\r\n0\r\n\r\n",
         3, true, ERROR_CONFLICT, "crun: no such program"},
        {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 0, false, ERROR_INTERNAL, "answered 500"},
        {"HTTP/1.1 500 Oops\r\n\r\n{\"message\": \"half", 0, false, ERROR_INTERNAL, "answered 500"},
        {"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", 0, false, ERROR_INTERNAL, "answered 302"},
        {long_body, 0, true, ERROR_INTERNAL, "answered 500"},
        {long_head, 0, true, ERROR_INTERNAL, "not understood"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, true, ERROR_INTERNAL, "not understood"},
        {"HTTP/1.1 2x0 OK\r\n\r\n", 0, true, ERROR_INTERNAL, "not understood"},
        {"HTTP/2 101\r\n\r\n", 0, true, ERROR_INTERNAL, "not understood"},
        {"garbage", 1, true, ERROR_INTERNAL, "not understood"},
        {"HTTP/1.1 101 UPGR", 5, false, ERROR_UNAVAILABLE, "in the middle"},
        {"", 0, false, ERROR_UNAVAILABLE, "in the middle"},
    };

    (void)state;
    snprintf(long_head, sizeof long_head, "HTTP/1.1 101 UPGRADED\r\nX: %0*d", (int)STREAM_HEAD_MAX, 1);
    snprintf(long_body, sizeof long_body, "HTTP/1.1 500 Oops\r\n\r\n%0*d", (int)STREAM_HEAD_MAX + 50, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fake_rule rules[] = {
            {.match = "/attach", .data = cases[i].answer, .piece = cases[i].piece, .hangup = !cases[i].open_end}, {0}};
        struct bench bench;
        struct owner owner;

        bench_open(&bench, rules);
        owner_start(&owner, &bench, 10000);
        run_until(&bench.loop, &owner.ended);
        assert_false(owner.open);
        assert_int_equal(owner.error.code, cases[i].code);
        assert_non_null(strstr(owner.error.text, cases[i].text));
        finish(&owner, &bench);
    }
}

static void test_deadline(void **state)
{
    static const char *const answers[] = {NULL, "HTTP/1.1 101 UP", "HTTP/1.1 500 Oops\r\n\r\n{"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct fake_rule rules[] = {{.match = "/attach", .data = answers[i]}, {0}};
        struct bench bench;
        struct owner owner;

        bench_open(&bench, rules);
        owner_start(&owner, &bench, 50);
        run_until(&bench.loop, &owner.ended);
        assert_int_equal(owner.error.code, ERROR_UNAVAILABLE);
        assert_non_null(strstr(owner.error.text, "in time"));
        run_turns(&bench.loop, 3); /* not closed by its owner yet */
        finish(&owner, &bench);
    }
}

/* A deadline that passes before curl has said anything: what curl says then is too late. */
static void test_deadline_while_connecting(void **state)
{
    struct bench bench;
    struct owner owner;

    (void)state;
    bench_open(&bench, upgrade);
    owner_start(&owner, &bench, 0);
    run_until(&bench.loop, &owner.ended);
    run_turns(&bench.loop, 10);
    assert_false(owner.open && owner.error.code == ERROR_NONE);
    finish(&owner, &bench);
}

static void test_engine_away(void **state)
{
    struct bench bench;
    struct owner early, gone, down;

    (void)state;
    bench_open_idle(&bench);
    bench_connect(&bench);
    owner_start(&early, &bench, 10000);
    run_until(&bench.loop, &early.ended);
    assert_int_equal(early.error.code, ERROR_UNAVAILABLE);
    owner_close(&early);
    run_until(&bench.loop, &bench.up);
    fake_stop(&bench.fake);
    owner_start(&gone, &bench, 10000);
    run_until(&bench.loop, &gone.ended);
    assert_int_equal(gone.error.code, ERROR_UNAVAILABLE);
    assert_false(engine_is_up(bench.engine));
    owner_close(&gone);
    owner_start(&down, &bench, 10000);
    run_until(&bench.loop, &down.ended);
    assert_int_equal(down.error.code, ERROR_UNAVAILABLE);
    finish(&down, &bench);
}

static void test_bad_frames(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum error_code code;
        const char *text, *data;
    } cases[] = {
        {"\4\0\0\0\0\0\0\1x", 9, ERROR_INTERNAL, "format", ""},
        {"\1\0\1\0\0\0\0\1x", 9, ERROR_INTERNAL, "format", ""},
        {FRAME_HELLO "HTTP/1.1", 21, ERROR_INTERNAL, "format", "hello"},
        {"\1\0\0\0\0\0\0\5hel", 11, ERROR_UNAVAILABLE, "in the middle", "hel"},
        {"\1\0\0", 3, ERROR_UNAVAILABLE, "in the middle", ""},
        {"\1\0\0\0\0\0\0\5", 8, ERROR_UNAVAILABLE, "in the middle", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench bench;
        struct owner owner;

        bench_open(&bench, upgrade);
        owner_open(&owner, &bench);
        fake_send(&bench.fake, cases[i].bytes, cases[i].len);
        run_turns(&bench.loop, 10);
        if (!owner.ended && bench.fake.streamer != NULL)
            fake_hang_up(&bench.fake);
        run_until(&bench.loop, &owner.ended);
        assert_int_equal(owner.error.code, cases[i].code);
        assert_non_null(strstr(owner.error.text, cases[i].text));
        assert_data(&owner, cases[i].data);
        finish(&owner, &bench);
    }
}

/* Paused, nothing comes; resumed, all comes, in order. */
static void test_pause(void **state)
{
    struct bench bench;
    struct owner owner;
    static char bytes[50000];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 % 251);
    bench_open(&bench, upgrade);
    owner_open(&owner, &bench);
    attach_pause(owner.attach, true);
    for (int i = 0; i < 40; i++)
        fake_send_frame(&bench.fake, 1, bytes, sizeof bytes);
    run_turns(&bench.loop, 50);
    assert_int_equal(owner.data.len, 0);
    owner.want = 40 * sizeof bytes;
    attach_pause(owner.attach, false);
    run_until(&bench.loop, &owner.whole);
    assert_int_equal(owner.data.len, owner.want);
    for (size_t i = 0; i < 40; i++)
        assert_memory_equal(owner.data.data + i * sizeof bytes, bytes, sizeof bytes);
    finish(&owner, &bench);
}

/* A pause within on_data keeps the other bytes of that read; the end comes after them. */
static void test_pause_within(void **state)
{
    static const char frames[] = "\1\0\0\0\0\0\0\1a\1\0\0\0\0\0\0\1b\2\0\0\0\0\0\0\1x\1\0\0\0\0\0\0\1c";
    struct bench bench;
    struct owner owner;

    (void)state;
    bench_open(&bench, upgrade);
    owner_open(&owner, &bench);
    owner.pause_each = true;
    fake_send(&bench.fake, frames, sizeof frames - 1);
    run_turns(&bench.loop, 5);
    fake_hang_up(&bench.fake);
    for (size_t i = 1; i <= 3; i++) {
        owner.some = false;
        if (i > 1)
            attach_pause(owner.attach, false);
        if (owner.data.len < i)
            run_until(&bench.loop, &owner.some);
        run_turns(&bench.loop, 10);
        assert_int_equal(owner.data.len, i);
        assert_int_equal(owner.pieces, i);
        assert_false(owner.ended);
    }
    attach_pause(owner.attach, false);
    run_until(&bench.loop, &owner.ended);
    assert_int_equal(owner.error.code, ERROR_NONE);
    assert_data(&owner, "abc");
    finish(&owner, &bench);
}

/* Fills the queue while the other side reads nothing. Returns how much it took. */
static size_t fill(struct owner *owner)
{
    static char bytes[100000];
    size_t total = 0;

    for (;;) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)((total + i) % 249);
        if (write_bytes(owner->attach, bytes, sizeof bytes) != 0) {
            owner->drained = false; /* the socket took the first ones */
            return total;
        }
        total += sizeof bytes;
        run_turns(&owner->bench->loop, 1);
    }
}

static void test_queue_cap(void **state)
{
    struct bench bench;
    struct owner owner;

    (void)state;
    bench_open(&bench, upgrade);
    owner_open(&owner, &bench);
    bench.fake.deaf = true;
    size_t total = fill(&owner), queued = attach_queued(owner.attach);
    assert_true(queued <= ATTACH_QUEUE_MAX && queued > ATTACH_QUEUE_MAX - 100000);
    run_turns(&bench.loop, 5);
    assert_false(owner.drained);
    fake_listen_again(&bench.fake);
    run_until(&bench.loop, &owner.drained);
    while (bench.fake.stream.len < total)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_equal(bench.fake.stream.len, total);
    for (size_t i = 0; i < total; i++)
        if ((unsigned char)bench.fake.stream.data[i] != i % 249)
            fail_msg("byte %zu is wrong", i);
    assert_int_equal(write_bytes(owner.attach, "x", 1), 0);
    finish(&owner, &bench);
}

static size_t write_counted(struct owner *owner, size_t from, size_t len)
{
    static char bytes[ATTACH_LOW];

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)((from + i) % 251);
    assert_int_equal(write_bytes(owner->attach, bytes, len), 0);
    return from + len;
}

/* Of what is written at once the socket may take a part or nothing: the rest, and all that follows, keeps its order. */
static void test_at_once_in_order(void **state)
{
    static const size_t sizes[] = {1, 1000, 30000, ATTACH_AT_ONCE - 1};

    (void)state;
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        struct bench bench;
        struct owner owner;
        size_t total = 0, at_once = 0;

        bench_open(&bench, upgrade);
        owner_open(&owner, &bench);
        bench.fake.deaf = true;
        while (attach_queued(owner.attach) == 0) { /* no turn of the loop: the socket fills */
            at_once = total;
            total = write_counted(&owner, total, sizes[n]);
        }
        assert_true(at_once > 0 && attach_queued(owner.attach) <= sizes[n]);
        total = write_counted(&owner, total, 3); /* may not overtake */
        total = write_counted(&owner, total, ATTACH_LOW);
        total = write_counted(&owner, total, 5);
        assert_false(owner.drained || owner.ended);
        run_turns(&bench.loop, 5);
        fake_listen_again(&bench.fake);
        run_until(&bench.loop, &owner.drained);
        while (bench.fake.stream.len < total)
            uv_run(&bench.loop, UV_RUN_ONCE);
        assert_int_equal(bench.fake.stream.len, total);
        for (size_t i = 0; i < total; i++)
            if ((unsigned char)bench.fake.stream.data[i] != i % 251)
                fail_msg("byte %zu of %zu is wrong", i, total);
        finish(&owner, &bench);
    }
}

/* A write that fails fires no event from within. What the other side had sent is read first, then its end. */
static void test_at_once_to_nobody(void **state)
{
    struct bench bench;
    struct owner owner;

    (void)state;
    bench_open(&bench, upgrade);
    owner_open(&owner, &bench);
    fake_send(&bench.fake, FRAME_HELLO, 13);
    fake_hang_up(&bench.fake);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(write_bytes(owner.attach, "job", 3), 0);
        assert_int_equal(attach_queued(owner.attach), 0);
        assert_false(owner.ended || owner.some || owner.drained);
    }
    run_until(&bench.loop, &owner.ended);
    assert_data(&owner, "hello");
    assert_false(owner.drained);
    finish(&owner, &bench);
}

/* The other side goes away while much waits to be written: no event but the end. */
static void test_cut_with_queue(void **state)
{
    struct bench bench;
    struct owner owner;

    (void)state;
    bench_open(&bench, upgrade);
    owner_open(&owner, &bench);
    bench.fake.deaf = true;
    fill(&owner);
    fake_hang_up(&bench.fake);
    run_until(&bench.loop, &owner.ended);
    assert_false(owner.drained);
    assert_int_equal(write_bytes(owner.attach, "x", 1), 0);
    assert_int_equal(attach_queued(owner.attach), 0);
    finish(&owner, &bench);
}

static void test_close_within_events(void **state)
{
    static const char *const names[] = {"open", "data", "drain", "end"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct bench bench;
        struct owner owner;

        bench_open(&bench, upgrade);
        owner_start(&owner, &bench, 10000);
        owner.close_at = names[i];
        run_until(&bench.loop, &owner.open);
        if (i == 1) {
            fake_send(&bench.fake, FRAME_HELLO FRAME_HELLO, 26);
            run_until(&bench.loop, &owner.some);
            assert_data(&owner, "hello"); /* and no second event */
        } else if (i == 2) {
            static char bytes[ATTACH_LOW];
            write_bytes(owner.attach, bytes, sizeof bytes);
            run_until(&bench.loop, &owner.drained);
        } else if (i == 3) {
            fake_hang_up(&bench.fake);
            run_until(&bench.loop, &owner.ended);
        }
        assert_null(owner.attach);
        run_turns(&bench.loop, 5);
        finish(&owner, &bench);
    }
}

/* Closed by its owner after any number of turns, before and after it is open, with bytes waiting. */
static void test_close_at_each_turn(void **state)
{
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        struct bench bench;
        struct owner owner;

        bench_open(&bench, upgrade);
        owner_start(&owner, &bench, 10000);
        run_turns(&bench.loop, turns);
        write_bytes(owner.attach, "abc", 3);
        attach_close(owner.attach);
        owner.attach = NULL;
        run_turns(&bench.loop, 3);
        assert_false(owner.ended);
        finish(&owner, &bench);
    }
}

static void test_engine_closes(void **state)
{
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        struct bench bench;
        struct owner owners[3];

        bench_open(&bench, upgrade);
        for (size_t i = 0; i < 3; i++) {
            owner_start(&owners[i], &bench, 10000);
            owners[i].close_at = "end";
        }
        run_turns(&bench.loop, turns);
        engine_close(bench.engine, on_closed, &bench);
        run_until(&bench.loop, &bench.closed);
        for (size_t i = 0; i < 3; i++) {
            assert_true(owners[i].ended);
            assert_int_equal(owners[i].error.code, ERROR_UNAVAILABLE);
            owner_close(&owners[i]);
        }
        bench_close(&bench);
    }
}

static void test_cap(void **state)
{
    static struct owner owners[ENGINE_ATTACHES_MAX + 1];
    struct bench bench;

    (void)state;
    bench_open(&bench, upgrade);
    for (size_t i = 0; i <= ENGINE_ATTACHES_MAX; i++)
        owner_start(&owners[i], &bench, 10000);
    for (size_t i = 0; i < ENGINE_ATTACHES_MAX; i++)
        owner_close(&owners[i]);
    run_until(&bench.loop, &owners[ENGINE_ATTACHES_MAX].ended);
    assert_int_equal(owners[ENGINE_ATTACHES_MAX].error.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(owners[ENGINE_ATTACHES_MAX].error.text, "1024"));
    finish(&owners[ENGINE_ATTACHES_MAX], &bench);
}

/* Streams and calls beside each other: no connection is taken for another's. */
static void test_many(void **state)
{
    enum { STREAMS = 40 };
    struct bench bench;
    struct owner owners[STREAMS];
    struct outcome outcomes[STREAMS];

    (void)state;
    bench_open(&bench, upgrade);
    for (size_t i = 0; i < STREAMS; i++) {
        owner_open(&owners[i], &bench);
        bench_start(&bench, "/x", &outcomes[i]);
        fake_send_frame(&bench.fake, 1, &(char){(char)('0' + i)}, 1);
    }
    for (size_t i = 0; i < STREAMS; i++) {
        run_until(&bench.loop, &owners[i].some);
        run_until(&bench.loop, &outcomes[i].done);
        assert_int_equal(outcomes[i].status, 404);
        assert_int_equal(owners[i].data.len, 1);
        assert_int_equal(owners[i].data.data[0], (char)('0' + i));
        assert_false(owners[i].ended);
    }
    for (size_t i = 0; i < STREAMS; i++)
        owner_close(&owners[i]);
    bench_get(&bench, "/y", &outcomes[0]); /* closing them left the others' connections alone */
    assert_int_equal(outcomes[0].status, 404);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_much_behind_head),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_deadline_while_connecting),
        cmocka_unit_test(test_engine_away),
        cmocka_unit_test(test_bad_frames),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_pause_within),
        cmocka_unit_test(test_queue_cap),
        cmocka_unit_test(test_at_once_in_order),
        cmocka_unit_test(test_at_once_to_nobody),
        cmocka_unit_test(test_cut_with_queue),
        cmocka_unit_test(test_close_within_events),
        cmocka_unit_test(test_close_at_each_turn),
        cmocka_unit_test(test_engine_closes),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
