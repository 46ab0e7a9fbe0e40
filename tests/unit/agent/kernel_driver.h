/* A driver for the tests of kernels: it runs cells whose code is a list of commands, a line each. */
#ifndef CODECELL_TESTS_UNIT_AGENT_KERNEL_DRIVER_H
#define CODECELL_TESTS_UNIT_AGENT_KERNEL_DRIVER_H

#include "agent_trial.h"

/* Roles of a test program (trial_main). */
int kernel_driver(void);
int kernel_hasty(void); /* says END as soon as it has the number */

extern const char *const kernel_argv[]; /* TRIAL_SELF as the role "driver" */

/* A cell in the kernel, to its end: 60 s, 1 MiB of output. Its number is that of the cell before, and one more. */
void kernel_cell(struct trial *trial, const char *code, const char *input);
/* The same for `timeout_ms`, and with another argv, up to `until`. */
void kernel_begin(struct trial *trial, const char *const argv[], uint64_t timeout_ms, const char *code);
/* A plain job of the capsule, after others. */
void kernel_plain(struct trial *trial, const char *script);

/* Asserts the end of the last cell, and whether a kernel lives. */
void kernel_expect(const struct trial *trial, uint32_t exit_code, uint32_t signal, uint32_t flags);

#endif
