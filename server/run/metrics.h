/* The metrics of executions: how many ended how, and how long they waited and ran. */
#ifndef CODECELL_RUN_METRICS_H
#define CODECELL_RUN_METRICS_H

#include <stdint.h>

struct execution_result;
struct history;

void measure_queue(uint64_t ns);                            /* from acceptance to its slot */
void measure_cell(const char *language, uint64_t ns);       /* from its slot to its cell */
void measure_taken(const char *language, const char *cell); /* cell: prewarmed, blank, kept or made */
void measure_share(const char *part, uint64_t ns);          /* the server's own; part: admission, to_job or to_answer */
void measure_end(const char *language, const struct execution_result *result);
/* The same for the history (history.h; NULL: none). ns: from its acceptance to its end. */
void measure_minute(struct history *history, int64_t now_ms, const char *language,
                    const struct execution_result *result, uint64_t ns);

#endif
