/* Prepares process 1 of the container, which the engine has started, and process 1 of a capsule. */
#ifndef CODECELL_AGENT_SETUP_H
#define CODECELL_AGENT_SETUP_H

/* In process 1 of the container, first. Ends the process if it is not process 1 of its namespace, or if anything fails.
 */
void setup(void);

/* The other three are for the agent, after its namespaces are complete. */

void setup_session(void); /* a process group and a session that no program can enter */
int setup_folder(void);   /* makes the working folder, which becomes the current folder: its descriptor */
int setup_signals(void);  /* blocks SIGCHLD: a descriptor that is readable when one has come */

#endif
