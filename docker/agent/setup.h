/* Makes a safe place of the process that the engine started: before the first frame. */
#ifndef CODECELL_AGENT_SETUP_H
#define CODECELL_AGENT_SETUP_H

/* Ends the process where it is not fit to be a cell's first, or where anything fails. Afterwards it
 * stands in the working folder. */
void setup(void);

int setup_folder(void);  /* the working folder's descriptor */
int setup_signals(void); /* a descriptor that is readable when a child has ended */

#endif
