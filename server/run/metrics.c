#include "run/metrics.h"

#include "base/metrics.h"
#include "run/execution.h"
#include "run/history.h"

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static void observe(const char *name, const char *help, const char *language, uint64_t ns)
{
    struct metric_family *family =
        metric_family(name, help, METRIC_HISTOGRAM,
                      (const char *const[METRIC_LABELS_MAX + 1]){language ? "language" : NULL}, metric_latency_bounds);

    metric_observe(metric_series(family, (const char *const[METRIC_LABELS_MAX + 1]){language}), seconds(ns));
}

void measure_queue(uint64_t ns)
{
    observe("codecell_queue_seconds", "From an execution's acceptance to its slot.", NULL, ns);
}

void measure_cell(const char *language, uint64_t ns)
{
    observe("codecell_cell_seconds", "From an execution's slot to the cell that runs it.", language, ns);
}

void measure_taken(const char *language, const char *cell)
{
    struct metric_family *taken = metric_family(
        "codecell_cells_taken_total",
        "Cells that executions got: idle and prewarmed, idle and blank, kept for their key, or made while "
        "they waited.",
        METRIC_COUNTER, (const char *const[METRIC_LABELS_MAX + 1]){"language", "cell"}, NULL);

    metric_add(metric_series(taken, (const char *const[METRIC_LABELS_MAX + 1]){language, cell}), 1);
}

void measure_share(const char *part, uint64_t ns)
{
    struct metric_family *shares = metric_family(
        "codecell_server_seconds",
        "The server's own share of an execution, without waits for a slot or a cell. to_job: from the request's last "
        "byte to the job on the cell's stream. admission: the part of to_job that checks the key. to_answer: from the "
        "program's end to the answer's first byte.",
        METRIC_HISTOGRAM, (const char *const[METRIC_LABELS_MAX + 1]){"part"}, metric_share_bounds);

    metric_observe(metric_series(shares, (const char *const[METRIC_LABELS_MAX + 1]){part}), seconds(ns));
}

void measure_end(const char *language, const struct execution_result *result)
{
    struct metric_family *ended = metric_family("codecell_executions_total", "Executions that ended.", METRIC_COUNTER,
                                                (const char *const[METRIC_LABELS_MAX + 1]){"language", "status"}, NULL);

    metric_add(
        metric_series(ended, (const char *const[METRIC_LABELS_MAX + 1]){language, record_status_name(result->status)}),
        1);
    if (result->wall_ns >= 0 && result->failure == NULL)
        observe("codecell_program_seconds", "A program's own wall-clock time.", language, (uint64_t)result->wall_ns);
}

static enum history_end end_of(const struct execution_result *result)
{
    static const enum history_end ends[RECORD_STATUSES] = {
        [RECORD_PENDING] = HISTORY_ERROR,
        [RECORD_RUNNING] = HISTORY_ERROR,
        [RECORD_COMPLETED] = HISTORY_COMPLETED,
        [RECORD_FAILED] = HISTORY_FAILED,
        [RECORD_TIMED_OUT] = HISTORY_TIMED_OUT,
        [RECORD_OUT_OF_MEMORY] = HISTORY_FAILED,
        [RECORD_COMPILE_FAILED] = HISTORY_FAILED,
        [RECORD_CANCELLED] = HISTORY_CANCELLED,
        [RECORD_LOST] = HISTORY_ERROR,
    };
    enum history_end end = ends[result->status];

    return end == HISTORY_FAILED && result->failure != NULL ? HISTORY_ERROR : end;
}

void measure_minute(struct history *history, int64_t now_ms, const char *language,
                    const struct execution_result *result, uint64_t ns)
{
    if (history != NULL)
        history_add(history, now_ms, language, end_of(result), ns);
}
