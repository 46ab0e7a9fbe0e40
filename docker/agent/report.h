/* The report of a step: a regular file that the program leaves at REPORT_PATH. The agent reads it after every process
 * has ended, so that nothing changes it meanwhile, and does not look into it: the server checks who wrote it
 * (server/run/evaluation.h). */
#ifndef CODECELL_AGENT_REPORT_H
#define CODECELL_AGENT_REPORT_H

#include <stdint.h>

#define REPORT_PATH "/tmp/.codecell-report"

/* A descriptor of the file, or -1: there is no file, it has more than `max` bytes, or it is not a regular file. */
int report_open(uint64_t max);

#endif
