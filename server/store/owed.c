#include "store/owed.h"

#include "base/container_of.h"

#include <stdlib.h>
#include <string.h>

void owed_init(struct owed *owed)
{
    *owed = (struct owed){.count = 0};
    list_init(&owed->records);
}

static size_t text_len_of(const struct record *record)
{
    return record->out_len + record->err_len;
}

/* NULL: there is no text, or no memory for it. */
static char *copy_text(const char *text, size_t len)
{
    char *made = text != NULL ? malloc(len + 1) : NULL;

    if (made == NULL)
        return NULL;
    memcpy(made, text, len);
    made[len] = '\0';
    return made;
}

static void copy_texts(struct record *out, const struct record *record, bool fits)
{
    out->code = NULL; /* the code is written at acceptance alone */
    out->code_len = 0;
    out->out = fits ? copy_text(record->out, record->out_len) : NULL;
    out->err = fits ? copy_text(record->err, record->err_len) : NULL;
    out->out_len = out->out != NULL ? record->out_len : 0;
    out->err_len = out->err != NULL ? record->err_len : 0;
}

int owed_add(struct owed *owed, const struct record *record)
{
    struct owed_record *one = owed->count < OWED_MAX ? calloc(1, sizeof *one) : NULL;

    if (one == NULL)
        return -1;
    one->record = *record;
    copy_texts(&one->record, record, text_len_of(record) <= OWED_TEXT_MAX - owed->text_len);
    list_push(&owed->records, &one->node);
    owed->count++;
    owed->text_len += text_len_of(&one->record);
    return 0;
}

struct owed_record *owed_take(struct owed *owed)
{
    struct list *node = list_shift(&owed->records);

    if (node == NULL)
        return NULL;
    struct owed_record *one = container_of(node, struct owed_record, node);
    owed->count--;
    owed->text_len -= text_len_of(&one->record);
    return one;
}

void owed_put_back(struct owed *owed, struct owed_record *first)
{
    list_unshift(&owed->records, &first->node);
    owed->count++;
    owed->text_len += text_len_of(&first->record);
}

void owed_free(struct owed_record *one)
{
    record_clear(&one->record);
    free(one);
}
