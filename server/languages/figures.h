/* Figures in the commands of a language.json: "-Xmx${memory_mb*75/100}m" becomes the job's own limit, in the form that
 * the interpreter wants.
 *
 *     ${NAME}  ${NAME*N}  ${NAME*N/M}, each perhaps with -K after it
 *
 * NAME is memory_mb, disk_mb or processes; N, M and K are whole numbers from 1 to 9999. A quotient is rounded down,
 * and a result below 1 becomes 1. Any other ${…} stays as it is, because it may be a shell's.
 */
#ifndef CODECELL_LANGUAGES_FIGURES_H
#define CODECELL_LANGUAGES_FIGURES_H

#include "docker/cell/cell.h"

#include <stdbool.h>

/* The sentence for a wrong figure. */
#define FIGURES_WRONG "a figure must be ${NAME}, ${NAME*N} or ${NAME*N/M}, each perhaps with -K after it"

bool figures_are_right(const char *text); /* false: one of the names is in another form */

bool figures_in(const char *text); /* whether there is anything to fill in */

/* The text with its figures, the caller's to free. The text must be right. NULL: out of memory. */
char *figures_filled(const char *text, const struct cell_limits *limits);

#endif
