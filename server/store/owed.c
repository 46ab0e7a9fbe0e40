#include "store/owed.h"

#include <stdlib.h>
#include <string.h>

static size_t text_of(const struct record *record)
{
    return record->out_len + record->err_len;
}

/* NULL for NULL, and without memory. */
static char *copy(const char *text, size_t len)
{
    char *made = text ? malloc(len + 1) : NULL;
    if (!made)
        return NULL;
    memcpy(made, text, len);
    made[len] = '\0';
    return made;
}

static void copy_texts(struct record *out, const struct record *record, bool fits)
{
    out->code = NULL; /* is written at acceptance alone */
    out->code_len = 0;
    out->out = fits ? copy(record->out, record->out_len) : NULL;
    out->err = fits ? copy(record->err, record->err_len) : NULL;
    out->out_len = out->out ? record->out_len : 0;
    out->err_len = out->err ? record->err_len : 0;
}

int owed_add(struct owed *owed, const struct record *record)
{
    struct owed_record *one = owed->count < OWED_MAX ? calloc(1, sizeof(*one)) : NULL;
    if (!one)
        return -1;
    one->record = *record;
    copy_texts(&one->record, record, text_of(record) <= OWED_TEXT_MAX - owed->text_len);
    if (owed->tail)
        owed->tail->next = one;
    else
        owed->head = one;
    owed->tail = one;
    owed->count++;
    owed->text_len += text_of(&one->record);
    return 0;
}

struct owed_record *owed_take(struct owed *owed)
{
    struct owed_record *one = owed->head;
    if (!one)
        return NULL;
    owed->head = one->next;
    if (!owed->head)
        owed->tail = NULL;
    owed->count--;
    owed->text_len -= text_of(&one->record);
    one->next = NULL;
    return one;
}

void owed_put_back(struct owed *owed, struct owed_record *first)
{
    first->next = owed->head;
    owed->head = first;
    if (!owed->tail)
        owed->tail = first;
    owed->count++;
    owed->text_len += text_of(&first->record);
}

void owed_free(struct owed_record *one)
{
    record_clear(&one->record);
    free(one);
}
