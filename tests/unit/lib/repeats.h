/* For tests that do something thousands of times. With TESTS_SHORT in the environment they do it less often: tests/run
 * sets it for valgrind, under which a program takes 30 to 60 times as long. All other builds run the whole. */
#ifndef CODECELL_TESTS_LIB_REPEATS_H
#define CODECELL_TESTS_LIB_REPEATS_H

#include <stdlib.h>

static inline int unless_short(int usual, int in_short)
{
    return getenv("TESTS_SHORT") ? in_short : usual;
}

#endif
