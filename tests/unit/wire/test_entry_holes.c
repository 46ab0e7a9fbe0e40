/* Entries: holes, second names, tags, and the order of paths. */
#include "docker/wire/entry.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static enum entry_event next(struct entry_reader *reader, const uint8_t *bytes, size_t len, struct entry_piece *piece)
{
    return entry_read(reader, &bytes, &len, piece);
}

static void test_holes(void **state)
{
    static const struct {
        uint32_t head;
        enum entry_event event;
    } cases[] = {
        {ENTRY_HOLE_BIT | 1, ENTRY_HOLE},    {ENTRY_HOLE_BIT | ENTRY_HOLE_MAX, ENTRY_HOLE},
        {ENTRY_HOLE_BIT, ENTRY_BROKEN},      {0, ENTRY_DATA_END},
        {ENTRY_CHUNK_MAX + 1, ENTRY_BROKEN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry entry = {.type = ENTRY_FILE, .content = ENTRY_BYTES, .path = "a", .path_len = 1, .target = ""};
        struct entry_reader reader = {0};
        struct entry_piece piece;
        uint8_t bytes[ENTRY_MAX];
        assert_int_equal(next(&reader, bytes, entry_put(bytes, &entry), &piece), ENTRY_NEXT);
        entry_put_chunk(bytes, cases[i].head);
        assert_int_equal(next(&reader, bytes, ENTRY_CHUNK_HEAD, &piece), cases[i].event);
        if (cases[i].event == ENTRY_HOLE)
            assert_int_equal(piece.hole, cases[i].head & ENTRY_HOLE_MAX);
        if (cases[i].event == ENTRY_HOLE)
            assert_int_equal(reader.bytes, piece.hole);
    }
}

static void test_second_names(void **state)
{
    static const struct {
        const char *target;
        enum entry_event event;
    } cases[] = {{"a", ENTRY_NEXT}, {"../a", ENTRY_BROKEN}, {"/a", ENTRY_BROKEN}, {"", ENTRY_BROKEN}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry entry = {.type = ENTRY_SAME,
                              .path = "b",
                              .path_len = 1,
                              .target = cases[i].target,
                              .target_len = strlen(cases[i].target)};
        struct entry_reader reader = {0};
        struct entry_piece piece;
        uint8_t bytes[ENTRY_MAX];
        assert_int_equal(next(&reader, bytes, entry_put(bytes, &entry), &piece), cases[i].event);
    }
}

static void test_tags(void **state)
{
    char a[ENTRY_TAG_SIZE], b[ENTRY_TAG_SIZE];
    (void)state;
    entry_tag(a, 255, 16);
    assert_string_equal(a, "ff-10");
    entry_tag(a, UINT64_MAX, -1);
    assert_string_equal(a, "ffffffffffffffff-ffffffffffffffff");
    entry_tag(a, 1, 2);
    entry_tag(b, 1, 3);
    assert_string_not_equal(a, b);
}

static void test_order(void **state)
{
    static const char *const paths[] = {"A",     "a",   "a/\x01", "a/b", "a/b/c", "a/b.",
                                        "a\x01", "a b", "a.txt",  "ab",  "\xff"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (size_t j = 0; j < sizeof paths / sizeof *paths; j++) {
            int order = wire_path_compare(paths[i], strlen(paths[i]), paths[j], strlen(paths[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    assert_true(wire_path_compare("", 0, "a", 1) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_second_names),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
