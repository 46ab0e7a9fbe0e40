#include "api/execute_answer.h"

#include "api/answers.h"
#include "base/json.h"
#include "base/text.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static json_t *warnings_json(const struct execution_request *request)
{
    json_t *array = json_array();

    for (size_t i = 0; i < request->warnings_len; i++)
        json_array_append_new(array, json_string(request->warnings[i]));
    return array;
}

int execute_answer_add(struct execute_answer *answer, const struct execution_request *request, enum frame_step step,
                       const uint8_t *data, size_t len)
{
    struct buf *both = &answer->both[step == FRAME_STEP_COMPILE ? 0 : 1];

    if (both->max == 0)
        buf_init(both, 2 * ((size_t)request->limits.output_kb << 10)); /* two streams, each within its limit */
    return buf_append(both, data, len);
}

void execute_answer_take(struct execute_answer *answer, struct execution *execution)
{
    const struct execution_request *request = execution_request(execution);
    struct execution_result *result = execution_result(execution);

    answer->result = *result;
    answer->warnings = warnings_json(request);
    answer->evaluate = request->evaluate;
    answer->type = "application/json";
    answer->timeout_ms = request->timeout_ms;
    text_copy(answer->id, sizeof answer->id, execution_id(execution));
    text_copy(answer->version, sizeof answer->version, execution_version(execution));
    text_copy(answer->language, sizeof answer->language, request->language->id);
    if (request->session_id != NULL)
        text_copy(answer->session_id, sizeof answer->session_id, request->session_id);
    buf_init(&result->run.out, 0);
    buf_init(&result->run.err, 0);
    buf_init(&result->compile.out, 0);
    buf_init(&result->compile.err, 0);
    buf_init(&result->report, 0);
}

static size_t output_size(const struct execution_output *output)
{
    return output->out.len + output->err.len;
}

size_t execute_answer_size(const struct execute_answer *answer)
{
    return output_size(&answer->result.run) + output_size(&answer->result.compile) + answer->result.report.len +
           answer->both[0].len + answer->both[1].len;
}

void execute_answer_free(struct execute_answer *answer)
{
    buf_free(&answer->result.run.out);
    buf_free(&answer->result.run.err);
    buf_free(&answer->result.compile.out);
    buf_free(&answer->result.compile.err);
    buf_free(&answer->result.report);
    buf_free(&answer->both[0]);
    buf_free(&answer->both[1]);
    json_decref(answer->warnings);
}

static json_t *bytes_value(const char *bytes, size_t len, bool cut)
{
    struct buf clean;
    json_t *value = NULL;

    buf_init(&clean, len * 3 + 1);
    if (text_utf8_clean(&clean, bytes, len, cut) == 0)
        value = json_stringn_nocheck(clean.data != NULL ? clean.data : "", clean.len);
    buf_free(&clean);
    return value;
}

json_t *execute_answer_text(const struct buf *bytes, bool cut)
{
    return bytes_value(bytes->data, bytes->len, cut);
}

static json_t *evaluation_value(const struct evaluation_text *text, bool cut)
{
    return text->data == NULL ? json_null() : bytes_value(text->data, text->len, cut);
}

json_t *execute_answer_result(const struct evaluation *evaluation)
{
    return evaluation_value(&evaluation->result, evaluation->result_cut);
}

json_t *execute_answer_error(const struct evaluation *evaluation)
{
    if (evaluation->name.data == NULL)
        return json_null();
    json_t *value = json_object();
    json_object_set_new(value, "name", evaluation_value(&evaluation->name, evaluation->error_cut));
    json_object_set_new(value, "message", evaluation_value(&evaluation->message, evaluation->error_cut));
    json_object_set_new(value, "traceback", evaluation_value(&evaluation->traceback, evaluation->error_cut));
    return value;
}

json_t *execute_answer_signal(int number)
{
    const char *name = number > 0 ? sigabbrev_np(number) : NULL;

    if (number == 0)
        return json_null();
    return name != NULL ? json_sprintf("SIG%s", name) : json_sprintf("SIG%d", number);
}

static json_t *compile_value(const struct execution_result *result)
{
    json_t *value = json_object();

    if (!result->compiled) {
        json_decref(value);
        return json_null();
    }
    json_object_set_new(value, "stdout", execute_answer_text(&result->compile.out, result->compile.out_cut));
    json_object_set_new(value, "stderr", execute_answer_text(&result->compile.err, result->compile.err_cut));
    json_object_set_new(value, "exit_code", json_integer(result->compile_exit_code));
    json_object_set_new(value, "execution_time", api_seconds(result->compile_wall_ns));
    return value;
}

bool execute_answer_ended_in_compiler(const struct execution_result *result)
{
    return result->compiled && result->compile_exit_code != 0;
}

static const char *memory_warning(const struct execution_result *result)
{
    if (execute_answer_ended_in_compiler(result))
        return "the compiler was killed for going over the memory limit";
    return result->status == RECORD_OUT_OF_MEMORY
               ? NULL
               : "a process of the program was killed for going over the memory limit";
}

/* What the client should know beside the program's own result. */
static int add_warnings(struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;
    const char *warning = NULL;

    if (result->memory_struck)
        warning = memory_warning(result);
    else if (result->compile_timed_out)
        warning = "the compiler was killed for going over the language's compile limit";
    else if (result->signal == SIGSYS)
        warning = "the program was ended by SIGSYS: it made a system call that no program may make here; 32-bit system "
                  "calls (int 0x80) are such";
    return warning == NULL ? 0 : json_array_append_new(answer->warnings, json_string(warning));
}

/* All fields of a normal answer, in API.md's order. */
static json_t *answer_value(struct execute_answer *answer, json_t *value)
{
    const struct execution_result *result = &answer->result;

    /* If the compilation failed, the answer shows the compiler's output. */
    const struct execution_output *output = execute_answer_ended_in_compiler(result) ? &result->compile : &result->run;

    json_object_set_new(value, "execution_id", json_string(answer->id));
    json_object_set_new(value, "stdout", execute_answer_text(&output->out, output->out_cut));
    json_object_set_new(value, "stderr", execute_answer_text(&output->err, output->err_cut));
    json_object_set_new(value, "exit_code", json_integer(result->exit_code));
    json_object_set_new(value, "execution_time", api_seconds(result->wall_ns < 0 ? 0 : result->wall_ns));
    json_object_set_new(value, "language", json_string(answer->language));
    json_object_set_new(value, "session_id", api_text(answer->session_id));
    json_object_set_new(value, "version", json_string(answer->version));
    json_object_set_new(value, "status", json_string(record_status_name(result->status)));
    json_object_set_new(value, "signal", execute_answer_signal(result->signal));
    json_object_set_new(value, "timed_out", json_boolean(result->timed_out));
    json_object_set_new(value, "stdout_truncated", json_boolean(output->out_cut));
    json_object_set_new(value, "stderr_truncated", json_boolean(output->err_cut));
    json_object_set_new(value, "cpu_time", api_seconds(result->cpu_ns));
    json_object_set_new(value, "memory_mb", api_megabytes(result->peak_bytes));
    json_object_set_new(value, "compile", compile_value(result));
    json_object_set_new(value, "queue_time", api_seconds(result->queue_ns));
    if (answer->evaluate) {
        json_object_set_new(value, "result", execute_answer_result(&result->evaluation));
        json_object_set_new(value, "error", execute_answer_error(&result->evaluation));
    }
    json_object_set(value, "warnings", answer->warnings);
    return value;
}

json_t *execute_answer_object(struct execute_answer *answer)
{
    return add_warnings(answer) == 0 ? answer_value(answer, json_object()) : NULL;
}

static json_t *failure_value(struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;

    answer->status = result->unavailable ? 503 : 500;
    if (result->unavailable)
        return json_pack("{s:s}", "detail", result->failure);
    return json_pack("{s:o}", "detail", json_sprintf("Execution failed: %s", result->failure));
}

int execute_answer_encode(struct execute_answer *answer)
{
    json_t *value;

    if (answer->result.failure != NULL) {
        value = failure_value(answer);
    } else {
        answer->status = answer->result.timed_out ? 500 : 200;
        value = answer->result.timed_out ? json_pack("{s:s}", "detail", "Execution failed: container timeout")
                                         : json_object();
        if (value != NULL && add_warnings(answer) == 0)
            value = answer_value(answer, value);
    }
    answer->text = value != NULL ? json_text(value, &answer->len) : NULL;
    json_decref(value);
    return answer->text != NULL ? 0 : -1;
}
