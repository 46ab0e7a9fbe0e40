/* The wire's payloads: what one side writes the other reads, byte for byte as frame.h says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "docker/wire/frame.h"

static struct frame framed(const void *payload, size_t len)
{
    return (struct frame){.length = (uint32_t)len, .payload = payload};
}

/* Headers. */

static void test_header(void **state)
{
    uint8_t bytes[FRAME_HEADER + 3] = {0};
    struct frame frame;

    (void)state;
    frame_header(bytes, FRAME_OUTPUT, FRAME_STEP_RUN, FRAME_STDERR, 3);
    assert_memory_equal(bytes, ((uint8_t[]){65, 2, 2, 0, 3, 0, 0, 0}), FRAME_HEADER);
    for (size_t len = 0; len < sizeof bytes; len++)
        assert_int_equal(frame_read(bytes, len, &frame), 0);
    assert_int_equal(frame_read(bytes, sizeof bytes, &frame), sizeof bytes);
    assert_int_equal(frame.type, FRAME_OUTPUT);
    assert_int_equal(frame.step, FRAME_STEP_RUN);
    assert_int_equal(frame.channel, FRAME_STDERR);
    assert_int_equal(frame.length, 3);
    assert_ptr_equal(frame.payload, bytes + FRAME_HEADER);
}

static void test_longest(void **state)
{
    static uint8_t bytes[FRAME_HEADER + FRAME_PAYLOAD_MAX];
    struct frame frame;

    (void)state;
    frame_header(bytes, FRAME_STDIN, 0, 0, FRAME_PAYLOAD_MAX);
    assert_int_equal(frame_read(bytes, sizeof bytes - 1, &frame), 0);
    assert_int_equal(frame_read(bytes, sizeof bytes, &frame), sizeof bytes);
    frame_header(bytes, FRAME_STDIN, 0, 0, FRAME_PAYLOAD_MAX + 1);
    assert_int_equal(frame_read(bytes, FRAME_HEADER, &frame), -1);
    frame_header(bytes, FRAME_STDIN, 0, 0, UINT32_MAX);
    assert_int_equal(frame_read(bytes, FRAME_HEADER, &frame), -1);
}

static void test_reserved_byte(void **state)
{
    uint8_t bytes[FRAME_HEADER];
    struct frame frame;

    (void)state;
    frame_header(bytes, FRAME_DONE, 0, 0, 0);
    assert_int_equal(frame_read(bytes, sizeof bytes, &frame), FRAME_HEADER);
    bytes[3] = 1;
    assert_int_equal(frame_read(bytes, sizeof bytes, &frame), -1);
}

/* Payloads of one length. */

static void test_ready(void **state)
{
    static const struct frame_ready ready = {0x01020304, 0x1112131415161718, 0x2122232425262728};
    static const uint8_t wire[] = {4,    3,    2,    1,    0,    0,    0,    0,    0x18, 0x17, 0x16, 0x15,
                                   0x14, 0x13, 0x12, 0x11, 0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21};
    uint8_t bytes[FRAME_READY_SIZE];
    struct frame frame = framed(bytes, sizeof bytes);
    struct frame_ready got;

    (void)state;
    memset(bytes, 0xff, sizeof bytes);
    frame_ready_put(bytes, &ready);
    assert_memory_equal(bytes, wire, sizeof bytes);
    assert_true(frame_ready_get(&frame, &got));
    assert_true(got.version == ready.version && got.number == ready.number && got.held == ready.held);
    bytes[4] = 1;
    assert_false(frame_ready_get(&frame, &got));
}

static void test_open(void **state)
{
    static const struct frame_open open = {0x1112131415161718, 0x2122232425262728, 3};
    static const uint8_t wire[] = {0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0x28, 0x27, 0x26, 0x25,
                                   0x24, 0x23, 0x22, 0x21, 3,    0,    0,    0,    0,    0,    0,    0};
    uint8_t bytes[FRAME_OPEN_SIZE];
    struct frame frame = framed(bytes, sizeof bytes);
    struct frame_open got;

    (void)state;
    frame_open_put(bytes, &open);
    assert_memory_equal(bytes, wire, sizeof bytes);
    assert_true(frame_open_get(&frame, &got));
    assert_true(got.number == open.number && got.tmp_bytes == open.tmp_bytes && got.tmp_inodes == open.tmp_inodes);
}

static void test_prepare(void **state)
{
    uint8_t bytes[FRAME_PREPARE_SIZE];
    struct frame frame = framed(bytes, sizeof bytes);
    enum frame_hold hold;

    (void)state;
    for (uint32_t value = FRAME_HOLD_FILE; value <= FRAME_HOLD_OPEN; value++) {
        frame_prepare_put(bytes, value);
        assert_true(frame_prepare_get(&frame, &hold));
        assert_int_equal(hold, value);
    }
    bytes[0] = FRAME_HOLD_OPEN + 1;
    assert_false(frame_prepare_get(&frame, &hold));
    memcpy(bytes, (uint8_t[]){0, 0, 0, 1}, sizeof bytes);
    assert_false(frame_prepare_get(&frame, &hold));
}

static void test_prepared(void **state)
{
    static const struct frame_prepared cases[] = {{false, 0}, {true, 0}, {true, 1}, {true, UINT64_MAX}};
    uint8_t bytes[FRAME_PREPARED_SIZE];
    struct frame frame = framed(bytes, sizeof bytes);
    struct frame_prepared got;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(bytes, 0xff, sizeof bytes);
        frame_prepared_put(bytes, &cases[i]);
        assert_true(frame_prepared_get(&frame, &got));
        assert_int_equal(got.held, cases[i].held);
        assert_true(got.bytes == cases[i].bytes);
    }
    frame_prepared_put(bytes, &(struct frame_prepared){true, 0x0102030405060708});
    assert_memory_equal(bytes, ((uint8_t[]){1, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1}), sizeof bytes);
    bytes[0] = 2;
    assert_false(frame_prepared_get(&frame, &got));
    memcpy(bytes, (uint8_t[]){1, 0, 0, 0, 1}, 5);
    assert_false(frame_prepared_get(&frame, &got));
}

static void test_step_end(void **state)
{
    static const struct frame_step_end end = {.exit_code = 255,
                                              .signal = 64,
                                              .flags = 0x0f,
                                              .wall_ns = UINT64_MAX,
                                              .cpu_ns = 0x0102030405060708,
                                              .peak_bytes = 1};
    static const uint8_t wire[FRAME_STEP_END_SIZE] = {255, 0,   0, 0, 64, 0,   0,   0,   15,  0,   0,
                                                      0,   0,   0, 0, 0,  255, 255, 255, 255, 255, 255,
                                                      255, 255, 8, 7, 6,  5,   4,   3,   2,   1,   1};
    uint8_t bytes[FRAME_STEP_END_SIZE];
    struct frame frame = framed(bytes, sizeof bytes);
    struct frame_step_end got;

    (void)state;
    memset(bytes, 0xff, sizeof bytes);
    frame_step_end_put(bytes, &end);
    assert_memory_equal(bytes, wire, sizeof bytes);
    assert_true(frame_step_end_get(&frame, &got));
    assert_int_equal(got.exit_code, end.exit_code);
    assert_int_equal(got.signal, end.signal);
    assert_int_equal(got.flags, end.flags);
    assert_true(got.wall_ns == end.wall_ns && got.cpu_ns == end.cpu_ns && got.peak_bytes == end.peak_bytes);
    frame_step_end_put(bytes, &(struct frame_step_end){.exit_code = 256});
    assert_false(frame_step_end_get(&frame, &got));
    frame_step_end_put(bytes, &(struct frame_step_end){.signal = 65});
    assert_false(frame_step_end_get(&frame, &got));
}

static void test_failed(void **state)
{
    uint8_t bytes[FRAME_FAILED_SIZE];
    struct frame frame = framed(bytes, sizeof bytes);
    struct frame_failed got;

    (void)state;
    frame_failed_put(bytes, &(struct frame_failed){.failure = FRAME_FAIL_SPACE, .error = 28, .stage = 3});
    assert_memory_equal(bytes, ((uint8_t[]){2, 0, 0, 0, 28, 0, 0, 0, 3, 0, 0, 0}), sizeof bytes);
    assert_true(frame_failed_get(&frame, &got));
    assert_int_equal(got.failure, FRAME_FAIL_SPACE);
    assert_int_equal(got.error, 28);
    assert_int_equal(got.stage, 3);
    frame_failed_put(bytes, &(struct frame_failed){.failure = UINT32_MAX, .error = UINT32_MAX});
    assert_true(frame_failed_get(&frame, &got)); /* the reader decides what an unknown failure means */
    assert_int_equal(got.failure, UINT32_MAX);
}

/* Every stage has a name of its own. */
static void test_stages(void **state)
{
    (void)state;
    for (uint32_t stage = 0; stage <= FRAME_STAGES; stage++) {
        bool known = stage > 0 && stage < FRAME_STAGES;
        assert_int_equal(strcmp(frame_stage_name(stage), "unknown") != 0, known);
        for (uint32_t other = 1; known && other < stage; other++)
            assert_string_not_equal(frame_stage_name(stage), frame_stage_name(other));
    }
}

static bool reads_ready(const struct frame *frame)
{
    struct frame_ready ready;

    return frame_ready_get(frame, &ready);
}

static bool reads_open(const struct frame *frame)
{
    struct frame_open open;

    return frame_open_get(frame, &open);
}

static bool reads_prepare(const struct frame *frame)
{
    enum frame_hold hold;

    return frame_prepare_get(frame, &hold);
}

static bool reads_prepared(const struct frame *frame)
{
    struct frame_prepared prepared;

    return frame_prepared_get(frame, &prepared);
}

static bool reads_step_end(const struct frame *frame)
{
    struct frame_step_end end;

    return frame_step_end_get(frame, &end);
}

static bool reads_failed(const struct frame *frame)
{
    struct frame_failed failed;

    return frame_failed_get(frame, &failed);
}

/* The buffer is as long as the payload, so that a sanitizer sees a read past its end. */
static void test_other_lengths(void **state)
{
    static const struct {
        bool (*reads)(const struct frame *frame);
        size_t size;
    } cases[] = {
        {reads_ready, FRAME_READY_SIZE},       {reads_prepare, FRAME_PREPARE_SIZE},
        {reads_prepared, FRAME_PREPARED_SIZE}, {reads_step_end, FRAME_STEP_END_SIZE},
        {reads_failed, FRAME_FAILED_SIZE},     {reads_open, FRAME_OPEN_SIZE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t len = 0; len < 64; len++) {
            void *payload = test_calloc(1, len > 0 ? len : 1);
            struct frame frame = framed(payload, len);

            assert_int_equal(cases[i].reads(&frame), len == cases[i].size);
            test_free(payload);
        }
}

/* Payloads with a tail. */

static void test_file(void **state)
{
    static const char path[] = {'a', '/', 'b'};
    uint8_t bytes[FRAME_FILE_HEAD + sizeof path];
    struct frame frame = framed(bytes, sizeof bytes);
    struct frame_file file;

    (void)state;
    frame_file_put(bytes, 0777);
    memcpy(bytes + FRAME_FILE_HEAD, path, sizeof path);
    assert_memory_equal(bytes, ((uint8_t[]){0xff, 1, 0, 0, 'a', '/', 'b'}), sizeof bytes);
    assert_true(frame_file_get(&frame, &file));
    assert_int_equal(file.mode, 0777);
    assert_int_equal(file.path_len, sizeof path);
    assert_ptr_equal(file.path, bytes + FRAME_FILE_HEAD);
    frame.length = FRAME_FILE_HEAD;
    assert_true(frame_file_get(&frame, &file)); /* the reader judges the path */
    assert_int_equal(file.path_len, 0);
    frame.length = FRAME_FILE_HEAD - 1;
    assert_false(frame_file_get(&frame, &file));
    frame.length = sizeof bytes;
    frame_file_put(bytes, 01000);
    assert_false(frame_file_get(&frame, &file));
    frame_file_put(bytes, UINT32_MAX);
    assert_false(frame_file_get(&frame, &file));
}

static void test_step(void **state)
{
    static const char argv[] = "sh\0-c"; /* with the last NUL */
    struct frame_step_spec spec, got;
    uint8_t bytes[FRAME_STEP_HEAD + sizeof argv];
    struct frame frame = framed(bytes, sizeof bytes);
    const char *strings;
    size_t len;

    (void)state;
    memset(&spec, 0, sizeof spec); /* its padding, too */
    memset(&got, 0, sizeof got);
    spec.timeout_ms = UINT64_MAX;
    spec.output_max = 0x0102030405060708;
    spec.report_max = 0x1112131415161718;
    spec.size = (struct frame_size){80, 1000};
    spec.kernel = FRAME_KERNEL_USE;
    spec.changes = true;
    frame_step_put(bytes, &spec);
    memcpy(bytes + FRAME_STEP_HEAD, argv, sizeof argv);
    assert_memory_equal(bytes, ((uint8_t[]){255, 255, 255, 255, 255, 255, 255, 255, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0}), 18);
    assert_memory_equal(bytes + 24, ((uint8_t[]){0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11}), 8);
    assert_memory_equal(bytes + 32, ((uint8_t[]){80, 0, 0, 0, 0xe8, 3, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}), 16);
    assert_true(frame_step_get(&frame, &got, &strings, &len));
    assert_true(got.timeout_ms == spec.timeout_ms && got.output_max == spec.output_max && got.memory_bytes == 0);
    assert_true(got.report_max == spec.report_max && got.kernel == FRAME_KERNEL_USE && got.changes);
    assert_memory_equal(&got.size, &spec.size, sizeof spec.size);
    assert_int_equal(len, sizeof argv);
    assert_memory_equal(strings, argv, sizeof argv);
}

/* Of kernel and changes: 0 and 1, and no other value. */
static void test_step_switches(void **state)
{
    uint8_t bytes[FRAME_STEP_HEAD + 2] = {0};
    struct frame frame = framed(bytes, sizeof bytes);
    struct frame_step_spec got;
    const char *strings;
    size_t len;

    (void)state;
    bytes[FRAME_STEP_HEAD] = 'x';
    for (size_t at = 40; at < FRAME_STEP_HEAD; at++) {
        bytes[at] = 1;
        assert_int_equal(frame_step_get(&frame, &got, &strings, &len), at % 4 == 0);
        assert_true(at != 40 || (got.kernel == FRAME_KERNEL_USE && !got.changes));
        assert_true(at != 44 || (got.kernel == FRAME_KERNEL_NONE && got.changes));
        bytes[at] = 2;
        assert_false(frame_step_get(&frame, &got, &strings, &len));
        bytes[at] = 0;
    }
}

static void test_done(void **state)
{
    uint8_t bytes[FRAME_DONE_SIZE];
    struct frame frame = framed(bytes, sizeof bytes);
    struct frame_done got;

    (void)state;
    frame_done_put(bytes, &(struct frame_done){.kernel = true});
    assert_memory_equal(bytes, ((uint8_t[]){1, 0, 0, 0, 0, 0, 0, 0}), sizeof bytes);
    assert_true(frame_done_get(&frame, &got));
    assert_true(got.kernel && !got.changed);
    frame_done_put(bytes, &(struct frame_done){.changed = true});
    assert_memory_equal(bytes, ((uint8_t[]){0, 0, 0, 0, 1, 0, 0, 0}), sizeof bytes);
    assert_true(frame_done_get(&frame, &got));
    assert_true(!got.kernel && got.changed);
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] += 2;
        assert_false(frame_done_get(&frame, &got));
        bytes[at] -= 2;
    }
    for (frame.length = 0; frame.length < 2 * FRAME_DONE_SIZE; frame.length++)
        assert_int_equal(frame_done_get(&frame, &got), frame.length == FRAME_DONE_SIZE);
}

/* A driver's: kinds 1 to 5 of any length up to the most, and END of one length. */
static void test_message(void **state)
{
    uint8_t bytes[FRAME_MESSAGE_HEAD];
    struct frame_message got;

    (void)state;
    frame_message_put(bytes, &(struct frame_message){FRAME_MESSAGE_NOTE, 0x010203});
    assert_memory_equal(bytes, ((uint8_t[]){4, 0, 0, 0, 3, 2, 1, 0}), sizeof bytes);
    for (unsigned kind = 0; kind < 256; kind++)
        for (uint32_t length = 0; length < 20; length++) {
            bool fine = (kind >= 1 && kind <= 5) || (kind == 9 && length == 8);
            frame_message_put(bytes, &(struct frame_message){(enum frame_message_kind)kind, length});
            assert_int_equal(frame_message_get(bytes, &got), fine);
            assert_true(!fine || ((unsigned)got.kind == kind && got.length == length));
        }
    frame_message_put(bytes, &(struct frame_message){FRAME_MESSAGE_BUNDLE, 16777216});
    assert_true(frame_message_get(bytes, &got));
    frame_message_put(bytes, &(struct frame_message){FRAME_MESSAGE_BUNDLE, 16777217});
    assert_false(frame_message_get(bytes, &got));
    for (size_t at = 1; at < 4; at++) {
        frame_message_put(bytes, &(struct frame_message){FRAME_MESSAGE_RESULT, 1});
        bytes[at] = 1;
        assert_false(frame_message_get(bytes, &got));
    }
}

static bool reads_argv(const char *argv, size_t argv_len)
{
    uint8_t bytes[FRAME_STEP_HEAD + 8] = {0};
    struct frame frame = framed(bytes, FRAME_STEP_HEAD + argv_len);
    struct frame_step_spec spec;
    const char *strings;
    size_t len;

    memcpy(bytes + FRAME_STEP_HEAD, argv, argv_len);
    return frame_step_get(&frame, &spec, &strings, &len);
}

static void test_step_without_argv(void **state)
{
    uint8_t bytes[FRAME_STEP_HEAD] = {0};
    struct frame frame = framed(bytes, 0);
    struct frame_step_spec spec;
    const char *strings;
    size_t len;

    (void)state;
    for (; frame.length <= FRAME_STEP_HEAD; frame.length++)
        assert_false(frame_step_get(&frame, &spec, &strings, &len));
    assert_true(reads_argv("a\0", 2));
    assert_true(reads_argv("a\0\0", 3)); /* its second string is empty */
    assert_false(reads_argv("a", 1));
    assert_false(reads_argv("\0", 1));
    assert_false(reads_argv("\0a\0", 3));
}

/* A size of a terminal: both or none, within their range. */
static void test_step_size(void **state)
{
    static const struct {
        struct frame_size size;
        bool fine;
    } cases[] = {{{0, 0}, true},     {{1, 1}, true},  {{1000, 1000}, true}, {{80, 0}, false},
                 {{1001, 1}, false}, {{0, 1}, false}, {{1, 1001}, false}};
    uint8_t bytes[FRAME_STEP_HEAD + 2] = {0};
    struct frame frame = framed(bytes, sizeof bytes);
    struct frame_step_spec got;
    const char *strings;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame_size size = cases[i].size, resized;
        uint8_t resize[FRAME_RESIZE_SIZE];
        struct frame other = framed(resize, sizeof resize);

        frame_step_put(bytes, &(struct frame_step_spec){.timeout_ms = 1, .size = size});
        bytes[FRAME_STEP_HEAD] = 'x';
        assert_int_equal(frame_step_get(&frame, &got, &strings, &len), cases[i].fine);
        frame_resize_put(resize, &size);
        assert_int_equal(frame_resize_get(&other, &resized), cases[i].fine && size.columns > 0);
        assert_memory_equal(&resized, &size, sizeof size);
        other.length--;
        assert_false(frame_resize_get(&other, &resized));
    }
}

/* The eight of API.md, by their numbers on Linux, and no other. */
static void test_signal(void **state)
{
    uint8_t bytes[FRAME_SIGNAL_SIZE + 1] = {0};
    struct frame frame = framed(bytes, FRAME_SIGNAL_SIZE);
    uint64_t known = 0;
    uint32_t number;

    (void)state;
    for (uint32_t i = 0; i < 64; i++) {
        frame_signal_put(bytes, i);
        if (frame_signal_get(&frame, &number)) {
            assert_int_equal(number, i);
            known |= UINT64_C(1) << i;
        }
    }
    assert_int_equal(known, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 10 | 1 << 12 | 1 << 15 | 1 << 28);
    frame_signal_put(bytes, 2);
    frame.length = FRAME_SIGNAL_SIZE + 1;
    assert_false(frame_signal_get(&frame, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_reserved_byte), cmocka_unit_test(test_ready),
        cmocka_unit_test(test_open),          cmocka_unit_test(test_stages),
        cmocka_unit_test(test_prepare),       cmocka_unit_test(test_prepared),
        cmocka_unit_test(test_step_end),      cmocka_unit_test(test_failed),
        cmocka_unit_test(test_other_lengths), cmocka_unit_test(test_file),
        cmocka_unit_test(test_step),          cmocka_unit_test(test_step_without_argv),
        cmocka_unit_test(test_step_size),     cmocka_unit_test(test_signal),
        cmocka_unit_test(test_step_switches), cmocka_unit_test(test_done),
        cmocka_unit_test(test_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
