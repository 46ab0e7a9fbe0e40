/* Frames become messages: what each sequence of bytes says, in one piece and byte by byte. */
#include "http/websocket_frames.h"

#include "http/websocket.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 200

/* A frame of a client: its first byte, then its payload, masked. Returns the end. */
static char *put(char *out, unsigned first, const char *payload, size_t len)
{
    static const char mask[] = {1, 2, 3, 4};

    *out++ = (char)first;
    if (len < 126) {
        *out++ = (char)(0x80 | len);
    } else {
        *out++ = (char)(0x80 | 126);
        *out++ = (char)(len >> 8);
        *out++ = (char)(len & 255);
    }
    memcpy(out, mask, 4);
    out += 4;
    for (size_t i = 0; i < len; i++)
        *out++ = (char)(payload[i] ^ mask[i % 4]);
    return out;
}

static void note(struct websocket_frames *frames, enum websocket_found found, struct buf *said)
{
    size_t len;
    char *text;

    switch (found) {
    case WEBSOCKET_FOUND_TEXT:
        text = websocket_frames_take(frames, &len);
        assert_non_null(text);
        assert_int_equal(strlen(text), len);
        buf_printf(said, "text %.20s; ", text);
        free(text);
        break;
    case WEBSOCKET_FOUND_PING:
        buf_printf(said, "ping %.*s; ", (int)frames->control_len, frames->control);
        break;
    case WEBSOCKET_FOUND_PONG:
        buf_printf(said, "pong; ");
        break;
    case WEBSOCKET_FOUND_CLOSE:
        buf_printf(said, "close %u; ", frames->code);
        break;
    case WEBSOCKET_FOUND_BAD:
        buf_printf(said, "bad %u", frames->code);
        break;
    case WEBSOCKET_FOUND_NOTHING:
        break;
    }
}

static void expect(const char *bytes, size_t size, const char *wanted)
{
    for (size_t piece = 1; piece <= size; piece = piece == 1 ? size + (size == 1) : piece + size) {
        struct websocket_frames frames;
        enum websocket_found found = WEBSOCKET_FOUND_NOTHING;
        struct buf said;

        buf_init(&said, 4096);
        assert_int_equal(websocket_frames_init(&frames, LIMIT), 0);
        for (size_t at = 0; found != WEBSOCKET_FOUND_BAD && at < size; at += piece) {
            frames.data = bytes + at;
            frames.len = size - at < piece ? size - at : piece;
            do {
                found = websocket_frames_read(&frames);
                note(&frames, found, &said);
            } while (found != WEBSOCKET_FOUND_NOTHING && found != WEBSOCKET_FOUND_BAD);
        }
        assert_string_equal(said.data != NULL ? said.data : "", wanted);
        websocket_frames_free(&frames);
        buf_free(&said);
    }
}

struct part {
    unsigned first;
    const char *payload;
    size_t len;
};

#define TEXT(text)                   \
    {                                \
        0x81, text, sizeof(text) - 1 \
    }
#define PART(first, text)             \
    {                                 \
        first, text, sizeof(text) - 1 \
    }

static void test_messages(void **state)
{
    static const struct {
        struct part parts[5];
        const char *wanted;
    } cases[] = {
        {{TEXT("hello"), TEXT(""), TEXT("\xc3\xa4")}, "text hello; text ; text \xc3\xa4; "},
        {{PART(0x01, "a"), PART(0x00, ""), PART(0x00, "b"), PART(0x80, "c")}, "text abc; "},
        {{PART(0x01, "\xc3"), PART(0x89, "p"), PART(0x80, "\xa4")}, "ping p; text \xc3\xa4; "},
        {{PART(0x89, ""), PART(0x8a, "x"), PART(0x88, "")}, "ping ; pong; close 1005; "},
        {{PART(0x88, "\x03\xe8"), PART(0x88, "\x0f\xa0why")}, "close 1000; close 4000; "},
        {{PART(0x88, "\x03\xec")}, "bad 1002"},
        {{PART(0x88, "\x03\xed")}, "bad 1002"},
        {{PART(0x88, "\x03\xee")}, "bad 1002"},
        {{PART(0x88, "\x13\x88")}, "bad 1002"}, /* 5000 */
        {{PART(0x88, "\x03")}, "bad 1002"},
        {{PART(0x88, "\x03\xe8\xff")}, "bad 1007"},
        {{TEXT("\xff")}, "bad 1007"},
        {{TEXT("\xed\xa0\x80")}, "bad 1007"}, /* a surrogate */
        {{TEXT("\xc3")}, "bad 1007"},
        {{PART(0x82, "x")}, "bad 1003"},
        {{PART(0x83, "x")}, "bad 1002"},
        {{PART(0x8b, "x")}, "bad 1002"},
        {{PART(0xc1, "x")}, "bad 1002"},
        {{PART(0x80, "x")}, "bad 1002"},
        {{PART(0x09, "x")}, "bad 1002"},
        {{PART(0x01, "x"), PART(0x81, "y")}, "bad 1002"},
        {{TEXT("a"), PART(0x01, "x"), PART(0x01, "y")}, "text a; bad 1002"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[256], *end = bytes;
        for (const struct part *part = cases[i].parts; part->payload != NULL; part++)
            end = put(end, part->first, part->payload, part->len);
        expect(bytes, (size_t)(end - bytes), cases[i].wanted);
    }
}

static void test_sizes(void **state)
{
    char bytes[1024], text[LIMIT + 1], *end;

    (void)state;
    memset(text, 'x', sizeof text);
    end = put(bytes, 0x81, text, LIMIT);
    expect(bytes, (size_t)(end - bytes), "text xxxxxxxxxxxxxxxxxxxx; ");
    end = put(bytes, 0x81, text, LIMIT + 1);
    expect(bytes, (size_t)(end - bytes), "bad 1009");
    end = put(put(bytes, 0x01, text, LIMIT), 0x80, text, 1);
    expect(bytes, (size_t)(end - bytes), "bad 1009");
    end = put(bytes, 0x89, text, 126);
    expect(bytes, (size_t)(end - bytes), "bad 1002");
    expect("\x81\xff\x40\0\0\0\0\0\0\0\1\2\3\4x", 15, "bad 1009"); /* 2 to the 62 */
    expect("\x81\xff\x80\0\0\0\0\0\0\0\1\2\3\4", 14, "bad 1002");
    expect("\x81\xfe\0\1\1\2\3\4x", 9, "bad 1002"); /* a length that is not written the shortest way */
}

static void test_no_mask(void **state)
{
    (void)state;
    expect("\x81\x02hi", 4, "bad 1002");
    expect("\x89\x02hi", 4, "bad 1002");
}

static void expect_written(enum websocket_opcode opcode, size_t len, const char *head, size_t head_len)
{
    struct websocket_frames frames;
    char *text = malloc(len + 1);
    struct buf out;

    assert_non_null(text);
    memset(text, 'x', len);
    buf_init(&out, len + 20);
    assert_int_equal(websocket_frames_init(&frames, LIMIT), 0);
    assert_int_equal(websocket_frames_write(&frames, &out, opcode, text, len), 0);
    assert_int_equal(out.len, head_len + len);
    assert_memory_equal(out.data, head, head_len);
    if (len > 0)
        assert_memory_equal(out.data + head_len, text, len);
    websocket_frames_free(&frames);
    buf_free(&out);
    free(text);
}

static void test_writing(void **state)
{
    (void)state;
    expect_written(WEBSOCKET_PING, 0, "\x89\0", 2);
    expect_written(WEBSOCKET_TEXT, 125, "\x81\x7d", 2);
    expect_written(WEBSOCKET_TEXT, 126, "\x81\x7e\0\x7e", 4);
    expect_written(WEBSOCKET_TEXT, 65536, "\x81\x7f\0\0\0\0\0\1\0\0", 10);
}

static void test_close(void **state)
{
    struct websocket_frames frames;
    struct buf out;

    (void)state;
    buf_init(&out, 200);
    assert_int_equal(websocket_frames_init(&frames, LIMIT), 0);
    assert_int_equal(websocket_frames_close(&frames, &out, 1008, "no"), 0);
    assert_int_equal(websocket_frames_close(&frames, &out, WEBSOCKET_NO_CODE, ""), 0);
    assert_int_equal(out.len, 8);
    assert_memory_equal(out.data, "\x88\x04\x03\xf0no\x88\0", 8);
    websocket_frames_free(&frames);
    buf_free(&out);
}

/* No memory for a frame: that is said, wherever it ends. */
static void test_no_room(void **state)
{
    struct websocket_frames frames;
    struct buf out;

    (void)state;
    for (size_t room = 0; room < 7; room++) {
        buf_init(&out, room);
        assert_int_equal(websocket_frames_init(&frames, LIMIT), 0);
        assert_int_equal(websocket_frames_write(&frames, &out, WEBSOCKET_TEXT, "hello", 5), room < 7 ? -1 : 0);
        websocket_frames_free(&frames);
        buf_free(&out);
    }
}

/* The example of RFC 6455, section 1.3. */
static void test_accept_key(void **state)
{
    static const char *const wrong[] = {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
                                        "dGhlIHNhbXBsZSBub25jZQ!=", "dGhlIHNhbXBsZSBub25jZTEx"};
    char accept[WEBSOCKET_ACCEPT_LEN + 1];

    (void)state;
    assert_true(websocket_accept_key("dGhlIHNhbXBsZSBub25jZQ==", accept));
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(websocket_accept_key(wrong[i], accept));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),   cmocka_unit_test(test_sizes), cmocka_unit_test(test_no_mask),
        cmocka_unit_test(test_writing),    cmocka_unit_test(test_close), cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_accept_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
