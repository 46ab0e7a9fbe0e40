/* Counters, gauges and histograms, and their text for GET /metrics (Prometheus text format 0.0.4).
 * A family is registered when it is first asked for, and a series appears with its first use. Everything runs on the
 * loop's thread, except metric_add and metric_set of a series that exists, which are atomic. The number of
 * series of a family is capped (METRIC_SERIES_MAX): past it, values go to a series whose labels are "other". */
#ifndef CODECELL_BASE_METRICS_H
#define CODECELL_BASE_METRICS_H

#include <stddef.h>

struct buf;
struct metric_family;
struct metric; /* one series */

#define METRIC_LABELS_MAX 3
#define METRIC_SERIES_MAX 512

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Registers a family; name and help are kept by pointer. `labels`: names, NULL after the last.
 * `bounds`: upper bounds of a histogram's buckets in ascending order, 0 after the last; NULL otherwise.
 * The same name twice gives the same family. Never NULL: it aborts if out of memory. */
struct metric_family *metric_family(const char *name, const char *help, enum metric_type type,
                                    const char *const labels[METRIC_LABELS_MAX + 1], const double *bounds);

/* The series with these label values (as many as the family has labels; NULL after the last). */
struct metric *metric_series(struct metric_family *family, const char *const values[METRIC_LABELS_MAX + 1]);

void metric_add(struct metric *metric, double by);        /* counter, gauge */
void metric_set(struct metric *metric, double value);     /* gauge */
void metric_observe(struct metric *metric, double value); /* histogram */

int metrics_text(struct buf *out); /* 0, or -1 if the buffer is full */
void metrics_reset(void);          /* forgets all families: for tests and for exit */

/* Seconds, 0.1 ms to 5 min: for latencies. */
extern const double metric_latency_bounds[];
/* Seconds, 20 us to 10 ms: for what the server does itself. */
extern const double metric_share_bounds[];

#endif
