#include "base/buf.h"
#include "base/metrics.h"
#include "unit.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int reset(void **state)
{
    (void)state;
    metrics_reset();
    return 0;
}

static void check_text(const char *expected)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(metrics_text(&out), 0);
    assert_string_equal(out.data != NULL ? out.data : "", expected);
    buf_free(&out);
}

static struct metric *series(struct metric_family *family, const char *a, const char *b)
{
    return metric_series(family, (const char * [METRIC_LABELS_MAX + 1]){a, b});
}

static const char *const no_labels[METRIC_LABELS_MAX + 1] = {NULL};
static const char *const two_labels[METRIC_LABELS_MAX + 1] = {"language", "status"};

static void counters_and_gauges(void **state)
{
    (void)state;
    struct metric_family *runs = metric_family("runs_total", "Runs.", METRIC_COUNTER, two_labels, NULL);
    struct metric_family *depth = metric_family("depth", "How deep\\how\nwide.", METRIC_GAUGE, no_labels, NULL);
    check_text("");
    metric_add(series(runs, "python", "completed"), 1);
    metric_add(series(runs, "c", "failed"), 2);
    metric_add(series(runs, "python", "completed"), 1);
    metric_add(metric_series(depth, no_labels), 5);
    metric_add(metric_series(depth, no_labels), -1.5);
    check_text("# HELP runs_total Runs.\n# TYPE runs_total counter\n"
               "runs_total{language=\"python\",status=\"completed\"} 2\n"
               "runs_total{language=\"c\",status=\"failed\"} 2\n"
               "# HELP depth How deep\\\\how\\nwide.\n# TYPE depth gauge\ndepth 3.5\n");
    metric_set(metric_series(depth, no_labels), INFINITY);
    assert_ptr_equal(metric_family("depth", "", METRIC_GAUGE, no_labels, NULL), depth);
}

static void histograms_add_up(void **state)
{
    (void)state;
    static const double bounds[] = {0.5, 1, 2, 0};
    static const char *const one[METRIC_LABELS_MAX + 1] = {"step"};
    struct metric_family *time = metric_family("time_seconds", "Time.", METRIC_HISTOGRAM, one, bounds);
    struct metric *run = series(time, "run", NULL);
    static const double values[] = {0.25, 0.5, 1.5, 2, 64};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        metric_observe(run, values[i]);
    check_text("# HELP time_seconds Time.\n# TYPE time_seconds histogram\n"
               "time_seconds_bucket{step=\"run\",le=\"0.5\"} 2\n"
               "time_seconds_bucket{step=\"run\",le=\"1\"} 2\n"
               "time_seconds_bucket{step=\"run\",le=\"2\"} 4\n"
               "time_seconds_bucket{step=\"run\",le=\"+Inf\"} 5\n"
               "time_seconds_sum{step=\"run\"} 68.25\n"
               "time_seconds_count{step=\"run\"} 5\n");
}

static void a_histogram_without_labels(void **state)
{
    (void)state;
    static const double bounds[] = {1, 0};
    struct metric_family *wait = metric_family("wait", "Wait.", METRIC_HISTOGRAM, NULL, bounds);
    metric_observe(metric_series(wait, NULL), 3);
    check_text("# HELP wait Wait.\n# TYPE wait histogram\nwait_bucket{le=\"1\"} 0\nwait_bucket{le=\"+Inf\"} 1\n"
               "wait_sum 3\nwait_count 1\n");
}

static void latency_bounds_ascend(void **state)
{
    (void)state;
    assert_true(metric_latency_bounds[0] == 0.0001);
    size_t i = 0;
    while (metric_latency_bounds[i + 1] != 0) {
        assert_true(metric_latency_bounds[i] < metric_latency_bounds[i + 1]);
        i++;
    }
    assert_true(metric_latency_bounds[i] == 300);
    struct metric_family *family = metric_family("l", "L.", METRIC_HISTOGRAM, NULL, metric_latency_bounds);
    metric_observe(metric_series(family, NULL), 300);
    struct buf out;
    buf_init(&out, 10000);
    assert_int_equal(metrics_text(&out), 0);
    assert_non_null(strstr(out.data, "l_bucket{le=\"0.0001\"} 0\n"));
    assert_non_null(strstr(out.data, "l_bucket{le=\"300\"} 1\n"));
    buf_free(&out);
}

static void labels_and_numbers_are_escaped(void **state)
{
    (void)state;
    struct metric_family *odd = metric_family("odd", "Odd.", METRIC_GAUGE, two_labels, NULL);
    metric_set(series(odd, "a\"b\\c\nd", "\xff\xc3\xa4"), NAN);
    metric_set(series(odd, "", ""), -INFINITY);
    check_text("# HELP odd Odd.\n# TYPE odd gauge\n"
               "odd{language=\"a\\\"b\\\\c\\nd\",status=\"\xef\xbf\xbd\xc3\xa4\"} NaN\n"
               "odd{language=\"\",status=\"\"} -Inf\n");
}

static void series_are_capped(void **state)
{
    (void)state;
    struct metric_family *many = metric_family("many", "Many.", METRIC_COUNTER, two_labels, NULL);
    struct metric *first = series(many, "0", "x");
    for (int i = 1; i < METRIC_SERIES_MAX; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        metric_add(series(many, value, "x"), 1);
    }
    struct metric *other = series(many, "one more", "x");
    metric_add(other, 1);
    metric_add(series(many, "and one more", "y"), 1);
    assert_ptr_equal(series(many, "and another", "z"), other);
    assert_ptr_equal(series(many, "0", "x"), first);
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(metrics_text(&out), 0);
    size_t lines = 0;
    for (const char *at = out.data; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 2 + METRIC_SERIES_MAX + 1);
    assert_non_null(strstr(out.data, "\nmany{language=\"511\",status=\"x\"} 1\n"));
    assert_non_null(strstr(out.data, "\nmany{language=\"other\",status=\"other\"} 2\n"));
    buf_free(&out);
}

static void a_long_label_is_other(void **state)
{
    (void)state;
    struct metric_family *family = metric_family("f", "F.", METRIC_COUNTER, two_labels, NULL);
    char value[130];
    memset(value, 'a', 129);
    value[129] = '\0';
    metric_add(series(family, value, "x"), 3);
    check_text("# HELP f F.\n# TYPE f counter\nf{language=\"other\",status=\"other\"} 3\n");
    value[128] = '\0';
    assert_ptr_not_equal(series(family, value, "x"), series(family, "x", value + 1));
}

/* Wherever the buffer ends, it holds what it held before. */
static void a_full_buffer_is_an_error(void **state)
{
    (void)state;
    static const double bounds[] = {1, 0};
    metric_add(series(metric_family("a", "A.", METRIC_COUNTER, two_labels, NULL), "x", "y"), 1);
    metric_observe(metric_series(metric_family("b", "B.", METRIC_HISTOGRAM, NULL, bounds), NULL), 1);
    struct buf out;
    buf_init(&out, 10000);
    assert_int_equal(metrics_text(&out), 0);
    size_t whole = out.len;
    buf_free(&out);
    for (size_t max = 4; max < whole + 4; max++) {
        buf_init(&out, max);
        buf_puts(&out, "kept");
        assert_int_equal(metrics_text(&out), -1);
        assert_string_equal(out.data, "kept");
        buf_free(&out);
    }
    buf_init(&out, whole);
    assert_int_equal(metrics_text(&out), 0);
    buf_free(&out);
}

#define ADDITIONS 20000

static void *add_many(void *metric)
{
    for (int i = 0; i < ADDITIONS; i++)
        metric_add(metric, 1);
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    struct metric *metric = metric_series(metric_family("n", "N.", METRIC_COUNTER, NULL, NULL), NULL);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, metric), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    check_text("# HELP n N.\n# TYPE n counter\nn 80000\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(counters_and_gauges, reset),
        cmocka_unit_test_teardown(histograms_add_up, reset),
        cmocka_unit_test_teardown(a_histogram_without_labels, reset),
        cmocka_unit_test_teardown(latency_bounds_ascend, reset),
        cmocka_unit_test_teardown(labels_and_numbers_are_escaped, reset),
        cmocka_unit_test_teardown(series_are_capped, reset),
        cmocka_unit_test_teardown(a_long_label_is_other, reset),
        cmocka_unit_test_teardown(a_full_buffer_is_an_error, reset),
        cmocka_unit_test_teardown(threads_lose_nothing, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
