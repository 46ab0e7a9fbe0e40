/* A kernel's report: whatever it is, an answer has the four fields, within their bounds, and can be written as JSON. */
#include "checks.h"

#include "api/kernel_answer.h"
#include "base/json.h"
#include "base/text.h"
#include "run/kernel.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const struct kernel_text *text, const uint8_t *data, size_t size)
{
    const uint8_t *at = (const uint8_t *)text->data;

    must(text->len == 0 || (at >= data && text->len <= size && at + text->len <= data + size));
    must(text->len == 0 || text_is_utf8(text->data, text->len));
}

static void check_message(const struct kernel_message *message, const uint8_t *data, size_t size)
{
    must(message->entries_len <= KERNEL_ENTRIES_MAX);
    for (size_t i = 0; i < message->entries_len; i++) {
        const struct kernel_entry *entry = &message->entries[i];
        check_text(&entry->mime, data, size);
        check_text(&entry->data, data, size);
        must(entry->mime.len >= 3 && entry->mime.len <= KERNEL_MIME_MAX &&
             memchr(entry->mime.data, '/', entry->mime.len) != NULL);
    }
    check_text(&message->text, data, size);
    check_text(&message->name, data, size);
    check_text(&message->traceback, data, size);
}

static void check_reader(const uint8_t *data, size_t size)
{
    struct kernel_reader reader = {.at = data, .left = size};
    struct kernel_message message;
    enum kernel_event event;
    size_t bundles = 0;

    while ((event = kernel_read(&reader, &message)) != KERNEL_OVER && event != KERNEL_BROKEN) {
        check_message(&message, data, size);
        bundles += event == KERNEL_BUNDLE;
    }
    must(bundles <= KERNEL_BUNDLES_MAX);
    must(kernel_read(&reader, &message) == KERNEL_OVER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    must(copy != NULL);
    memcpy(copy, data, size);
    const struct buf report = {.data = copy, .len = size};
    json_t *value = json_object(), *warnings = json_array();
    size_t len;

    check_reader((const uint8_t *)copy, size);
    must(kernel_answer_add(value, &report, warnings) == 0);
    must(json_object_size(value) == 4 && json_is_array(json_object_get(value, "results")));
    json_object_set_new(value, "warnings", warnings);
    char *text = json_text(value, &len);
    must(text != NULL);
    struct error error;
    json_t *back = json_parse(text, len, &error);
    must(back != NULL);
    json_decref(back);
    json_decref(value);
    free(text);
    free(copy);
    return 0;
}
