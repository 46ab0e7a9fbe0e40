#include "faces/face_text.h"

#include "base/json.h"

const struct execution_output *face_output(const struct execution_result *result)
{
    return execute_answer_ended_in_compiler(result) ? &result->compile : &result->run;
}

json_t *face_text_chomped(const struct buf *bytes, bool cut)
{
    struct buf shorter = *bytes;

    if (shorter.len > 0 && shorter.data[shorter.len - 1] == '\n')
        shorter.len--;
    return execute_answer_text(&shorter, cut);
}

static json_t *hundredths(int64_t value)
{
    return json_real((double)value / 100);
}

json_t *face_milliseconds(int64_t ns)
{
    return hundredths(ns < 0 ? 0 : (ns + 5000) / 10000);
}

json_t *face_megabytes(int64_t bytes)
{
    int64_t whole = bytes >> 20, rest = bytes & ((1 << 20) - 1);

    return hundredths(bytes < 0 ? 0 : whole * 100 + (rest * 100 + (1 << 19)) / (1 << 20));
}

char *face_error(int status, const char *detail, size_t *len)
{
    (void)status;
    json_t *object = json_pack("{s:s}", "error", detail);
    char *text = object != NULL ? json_text(object, len) : NULL;

    json_decref(object);
    return text;
}

void face_limits(struct execution_request *request, const struct execute_rules *rules,
                 const struct limits_overrides *own, int64_t timeout_s)
{
    int64_t most[LIMITS_BOUNDS];

    request->limits_rise = true;
    limits_bounds(most, &rules->maxima);
    for (enum limit limit = 0; limit < LIMITS; limit++) {
        int64_t bound = most[LIMITS_BOUND + limit];
        request->overrides.value[limit] = own->value[limit] < bound ? own->value[limit] : bound;
    }
    request->timeout_ms = (timeout_s < rules->max_timeout ? timeout_s : rules->max_timeout) * 1000;
}
