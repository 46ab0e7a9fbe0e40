#include "run/request_codec.h"

#include <limits.h>
#include <string.h>

#define CODEC_MISSING UINT64_MAX
#define CODEC_LIST_MAX ((uint64_t)1 << 20) /* items of a list that is read */

/* Writing. */

static int put_integer(struct buf *out, uint64_t value)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    return buf_append(out, bytes, sizeof bytes);
}

static int codec_put_text(struct buf *out, const char *text, size_t len)
{
    if (text == NULL)
        return put_integer(out, CODEC_MISSING);
    return put_integer(out, len) != 0 || buf_append(out, text, len) != 0 || buf_append(out, "", 1) != 0 ? -1 : 0;
}

static int codec_put_string(struct buf *out, const char *text)
{
    return codec_put_text(out, text, text != NULL ? strlen(text) : 0);
}

static int put_strings(struct buf *out, const char *const *list)
{
    size_t count = 0;

    if (list == NULL)
        return put_integer(out, CODEC_MISSING);
    while (list[count] != NULL)
        count++;
    if (put_integer(out, count) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (codec_put_string(out, list[i]) != 0)
            return -1;
    return 0;
}

static int put_files(struct buf *out, const struct execution_request *request)
{
    if (put_integer(out, request->files_len) != 0)
        return -1;
    for (size_t i = 0; i < request->files_len; i++) {
        const struct request_file *file = &request->files[i];
        if (codec_put_string(out, file->path) != 0 || codec_put_text(out, file->data, file->len) != 0 ||
            put_integer(out, file->kind) != 0)
            return -1;
    }
    return 0;
}

static int put_overrides(struct buf *out, const struct limits_overrides *overrides)
{
    for (unsigned i = 0; i < LIMITS; i++)
        if (put_integer(out, (uint64_t)overrides->value[i]) != 0)
            return -1;
    return 0;
}

static int put_warnings(struct buf *out, const struct execution_request *request)
{
    if (put_integer(out, request->warnings_len) != 0)
        return -1;
    for (size_t i = 0; i < request->warnings_len; i++)
        if (codec_put_string(out, request->warnings[i]) != 0)
            return -1;
    return 0;
}

int request_encode(const struct execution_request *request, struct buf *out)
{
    const uint8_t version = REQUEST_CODEC_VERSION;

    return buf_append(out, &version, 1) != 0 || codec_put_string(out, request->language_name) != 0 ||
                   codec_put_string(out, request->version_range) != 0 ||
                   codec_put_text(out, request->code, request->code_len) != 0 ||
                   codec_put_text(out, request->input, request->input_len) != 0 ||
                   put_strings(out, request->env) != 0 || put_strings(out, request->args) != 0 ||
                   put_files(out, request) != 0 || put_integer(out, (uint64_t)request->timeout_ms) != 0 ||
                   codec_put_string(out, request->session_id) != 0 || put_integer(out, request->evaluate) != 0 ||
                   put_integer(out, (uint64_t)request->reuse) != 0 || put_overrides(out, &request->overrides) != 0 ||
                   put_integer(out, request->limits_rise) != 0 || put_warnings(out, request) != 0 ||
                   put_strings(out, request->outputs) != 0 || put_integer(out, request->kernel) != 0
               ? -1
               : 0;
}

/* Reading. The first thing that is wrong sets `failed`; what is read after it is empty. */

struct decoder {
    struct arena *arena;
    const char *at;
    size_t left;
    enum { DECODER_GOOD, DECODER_MALFORMED, DECODER_NO_MEMORY } failed;
};

static uint64_t get_integer(struct decoder *in)
{
    uint64_t value = 0;

    if (in->failed != DECODER_GOOD || in->left < sizeof value) {
        in->failed = in->failed != DECODER_GOOD ? in->failed : DECODER_MALFORMED;
        return 0;
    }
    for (size_t i = 0; i < sizeof value; i++)
        value |= (uint64_t)(uint8_t)in->at[i] << 8 * i;
    in->at += sizeof value;
    in->left -= sizeof value;
    return value;
}

/* An integer of at most `max`. */
static uint64_t get_bounded(struct decoder *in, uint64_t max)
{
    uint64_t value = get_integer(in);

    if (value <= max)
        return value;
    in->failed = DECODER_MALFORMED;
    return 0;
}

static const char *get_text(struct decoder *in, size_t *len)
{
    uint64_t size = get_integer(in);

    *len = 0;
    if (in->failed != DECODER_GOOD || size == CODEC_MISSING)
        return NULL;
    if (size >= in->left || in->at[size] != '\0') {
        in->failed = DECODER_MALFORMED;
        return NULL;
    }
    const char *text = in->at;
    in->at += size + 1;
    in->left -= (size_t)size + 1;
    *len = (size_t)size;
    return text;
}

/* A text that must be there. */
static const char *get_present(struct decoder *in, size_t *len)
{
    const char *text = get_text(in, len);

    if (text == NULL && in->failed == DECODER_GOOD)
        in->failed = DECODER_MALFORMED;
    return text;
}

/* A text without NUL in it; NULL: missing. */
static const char *get_string(struct decoder *in)
{
    size_t len;
    const char *text = get_text(in, &len);

    if (text != NULL && strlen(text) != len)
        in->failed = DECODER_MALFORMED;
    return text;
}

static void *get_memory(struct decoder *in, size_t count, size_t size)
{
    void *memory = in->failed == DECODER_GOOD ? arena_alloc(in->arena, count * size) : NULL;

    if (memory == NULL && in->failed == DECODER_GOOD)
        in->failed = DECODER_NO_MEMORY;
    return memory;
}

static void get_strings(struct decoder *in, const char **list, size_t count)
{
    for (size_t i = 0; i < count && in->failed == DECODER_GOOD; i++)
        if ((list[i] = get_string(in)) == NULL && in->failed == DECODER_GOOD)
            in->failed = DECODER_MALFORMED;
}

static const char **get_list(struct decoder *in)
{
    uint64_t count = get_integer(in);

    if (in->failed != DECODER_GOOD || count == CODEC_MISSING)
        return NULL;
    if (count > CODEC_LIST_MAX || count > in->left) {
        in->failed = DECODER_MALFORMED;
        return NULL;
    }
    const char **list = get_memory(in, (size_t)count + 1, sizeof *list);
    if (list != NULL)
        get_strings(in, list, (size_t)count);
    return list;
}

static void get_files(struct decoder *in, struct execution_request *request)
{
    size_t count = (size_t)get_bounded(in, CODEC_LIST_MAX < in->left ? CODEC_LIST_MAX : in->left);

    if (count == 0 || (request->files = get_memory(in, count, sizeof *request->files)) == NULL)
        return;
    for (size_t i = 0, len; i < count && in->failed == DECODER_GOOD; i++) {
        struct request_file *file = &request->files[i];
        file->path = get_present(in, &len);
        file->data = get_present(in, &file->len);
        file->kind = get_bounded(in, REQUEST_FILE_BINARY) == 0 ? REQUEST_FILE_TEXT : REQUEST_FILE_BINARY;
        if (in->failed == DECODER_GOOD && strlen(file->path) != len)
            in->failed = DECODER_MALFORMED;
    }
    request->files_len = count;
}

static void get_overrides(struct decoder *in, struct limits_overrides *overrides)
{
    for (unsigned i = 0; i < LIMITS; i++)
        overrides->value[i] = (int64_t)get_bounded(in, UINT32_MAX);
}

static void get_warnings(struct decoder *in, struct execution_request *request)
{
    size_t count = (size_t)get_bounded(in, REQUEST_WARNINGS_MAX);

    get_strings(in, request->warnings, count);
    request->warnings_len = count;
}

static void get_request(struct decoder *in, struct execution_request *request)
{
    request->language_name = get_string(in);
    request->version_range = get_string(in);
    request->code = get_present(in, &request->code_len);
    request->input = get_text(in, &request->input_len);
    request->env = get_list(in);
    request->args = get_list(in);
    get_files(in, request);
    request->timeout_ms = (int64_t)get_bounded(in, INT64_MAX);
    request->session_id = get_string(in);
    request->evaluate = get_bounded(in, 1) != 0;
    request->reuse = (enum key_reuse)get_bounded(in, KEY_REUSE_ANY);
    get_overrides(in, &request->overrides);
    request->limits_rise = get_bounded(in, 1) != 0;
    get_warnings(in, request);
    request->outputs = get_list(in);
    request->kernel = get_bounded(in, 1) != 0;
    bool named = request->language_name != NULL || request->session_id != NULL; /* a session may say the language */
    if (in->failed == DECODER_GOOD && (!named || in->left != 0))
        in->failed = DECODER_MALFORMED;
}

int request_decode(struct execution_request *request, const void *bytes, size_t len, struct error *error)
{
    *request = (struct execution_request){.code = NULL};
    const char *copy = arena_text(&request->arena, bytes, len);

    if (copy == NULL)
        return error_memory(error);
    struct decoder in = {.arena = &request->arena, .at = copy + 1, .left = len - 1};
    if (len == 0 || (uint8_t)copy[0] != REQUEST_CODEC_VERSION)
        return error_set(error, ERROR_INTERNAL, "a stored request has another version");
    get_request(&in, request);
    if (in.failed == DECODER_GOOD)
        return 0;
    return in.failed == DECODER_NO_MEMORY ? error_memory(error)
                                          : error_set(error, ERROR_INTERNAL, "a stored request is malformed");
}
