/* The user's terminal, raw while a program on the server has a terminal of its own. It is put back as it was at every
 * exit: by terminal_restore(), by exit(), and by the signals of a crash. */
#ifndef CODECELL_CLIENT_TERMINAL_H
#define CODECELL_CLIENT_TERMINAL_H

struct terminal_size {
    int columns, rows; /* 1 to TERMINAL_SIZE_MAX */
};

#define TERMINAL_SIZE_MAX 1000

/* What the terminal says; 80 × 24 if it does not know. */
struct terminal_size terminal_size(int fd);

/* Keys come one by one, and none of them is a signal or is shown. 0, or -1 with errno: `fd` is no terminal. */
int terminal_raw(int fd);
void terminal_restore(void); /* may be called if it is not raw */

/* Stops this process with the terminal as it was, and makes it raw again when the process goes on. */
void terminal_suspend(void);

#endif
