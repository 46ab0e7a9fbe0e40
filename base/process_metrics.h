/* This process in the metrics that Prometheus' clients have in common: process_*. */
#ifndef CODECELL_BASE_PROCESS_METRICS_H
#define CODECELL_BASE_PROCESS_METRICS_H

struct process_facts {
    double cpu_seconds; /* user and system */
    double resident_bytes, virtual_bytes;
    double open_fds, max_fds;
    double start_seconds; /* Unix time */
};

/* From /proc and getrlimit; what cannot be read is -1. */
struct process_facts process_read(void);

/* Sets the process_* metrics; what cannot be read is left out. */
void process_collect(void);

#endif
