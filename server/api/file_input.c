#include "api/file_input.h"

#include <string.h>

#define INPUT_MAX ((size_t)256 << 10) /* entries of one piece of a body, which has at most HTTP_READ_MAX bytes */

void file_input_init(struct file_input *input)
{
    *input = (struct file_input){.over = false};
    buf_init(&input->out, INPUT_MAX);
}

void file_input_free(struct file_input *input)
{
    buf_free(&input->out);
}

int file_input_file(struct file_input *input, const char *path)
{
    uint8_t head[ENTRY_MAX];
    const struct entry entry = {
        .type = ENTRY_FILE, .content = ENTRY_BYTES, .mode = 0644, .path = path, .path_len = strlen(path)};

    input->entries++;
    return buf_append(&input->out, head, entry_put(head, &entry));
}

int file_input_data(struct file_input *input, const char *data, size_t len)
{
    uint8_t head[ENTRY_CHUNK_HEAD];

    input->bytes += len;
    for (size_t part; len > 0; data += part, len -= part) {
        part = len < ENTRY_CHUNK_MAX ? len : ENTRY_CHUNK_MAX;
        entry_put_chunk(head, (uint32_t)part);
        if (buf_append(&input->out, head, sizeof head) != 0 || buf_append(&input->out, data, part) != 0)
            return -1;
    }
    return 0;
}

int file_input_file_end(struct file_input *input)
{
    uint8_t head[ENTRY_CHUNK_HEAD];

    entry_put_chunk(head, 0);
    return buf_append(&input->out, head, sizeof head);
}

void file_input_end(struct file_input *input, bool whole)
{
    uint8_t end[ENTRY_HEAD];

    input->over = true;
    if (!whole)
        return;
    entry_put_end(end, &(struct entry_end){.exit = FILE_DONE, .entries = input->entries, .bytes = input->bytes});
    (void)buf_append(&input->out, end, sizeof end); /* a stream without its end does not count as whole */
}

void file_input_feed(struct file_input *input, struct file_call *call)
{
    if (call->step == NULL || call->cell == NULL)
        return;
    if (input->out.len > 0)
        buf_consume(&input->out, cell_input(call->cell, input->out.data, input->out.len));
    if (input->out.len > 0)
        return;
    if (input->over)
        cell_input_end(call->cell);
    else if (input->reading && call->pending.ex != NULL)
        http_body_go_on(call->pending.ex);
}

void file_input_admit(struct file_input *input, struct file_call *call, http_body_piece *on_piece, uint64_t bytes)
{
    struct http_exchange *ex = call->pending.ex;

    http_body_flows(ex, on_piece);
    http_body_limit(ex, bytes);
    input->reading = true;
    http_admit(ex);
}
