// The C main of each Haskell program. ghc would write, compile and throw away the same text each time (150 ms).
#include "Rts.h"

extern StgClosure ZCMain_main_closure;

int main(int argc, char **argv)
{
    RtsConfig config = defaultRtsConfig;
    config.rts_opts_enabled = RtsOptsSafeOnly;
    config.rts_hs_main = HS_BOOL_TRUE;
    return hs_main(argc, argv, &ZCMain_main_closure, config);
}
