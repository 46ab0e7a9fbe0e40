/* A pseudo-terminal between the agent and a program. The agent has the end that stands for the person in front of it
 * (`ours`); the program has the other end as its controlling terminal and as its descriptors 0, 1 and 2. The kernel's
 * line discipline lies between them: echo, line editing, signals of keys. The agent keeps the program's end open as
 * well, so that the terminal does not hang up while a process of the program may still open it. */
#ifndef CODECELL_AGENT_TERMINAL_H
#define CODECELL_AGENT_TERMINAL_H

#include "docker/wire/frame.h"

#include <sys/types.h>

struct terminal {
    int ours, theirs; /* ours is non-blocking */
};

/* Opens a pair. 0, or -1 with errno: no descriptor is left. */
int terminal_open(struct terminal *out, const struct frame_size *size);

/* Closes what is open, and sets it to -1. */
void terminal_shut(struct terminal *terminal);

/* For the program, in its new session: takes the terminal, and makes it the descriptors 0, 1 and 2. 0, or -1. */
int terminal_enter(int theirs);

/* Sets the size; the kernel sends SIGWINCH to the foreground process group if it is another one than before. */
void terminal_resize(int ours, const struct frame_size *size);

/* The foreground process group; 0: none. */
pid_t terminal_foreground(int ours);

/* The bytes that say end of file to a program that reads after `last` was typed: one, or two within a line, because the
 * first one then only ends the line. 0: the program has set no such character. */
size_t terminal_end_of_file(int ours, uint8_t last, uint8_t out[2]);

#endif
