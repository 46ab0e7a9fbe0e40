/* Prepares the agent's process, which the engine has started, before the first frame. */
#ifndef CODECELL_AGENT_SETUP_H
#define CODECELL_AGENT_SETUP_H

/* Ends the process if it is not process 1 of its namespace, or if anything fails. Afterwards, the current folder is the
 * working folder. */
void setup(void);

int setup_folder(void);  /* opens the working folder: its descriptor */
int setup_signals(void); /* blocks SIGCHLD: a descriptor that is readable when one has come */

#endif
