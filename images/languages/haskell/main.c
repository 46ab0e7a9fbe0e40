// The C main of each Haskell program. ghc would write, compile and throw away the same text each time (150 ms).
#define _GNU_SOURCE
#include "Rts.h"

#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

extern StgClosure ZCMain_main_closure;

// GHC asks this function, and flushes by the line where it says that a handle writes to a terminal. With CODECELL_LIVE
// standard output passes for one.
int isatty(int fd)
{
    struct termios settings;

    return (fd == STDOUT_FILENO && getenv("CODECELL_LIVE") != NULL) || tcgetattr(fd, &settings) == 0;
}

int main(int argc, char **argv)
{
    RtsConfig config = defaultRtsConfig;
    config.rts_opts_enabled = RtsOptsSafeOnly;
    config.rts_hs_main = HS_BOOL_TRUE;
    return hs_main(argc, argv, &ZCMain_main_closure, config);
}
