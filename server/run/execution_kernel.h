/* What differs for a request with `kernel`: how its program is ended early, and what the client is told of the kernel.
 * For another request these functions do nothing. */
#ifndef CODECELL_RUN_EXECUTION_KERNEL_H
#define CODECELL_RUN_EXECUTION_KERNEL_H

#include "run/execution.h"

/* Cancels the execution: its program is interrupted, and the end follows from its cell, or after
 * FRAME_KERNEL_GRACE_MS. False: it does not run in a kernel. */
bool execution_kernel_interrupt(struct execution *execution);

/* Sends a signal to what runs in the kernel. After SIGKILL the end follows, as above. False: as above. */
bool execution_kernel_signal(struct execution *execution, uint32_t number);

/* For execution.c: the step is over, and warnings tell what became of the kernel. */
void execution_kernel_step_end(struct execution *execution, const struct frame_step_end *end);

/* For execution.c: the execution concludes. `clean`: its cell can be used again. */
void execution_kernel_over(struct execution *execution, bool clean);

#endif
