#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "faces/agent402.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is left of the output that an answer may show. */
struct budget {
    size_t left;
    bool cut;
};

/* A text within the budget, in whole characters. */
static json_t *within(struct budget *budget, const char *text, size_t len)
{
    size_t kept = len < budget->left ? len : budget->left;

    if (kept < len) {
        budget->cut = true;
        while (kept > 0 && ((unsigned char)text[kept] & 0xc0) == 0x80)
            kept--;
        budget->left = 0;
    } else {
        budget->left -= kept;
    }
    return json_stringn_nocheck(kept > 0 ? text : "", kept);
}

/* Bytes of a program, of which each that is not UTF-8 becomes U+FFFD. `cut`: the server left out what came after. */
static json_t *bytes_within(struct budget *budget, const char *bytes, size_t len, bool cut)
{
    struct buf clean;
    json_t *value = NULL;

    buf_init(&clean, len * 3 + 1);
    if (text_utf8_clean(&clean, bytes != NULL ? bytes : "", len, cut) == 0)
        value = within(budget, clean.data, clean.len);
    buf_free(&clean);
    budget->cut |= cut;
    return value;
}

static json_t *reported_within(struct budget *budget, const struct evaluation_text *text, bool cut)
{
    return text->data != NULL ? bytes_within(budget, text->data, text->len, cut) : json_null();
}

static json_t *exception_within(struct budget *budget, const struct evaluation *evaluation)
{
    bool cut = evaluation->error_cut;
    json_t *error = json_object();

    json_object_set_new(error, "name", reported_within(budget, &evaluation->name, cut));
    json_object_set_new(error, "message", reported_within(budget, &evaluation->message, cut));
    json_object_set_new(error, "traceback", reported_within(budget, &evaluation->traceback, cut));
    return error;
}

static json_t *end_within(struct budget *budget, const char *name, const char *message)
{
    json_t *error = json_object();

    json_object_set_new(error, "name", within(budget, name, strlen(name)));
    json_object_set_new(error, "message", within(budget, message, strlen(message)));
    json_object_set_new(error, "traceback", json_string(""));
    return error;
}

/* A program that was killed cannot tell its exception. */
static json_t *killed_within(struct budget *budget, const struct execution_result *result)
{
    char name[32], message[80];

    if (result->memory_struck && result->exit_code != 0)
        return end_within(budget, "MemoryError", "The program was killed for going over the memory limit");
    if (result->signal == 0)
        return json_null();
    const char *abbreviation = sigabbrev_np(result->signal);
    snprintf(name, sizeof name, "SIG%s", abbreviation != NULL ? abbreviation : "NAL");
    snprintf(message, sizeof message, "The program was ended by %s", name);
    return end_within(budget, name, message);
}

static json_t *answer_object(const struct agent402_product *product, const struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;
    const struct execution_output *output = &result->run;
    const struct evaluation *evaluation = &result->evaluation;
    struct budget budget = {.left = (size_t)product->output_kb << 10};
    json_t *object = json_pack("{s:s}", "language", answer->language);

    json_object_set_new(object, "stdout", bytes_within(&budget, output->out.data, output->out.len, output->out_cut));
    json_object_set_new(object, "stderr", bytes_within(&budget, output->err.data, output->err.len, output->err_cut));
    json_object_set_new(object, "result", reported_within(&budget, &evaluation->result, evaluation->result_cut));
    json_object_set_new(object, "error",
                        evaluation->name.data != NULL ? exception_within(&budget, evaluation)
                                                      : killed_within(&budget, result));
    if (budget.cut)
        json_object_set_new(object, "truncated", json_true());
    return object;
}

int agent402_answer(const struct agent402_product *product, const struct execute_answer *answer, char **text,
                    size_t *len, const char **sentence)
{
    const struct execution_result *result = &answer->result;

    *text = NULL;
    if (result->failure != NULL) {
        *sentence = result->failure;
        return result->unavailable ? 503 : 502;
    }
    if (result->timed_out) {
        *sentence = "The program ran out of time";
        return 504;
    }
    json_t *object = answer_object(product, answer);
    *text = object != NULL ? json_text(object, len) : NULL;
    json_decref(object);
    return 200;
}
