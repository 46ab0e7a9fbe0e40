#include "base/metrics.h"

#include "base/buf.h"
#include "base/text.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BOUNDS_MAX 32
#define VALUE_MAX ((size_t)128) /* bytes of a label's value; a longer one counts as "other" */

struct metric {
    struct metric *next; /* in order of first use */
    const struct metric_family *family;
    char *values[METRIC_LABELS_MAX];
    _Atomic double value; /* counter, gauge; a histogram's sum */
    uint64_t count;       /* histogram: observations */
    uint64_t buckets[];   /* histogram: one per bound, not cumulative */
};

struct metric_family {
    struct metric_family *next; /* in order of registration */
    const char *name, *help;
    enum metric_type type;
    const char *labels[METRIC_LABELS_MAX];
    size_t label_count;
    double bounds[BOUNDS_MAX];
    size_t bound_count;
    struct metric *first, **last;
    size_t series;
    struct metric *other; /* counts for series beyond METRIC_SERIES_MAX; made with the family */
    bool other_used;
};

static struct {
    struct metric_family *first;
} registry;

const double metric_latency_bounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                        0.5,    1,       2.5,    5,     10,     30,    60,   120,   300,  0};

const double metric_share_bounds[] = {0.00002, 0.00004, 0.00006, 0.00008, 0.0001, 0.00012, 0.00015,
                                      0.0002,  0.00025, 0.0003,  0.0004,  0.0005, 0.00075, 0.001,
                                      0.0015,  0.0025,  0.005,   0.01,    0};

/* Families and series. */

static void series_free(struct metric *metric)
{
    if (metric == NULL)
        return;
    for (size_t i = 0; i < METRIC_LABELS_MAX; i++)
        free(metric->values[i]);
    free(metric);
}

/* NULL: out of memory. */
static struct metric *series_new(const struct metric_family *family, const char *const *values)
{
    struct metric *metric = calloc(1, sizeof *metric + family->bound_count * sizeof *metric->buckets);

    if (metric == NULL)
        return NULL;
    metric->family = family;
    for (size_t i = 0; i < family->label_count; i++) {
        metric->values[i] = strdup(values[i]);
        if (metric->values[i] == NULL) {
            series_free(metric);
            return NULL;
        }
    }
    return metric;
}

static void copy_shape(struct metric_family *family, const char *const *labels, const double *bounds)
{
    while (labels != NULL && family->label_count < METRIC_LABELS_MAX && labels[family->label_count] != NULL) {
        family->labels[family->label_count] = labels[family->label_count];
        family->label_count++;
    }
    while (bounds != NULL && family->bound_count < BOUNDS_MAX && bounds[family->bound_count] != 0) {
        family->bounds[family->bound_count] = bounds[family->bound_count];
        family->bound_count++;
    }
}

static struct metric_family *family_new(const char *name, const char *help, enum metric_type type,
                                        const char *const *labels, const double *bounds)
{
    static const char *const other[METRIC_LABELS_MAX] = {"other", "other", "other"};
    struct metric_family *family = calloc(1, sizeof *family);

    if (family == NULL)
        abort();
    family->name = name;
    family->help = help;
    family->type = type;
    family->last = &family->first;
    copy_shape(family, labels, bounds);
    family->other = series_new(family, other);
    if (family->other == NULL)
        abort();
    return family;
}

struct metric_family *metric_family(const char *name, const char *help, enum metric_type type,
                                    const char *const labels[METRIC_LABELS_MAX + 1], const double *bounds)
{
    struct metric_family **at = &registry.first;

    for (; *at != NULL; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0)
            return *at;
    *at = family_new(name, help, type, labels, bounds);
    return *at;
}

static bool has_values(const struct metric *metric, const char *const *values)
{
    for (size_t i = 0; i < metric->family->label_count; i++)
        if (strcmp(metric->values[i], values[i]) != 0)
            return false;
    return true;
}

static bool fits(const struct metric_family *family, const char *const *values)
{
    for (size_t i = 0; i < family->label_count; i++)
        if (strnlen(values[i], VALUE_MAX + 1) > VALUE_MAX)
            return false;
    return family->series < METRIC_SERIES_MAX;
}

struct metric *metric_series(struct metric_family *family, const char *const values[METRIC_LABELS_MAX + 1])
{
    for (struct metric *metric = family->first; metric != NULL; metric = metric->next)
        if (has_values(metric, values))
            return metric;
    struct metric *metric = fits(family, values) ? series_new(family, values) : NULL;
    if (metric == NULL) {
        family->other_used = true;
        return family->other;
    }
    *family->last = metric;
    family->last = &metric->next;
    family->series++;
    return metric;
}

/* Values. */

void metric_add(struct metric *metric, double by)
{
    /* Not `+=`: gcc would want libatomic for its floating-point exceptions. */
    double old = atomic_load(&metric->value);
    while (!atomic_compare_exchange_weak(&metric->value, &old, old + by))
        continue;
}

void metric_set(struct metric *metric, double value)
{
    atomic_store(&metric->value, value);
}

void metric_observe(struct metric *metric, double value)
{
    const struct metric_family *family = metric->family;
    size_t i = 0;

    while (i < family->bound_count && !(value <= family->bounds[i]))
        i++;
    if (i < family->bound_count)
        metric->buckets[i]++; /* a value above the last bound is in +Inf alone, which is `count` */
    metric->count++;
    metric_add(metric, value);
}

/* Text. */

static int metrics_put_number(struct buf *out, double value)
{
    if (isnan(value))
        return buf_puts(out, "NaN");
    if (isinf(value))
        return buf_puts(out, value > 0 ? "+Inf" : "-Inf");
    return buf_printf(out, "%.15g", value);
}

/* Backslash and line feed are escaped everywhere, a quote in a label's value alone. */
static int metrics_put_escaped(struct buf *out, const char *text, bool quote)
{
    for (; *text != '\0'; text++) {
        const char escaped[] = {'\\', *text == '\n' ? 'n' : *text, '\0'};
        bool special = *text == '\\' || *text == '\n' || (quote && *text == '"');
        if (special ? buf_puts(out, escaped) != 0 : buf_append(out, text, 1) != 0)
            return -1;
    }
    return 0;
}

static int put_label(struct buf *out, const char *name, const char *value, bool first)
{
    struct buf clean;

    buf_init(&clean, 3 * VALUE_MAX);
    int bad = text_utf8_clean(&clean, value, strlen(value), false);
    if (bad == 0)
        bad = buf_printf(out, "%s%s=\"", first ? "" : ",", name);
    if (bad == 0 && clean.data != NULL)
        bad = metrics_put_escaped(out, clean.data, true);
    buf_free(&clean);
    return bad != 0 ? -1 : buf_puts(out, "\"");
}

/* {a="x",le="0.5"}; nothing if there is no label. `bound`: a bucket's upper bound, or NULL. */
static int put_labels(struct buf *out, const struct metric *metric, const double *bound)
{
    const struct metric_family *family = metric->family;

    if (family->label_count == 0 && bound == NULL)
        return 0;
    int bad = buf_puts(out, "{");
    for (size_t i = 0; bad == 0 && i < family->label_count; i++)
        bad = put_label(out, family->labels[i], metric->values[i], i == 0);
    if (bad == 0 && bound != NULL) {
        bad = buf_printf(out, "%sle=\"", family->label_count > 0 ? "," : "");
        if (bad == 0)
            bad = metrics_put_number(out, *bound);
        if (bad == 0)
            bad = buf_puts(out, "\"");
    }
    return bad != 0 ? -1 : buf_puts(out, "}");
}

static int put_sample(struct buf *out, const struct metric *metric, const char *suffix, const double *bound,
                      double value)
{
    if (buf_printf(out, "%s%s", metric->family->name, suffix) != 0 || put_labels(out, metric, bound) != 0 ||
        buf_puts(out, " ") != 0 || metrics_put_number(out, value) != 0)
        return -1;
    return buf_puts(out, "\n");
}

static int put_histogram(struct buf *out, const struct metric *metric)
{
    const struct metric_family *family = metric->family;
    const double infinite = INFINITY;
    uint64_t below = 0;

    for (size_t i = 0; i < family->bound_count; i++) {
        below += metric->buckets[i];
        if (put_sample(out, metric, "_bucket", &family->bounds[i], (double)below) != 0)
            return -1;
    }
    if (put_sample(out, metric, "_bucket", &infinite, (double)metric->count) != 0 ||
        put_sample(out, metric, "_sum", NULL, atomic_load(&metric->value)) != 0)
        return -1;
    return put_sample(out, metric, "_count", NULL, (double)metric->count);
}

static int put_series(struct buf *out, const struct metric *metric)
{
    if (metric->family->type == METRIC_HISTOGRAM)
        return put_histogram(out, metric);
    return put_sample(out, metric, "", NULL, atomic_load(&metric->value));
}

/* Puts nothing for a family that was never used. */
static int put_family(struct buf *out, const struct metric_family *family)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};

    if (family->first == NULL && !family->other_used)
        return 0;
    if (buf_printf(out, "# HELP %s ", family->name) != 0 || metrics_put_escaped(out, family->help, false) != 0 ||
        buf_printf(out, "\n# TYPE %s %s\n", family->name, types[family->type]) != 0)
        return -1;
    for (const struct metric *metric = family->first; metric != NULL; metric = metric->next)
        if (put_series(out, metric) != 0)
            return -1;
    return family->other_used ? put_series(out, family->other) : 0;
}

int metrics_text(struct buf *out)
{
    size_t before = out->len;

    for (const struct metric_family *family = registry.first; family != NULL; family = family->next) {
        if (put_family(out, family) != 0) {
            out->len = before;
            if (out->data != NULL)
                out->data[before] = '\0';
            return -1;
        }
    }
    return 0;
}

static void family_free(struct metric_family *family)
{
    for (struct metric *metric = family->first, *next; metric != NULL; metric = next) {
        next = metric->next;
        series_free(metric);
    }
    series_free(family->other);
    free(family);
}

void metrics_reset(void)
{
    for (struct metric_family *family = registry.first, *next; family != NULL; family = next) {
        next = family->next;
        family_free(family);
    }
    memset(&registry, 0, sizeof registry);
}
