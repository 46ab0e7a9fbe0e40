#include "api/execute_answer.h"

#include "api/answers.h"
#include "api/files_answer.h"
#include "api/kernel_answer.h"
#include "base/fields.h"
#include "base/json.h"
#include "base/memory.h"
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

void execute_answer_borrow(struct execute_answer *answer, struct execution *execution)
{
    const struct execution_request *request = execution_request(execution);

    answer->result = *execution_result(execution);
    answer->warnings = warnings_json(request);
    answer->evaluate = request->evaluate;
    answer->kernel = request->kernel;
    answer->outputs = request->outputs != NULL && request->outputs[0] != NULL;
    answer->type = "application/json";
    answer->timeout_ms = request->timeout_ms;
    answer->attempts = request->attempts;
    text_copy(answer->id, sizeof answer->id, execution_id(execution));
    text_copy(answer->version, sizeof answer->version, execution_version(execution));
    text_copy(answer->language, sizeof answer->language, request->language->id);
    if (request->session_id != NULL)
        text_copy(answer->session_id, sizeof answer->session_id, request->session_id);
}

static void forget_buffers(struct execution_result *result)
{
    buf_init(&result->run.out, 0);
    buf_init(&result->run.err, 0);
    buf_init(&result->compile.out, 0);
    buf_init(&result->compile.err, 0);
    buf_init(&result->report, 0);
    result->outputs = NULL;
}

void execute_answer_return(struct execute_answer *answer)
{
    forget_buffers(&answer->result);
}

static void move_text(struct evaluation_text *text, const char *from, const char *to)
{
    if (text->data != NULL)
        text->data = to + (text->data - from);
}

/* The texts of the evaluation lie in the report. */
static int copy_report(struct execution_result *to, const struct buf *report)
{
    struct evaluation *evaluation = &to->evaluation;

    buf_init(&to->report, report->len);
    if (report->len > 0 && buf_append(&to->report, report->data, report->len) != 0)
        return -1;
    move_text(&evaluation->result, report->data, to->report.data);
    move_text(&evaluation->name, report->data, to->report.data);
    move_text(&evaluation->message, report->data, to->report.data);
    move_text(&evaluation->traceback, report->data, to->report.data);
    return 0;
}

int execute_answer_copy(struct execute_answer *answer, struct execution *execution)
{
    execute_answer_borrow(answer, execution);
    forget_buffers(&answer->result);
    answer->shortened = answer->kernel && execution_result(execution)->report.len > EXECUTE_ANSWER_COPY_MAX;
    if (answer->shortened)
        return 0;
    return copy_report(&answer->result, &execution_result(execution)->report);
}

void execute_answer_take(struct execute_answer *answer, struct execution *execution)
{
    execute_answer_borrow(answer, execution);
    forget_buffers(execution_result(execution));
}

static size_t output_size(const struct execution_output *output)
{
    return output->out.len + output->err.len;
}

size_t execute_answer_size(const struct execute_answer *answer)
{
    return output_size(&answer->result.run) + output_size(&answer->result.compile) + answer->result.report.len +
           files_answer_size(answer->result.outputs) + answer->both[0].len + answer->both[1].len;
}

static void drop_buffer(struct buf *buf)
{
    memory_free_large(buf->data, buf->cap);
    buf_init(buf, buf->max);
}

static void drop_output(struct execution_output *output)
{
    drop_buffer(&output->out);
    drop_buffer(&output->err);
}

void execute_answer_drop(struct execute_answer *answer)
{
    drop_output(&answer->result.run);
    drop_output(&answer->result.compile);
    drop_buffer(&answer->both[0]);
    drop_buffer(&answer->both[1]);
}

void execute_answer_free(struct execute_answer *answer)
{
    buf_free(&answer->result.run.out);
    buf_free(&answer->result.run.err);
    buf_free(&answer->result.compile.out);
    buf_free(&answer->result.compile.err);
    buf_free(&answer->result.report);
    outputs_free(answer->result.outputs);
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

static void set_output(const struct execute_answer *answer, json_t *value, const struct execution_output *output)
{
    if (answer->streamed)
        return;
    json_object_set_new(value, "stdout", execute_answer_text(&output->out, output->out_cut));
    json_object_set_new(value, "stderr", execute_answer_text(&output->err, output->err_cut));
}

static json_t *compile_value(const struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;
    json_t *value = json_object();

    if (!result->compiled) {
        json_decref(value);
        return json_null();
    }
    set_output(answer, value, &result->compile);
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
    if (answer->shortened)
        json_array_append_new(
            answer->warnings,
            json_string("results: they are larger than 256 KiB, and only in the request's own answer"));
    return warning == NULL ? 0 : json_array_append_new(answer->warnings, json_string(warning));
}

static const struct field compile_list[] = {
    FIELD_OUT("stdout", FIELD_TEXT, "what the compiler wrote to standard output"),
    FIELD_OUT("stderr", FIELD_TEXT, "what the compiler wrote to standard error"),
    FIELD_OUT("exit_code", FIELD_INTEGER, "the compiler's"),
    FIELD_OUT("execution_time", FIELD_NUMBER, "seconds that the compiler ran", .nullable = true),
};
static const struct fields compile_fields = FIELDS(compile_list, 0);

static const struct field error_list[] = {
    FIELD_OUT("name", FIELD_TEXT, "of the exception, such as ValueError", .nullable = true),
    FIELD_OUT("message", FIELD_TEXT, "of the exception", .nullable = true),
    FIELD_OUT("traceback", FIELD_TEXT, "as the language prints it", .nullable = true),
};
static const struct fields error_fields = FIELDS(error_list, 0);

/* The statuses that an answer may have. */
static const char *const ended_statuses[] = {"completed",      "failed",    "timed_out", "out_of_memory",
                                             "compile_failed", "cancelled", NULL};

/* As answer_value() makes them. */
static const struct field answer_list[] = {
    FIELD_OUT("execution_id", FIELD_TEXT, "of its record", .schema = FIELD_SCHEMA_UUID),
    FIELD_OUT("stdout", FIELD_TEXT, "what the program wrote to standard output"),
    FIELD_OUT("stderr", FIELD_TEXT, "what the program, or its compiler, wrote to standard error"),
    FIELD_OUT("exit_code", FIELD_INTEGER, "0: success; 124: timed out; 128 + n: ended by signal n"),
    FIELD_OUT("execution_time", FIELD_NUMBER, "seconds that the program ran"),
    FIELD_OUT("language", FIELD_TEXT, "the language's id"),
    FIELD_OUT("session_id", FIELD_TEXT, "as given, or null", .nullable = true),
    FIELD_OUT("version", FIELD_TEXT, "of the language"),
    FIELD_OUT("status", FIELD_CHOICE, "how it ended", .choices = ended_statuses),
    FIELD_OUT("signal", FIELD_TEXT, "the name of the signal that ended it, or null", .nullable = true),
    FIELD_OUT("timed_out", FIELD_BOOLEAN, "it ran for longer than its timeout"),
    FIELD_OUT("stdout_truncated", FIELD_BOOLEAN, "it wrote more than the limit"),
    FIELD_OUT("stderr_truncated", FIELD_BOOLEAN, "it wrote more than the limit"),
    FIELD_OUT("cpu_time", FIELD_NUMBER, "seconds of all its processes, or null", .nullable = true),
    FIELD_OUT("memory_mb", FIELD_NUMBER, "its peak in MiB, or null", .nullable = true),
    FIELD_OUT("compile", FIELD_OBJECT, "what the compiler did, or null", .inside = &compile_fields, .nullable = true),
    FIELD_OUT("queue_time", FIELD_NUMBER, "seconds that it waited, or null", .nullable = true),
    FIELD_OUT_MAYBE("attempts", FIELD_INTEGER, "in the background: how often it was started"),
    FIELD_OUT_MAYBE("files", FIELD_OBJECTS, "with outputs: what came back, sorted by path",
                    .inside = &files_answer_fields),
    FIELD_OUT_MAYBE("results", FIELD_ANY, "with kernel: what was shown, each as {MIME type: data}",
                    .schema = KERNEL_ANSWER_RESULTS_SCHEMA),
    FIELD_OUT_MAYBE("result", FIELD_TEXT, "with evaluate or kernel: the last expression's value, or null",
                    .nullable = true),
    FIELD_OUT_MAYBE("error", FIELD_OBJECT, "with evaluate or kernel: the exception, or null", .inside = &error_fields,
                    .nullable = true),
    FIELD_OUT_MAYBE("execution_count", FIELD_INTEGER, "with kernel: how many executions it has had, or null",
                    .nullable = true),
    FIELD_OUT("warnings", FIELD_TEXTS, "sentences about what the client should know"),
};
const struct fields execute_answer_fields = FIELDS(answer_list, 0);

/* All fields of a normal answer, in API.md's order. */
static json_t *answer_value(struct execute_answer *answer, json_t *value)
{
    const struct execution_result *result = &answer->result;

    /* If the compilation failed, the answer shows the compiler's output. */
    const struct execution_output *output = execute_answer_ended_in_compiler(result) ? &result->compile : &result->run;

    json_object_set_new(value, "execution_id", json_string(answer->id));
    set_output(answer, value, output);
    json_object_set_new(value, "exit_code", result->failure == NULL ? json_integer(result->exit_code) : json_null());
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
    json_object_set_new(value, "compile", compile_value(answer));
    json_object_set_new(value, "queue_time", api_seconds(result->queue_ns));
    if (answer->attempts > 0)
        json_object_set_new(value, "attempts", json_integer(answer->attempts));
    if (answer->outputs && !answer->streamed)
        json_object_set_new(value, "files", files_answer(result->outputs));
    if (answer->kernel) {
        (void)kernel_answer_add(value, &result->report, answer->warnings);
    } else if (answer->evaluate) {
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

/* NULL: the answer has none, or there is no memory. */
static json_t *detail_value(const struct execution_result *result)
{
    if (result->failure == NULL)
        return result->timed_out ? json_string("Execution failed: container timeout") : NULL;
    return result->unavailable ? json_string(result->failure) : json_sprintf("Execution failed: %s", result->failure);
}

static bool has_detail(const struct execution_result *result)
{
    return result->failure != NULL || result->timed_out;
}

/* An object with its detail, if it has one. */
static json_t *begin_value(const struct execution_result *result)
{
    json_t *value = json_object();

    if (!has_detail(result) || json_object_set_new(value, "detail", detail_value(result)) == 0)
        return value;
    json_decref(value);
    return NULL;
}

json_t *execute_answer_streamed(struct execute_answer *answer)
{
    json_t *value = begin_value(&answer->result);

    answer->streamed = true;
    if (value != NULL && add_warnings(answer) == 0)
        return answer_value(answer, value);
    json_decref(value);
    return NULL;
}

static int status_of(const struct execution_result *result)
{
    if (result->unavailable)
        return 503;
    return has_detail(result) ? 500 : 200;
}

int execute_answer_encode(struct execute_answer *answer)
{
    const struct execution_result *result = &answer->result;
    json_t *value = begin_value(result);

    answer->status = status_of(result);
    if (result->failure == NULL && value != NULL && add_warnings(answer) == 0)
        value = answer_value(answer, value);
    answer->text = value != NULL ? json_text(value, &answer->len) : NULL;
    json_decref(value);
    return answer->text != NULL ? 0 : -1;
}
