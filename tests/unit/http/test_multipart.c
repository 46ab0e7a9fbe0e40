/* Bodies of multipart/form-data: what their parts are, in one piece, byte by byte and cut in two at each place. */
#include "http/multipart.h"

#include "base/buf.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORM "multipart/form-data; boundary=B"
#define PART(disposition) "--B\r\nContent-Disposition: form-data; " disposition "\r\n\r\n"

/* Tells what was read as "(name|filename)content;". Returns the last event. */
static enum multipart_event tell(struct multipart *multipart, const char *data, size_t len, struct buf *said)
{
    struct multipart_piece piece;
    enum multipart_event event;

    while ((event = multipart_read(multipart, &data, &len, &piece)) != MULTIPART_MORE) {
        if (event == MULTIPART_PART)
            buf_printf(said, "(%s|%s)", piece.part.name != NULL ? piece.part.name : "-",
                       piece.part.filename != NULL ? piece.part.filename : "-");
        else if (event == MULTIPART_DATA)
            buf_append(said, piece.data, piece.data_len);
        else if (event == MULTIPART_BROKEN)
            buf_printf(said, "! %s", piece.error.text);
        else
            buf_printf(said, "%s", event == MULTIPART_PART_END ? ";" : ".");
        if (event == MULTIPART_BROKEN)
            break;
    }
    assert_true(len == 0 || event == MULTIPART_BROKEN);
    return event;
}

/* Reads a copy that ends where the piece does, so that a sanitizer sees a read behind it. */
static enum multipart_event tell_copy(struct multipart *multipart, const char *data, size_t len, struct buf *said)
{
    char *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, data, len);
    enum multipart_event event = tell(multipart, copy, len, said);
    free(copy);
    return event;
}

/* In pieces of `first` bytes, then of `then` bytes. */
static char *read_in(const char *body, size_t len, size_t first, size_t then)
{
    struct multipart multipart;
    struct error error;
    struct buf said;
    enum multipart_event event = MULTIPART_MORE;

    buf_init(&said, 1 << 20);
    assert_int_equal(multipart_open(&multipart, FORM, &error), 0);
    for (size_t at = 0, part = first; at < len && event != MULTIPART_BROKEN; at += part, part = then) {
        part = part < len - at ? part : len - at;
        event = tell_copy(&multipart, body + at, part, &said);
    }
    if (event != MULTIPART_BROKEN && multipart_close(&multipart, &error) != 0)
        buf_printf(&said, "! %s", error.text);
    return buf_detach(&said, &len);
}

static void check(const char *body, const char *expected)
{
    size_t len = strlen(body);

    for (size_t cut = 0; cut <= len; cut++) {
        char *said = cut == 0 ? read_in(body, len, 1, 1) : read_in(body, len, cut, len);
        assert_string_equal(said != NULL ? said : "", expected);
        free(said);
    }
}

static void test_parts(void **state)
{
    static const struct {
        const char *body, *said;
    } cases[] = {
        {PART("name=\"a\"; filename=\"b.txt\"") "one\r\n" PART("name=a") "two\r\n--B--\r\n", "(a|b.txt)one;(a|-)two;."},
        {PART("name=a") "\r\n--B--", "(a|-);."},
        {"a preamble\r\n--C\r\n" PART("name=a") "1\r\n--B-- \r\nan epilogue\r\n--B\r\n", "(a|-)1;."},
        {PART("name=a") "\r\n--\r\n-- B\r\r\n--b\n--B\r--B\r\n--B--", "(a|-)\r\n--\r\n-- B\r\r\n--b\n--B\r--B;."},
        {PART("name=a") "\r\r\r\n\r\n--\r\n--B \t\r\nContent-Disposition:form-data;name=b\r\n\r\n\r\n--B--",
         "(a|-)\r\r\r\n\r\n--;(b|-);."},
        {"--B\r\nContent-Type: text/plain\r\ncontent-disposition:\tFORM-DATA ; x=1;NAME=a ;\r\n"
         "Content-Transfer-Encoding: Binary\r\n\r\n1\r\n--B--",
         "(a|-)1;."},
        {"--B\r\nContent-Disposition: form-data;\r\n  name=a;\r\n\tfilename=b\r\n\r\n1\r\n--B--", "(a|b)1;."},
        {"--B--", "."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].body, cases[i].said);
}

static void test_names(void **state)
{
    static const struct {
        const char *disposition, *said;
    } cases[] = {
        {"name=\"\"; filename=\"\"", "(|);."},
        {"filename=a/b.txt", "(-|a/b.txt);."},
        {"name=\"a b;c=d\"; filename=\"x, y\"", "(a b;c=d|x, y);."},
        {"filename=\"a\\\"b\\\\c\\d\"", "(-|a\"b\\c\\d);."},
        {"filename=\"a%22b%0D%0a%41%2\"", "(-|a\"b\r\n%41%2);."},
        {"filename=\"\xc3\xa4\xff\"", "(-|\xc3\xa4\xff);."},
        {"filename*=utf-8'en'a%2Fb%c3%A4%22; filename=\"a\"", "(-|a/b\xc3\xa4\");."},
        {"filename*=UTF-8''x%25", "(-|x%);."},
    };
    char body[512];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(body, sizeof body, "--B\r\nContent-Disposition: form-data; %s\r\n\r\n\r\n--B--", cases[i].disposition);
        check(body, cases[i].said);
    }
}

static void test_what_is_broken(void **state)
{
    static const struct {
        const char *body, *said;
    } cases[] = {
        {"", "! the body has no boundary of its Content-Type"},
        {"no boundary\r\n-B\r\n", "! the body has no boundary of its Content-Type"},
        {PART("name=a") "1", "(a|-)1! the body ends before its last boundary"},
        {PART("name=a") "1\r\n--B", "(a|-)1;! the body ends before its last boundary"},
        {PART("name=a") "1\r\n--B\r\nContent", "(a|-)1;! the body ends before its last boundary"},
        {PART("name=a") "1\r\n--Bx\r\n", "(a|-)1;! a boundary is followed by other bytes"},
        {PART("name=a") "1\r\n--B-\r\n", "(a|-)1;! a boundary is followed by other bytes"},
        {PART("name=a") "1\r\n--B --", "(a|-)1;! a boundary is followed by other bytes"},
        {PART("name=a") "1\r\n--B\n", "(a|-)1;! a boundary is followed by other bytes"},
        {"--B\r\n\r\n1\r\n--B--", "! has no Content-Disposition"},
        {"--B\r\nContent-Type: text/plain\r\n\r\n1\r\n--B--", "! has no Content-Disposition"},
        {"--B\r\nContent-Disposition: attachment; name=a\r\n\r\n", "! its Content-Disposition is not form-data"},
        {PART("name=\"a"), "! its Content-Disposition is malformed"},
        {PART("name=\"a\\\""), "! its Content-Disposition is malformed"},
        {PART("name"), "! its Content-Disposition is malformed"},
        {PART("name="), "! its Content-Disposition is malformed"},
        {PART("name=a b"), "! its Content-Disposition is malformed"},
        {PART("name=a; name=b"), "! its Content-Disposition has a parameter twice"},
        {PART("filename*=iso-8859-1''a"), "! its filename* is not in UTF-8, or malformed"},
        {PART("filename*=UTF-8''%4"), "! its filename* is not in UTF-8, or malformed"},
        {PART("filename*=UTF-8''%00"), "! its filename* is not in UTF-8, or malformed"},
        {PART("filename*=UTF-8'a"), "! its filename* is not in UTF-8, or malformed"},
        {"--B\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\n",
         "! has two Content-Dispositions"},
        {"--B\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n",
         "! its Content-Transfer-Encoding must be binary, 8bit or 7bit"},
        {"--B\r\nContent-Disposition form-data; name=a\r\n\r\n", "! its head is malformed"},
        {"--B\r\nContent-Disposition: form-data; name=a\nX: y\r\n\r\n", "! its head is malformed"},
        {"--B\r\n: x\r\n\r\n", "! its head is malformed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].body, cases[i].said);
}

static void test_a_name_with_nul(void **state)
{
    static const char body[] = "--B\r\nContent-Disposition: form-data; name=a\0b\r\n\r\n";
    char *said = read_in(body, sizeof body - 1, 1, 1);

    (void)state;
    assert_string_equal(said, "! its head is malformed");
    free(said);
}

static void test_the_caps(void **state)
{
    struct buf body;
    char *said;

    (void)state;
    buf_init(&body, 1 << 20);
    for (size_t more = 0; more < 2; more++) { /* a head of as many bytes as there may be, and one more */
        const char start[] = "--B\r\nContent-Disposition: form-data; name=a\r\nX: ";
        size_t rest = MULTIPART_HEAD_MAX - 4 - (sizeof start - 1 - 5) + more;
        buf_reset(&body);
        buf_puts(&body, start);
        for (size_t i = 0; i < rest; i++)
            buf_puts(&body, "x");
        buf_puts(&body, "\r\n\r\n1\r\n--B--");
        said = read_in(body.data, body.len, 1000, 1000);
        assert_string_equal(said, more == 0 ? "(a|-)1;." : "! its head is too long");
        free(said);
    }
    for (size_t more = 0; more < 2; more++) {
        buf_reset(&body);
        buf_puts(&body, "--B");
        for (size_t i = 0; i < MULTIPART_BLANKS_MAX + more; i++)
            buf_puts(&body, " ");
        buf_puts(&body, "\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B--");
        said = read_in(body.data, body.len, body.len, 1);
        assert_string_equal(said, more == 0 ? "(a|-)1;." : "! a boundary is followed by other bytes");
        free(said);
    }
    buf_free(&body);
}

static void test_the_content_type(void **state)
{
    static const char seventy[] = "0123456789012345678901234567890123456789012345678901234567890123456789";
    static const struct {
        const char *type, *boundary; /* NULL: it is refused */
        enum error_code code;
    } cases[] = {
        {"multipart/form-data; boundary=abc", "abc", ERROR_NONE},
        {"Multipart/Form-Data;charset=utf-8; BOUNDARY=\"a b:c\"", "a b:c", ERROR_NONE},
        {"multipart/form-data; boundary=----=_x/y", "----=_x/y", ERROR_NONE},
        {NULL, NULL, ERROR_MEDIA_TYPE},
        {"", NULL, ERROR_MEDIA_TYPE},
        {"application/json", NULL, ERROR_MEDIA_TYPE},
        {"multipart/mixed; boundary=a", NULL, ERROR_MEDIA_TYPE},
        {"multipart/form-data", NULL, ERROR_INVALID},
        {"multipart/form-data; boundary=", NULL, ERROR_INVALID},
        {"multipart/form-data; boundary=\"\"", NULL, ERROR_INVALID},
        {"multipart/form-data; boundary=\"a", NULL, ERROR_INVALID},
        {"multipart/form-data; boundary=\"a \"", NULL, ERROR_INVALID},
        {"multipart/form-data; boundary=\"a\tb\"", NULL, ERROR_INVALID},
        {"multipart/form-data; boundary=a\xc3\xa4", NULL, ERROR_INVALID},
        {"multipart/form-data; boundary=a; boundary=a", NULL, ERROR_INVALID},
        {"multipart/form-data, multipart/form-data; boundary=a", NULL, ERROR_MEDIA_TYPE},
    };
    struct multipart multipart;
    struct error error;
    char text[200];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool good = cases[i].boundary != NULL;
        assert_int_equal(multipart_open(&multipart, cases[i].type, &error), good ? 0 : -1);
        if (good)
            assert_string_equal(multipart.delimiter + 4, cases[i].boundary);
        else
            assert_int_equal(error.code, cases[i].code);
    }
    snprintf(text, sizeof text, "multipart/form-data; boundary=%s", seventy);
    assert_int_equal(multipart_open(&multipart, text, &error), 0);
    snprintf(text, sizeof text, "multipart/form-data; boundary=%sx", seventy);
    assert_int_equal(multipart_open(&multipart, text, &error), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),          cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_is_broken), cmocka_unit_test(test_a_name_with_nul),
        cmocka_unit_test(test_the_caps),       cmocka_unit_test(test_the_content_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
