/* What the server's process asks of its machine, at the start. What the machine refuses is done without. */
#ifndef CODECELL_PROCESS_H
#define CODECELL_PROCESS_H

/* As many descriptors as the system allows: each connection takes one, and so does each cell's attach stream. */
void process_raise_descriptors(void);

/* The server's own part of the processors. Programs may use all that there is, and the server's thread, which needs
 * little, would wait behind them at each of the turns that an answer takes. Where the kernel shares the processors out
 * by sessions (autogroup, sched(7)), a server that has a session of its own asks for 28 times a session's part. Its
 * loop's thread also becomes a real-time one (SCHED_FIFO), which runs before every ordinary thread. Both take
 * CAP_SYS_NICE, or limits of the process that allow it. In a container, or as a service of systemd, the part is a
 * setting of those. */
void process_raise_weight(void);

/* Of the worker threads as many work at a time (base/pace.h) as are half of the processors, at most four. What they do
 * takes long (large bodies, large answers, archives), and with the server's part they would leave little to others.
 * Before the first work. */
void process_limit_workers(void);

#endif
