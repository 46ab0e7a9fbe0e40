#!/bin/sh
# Compiles the ReScript files in the working folder, each beside itself. The compiler colours its messages, whatever it
# writes to, and the last line says no more than that it failed.
cp /usr/lib/codecell/rescript.json /tmp/ && cd /tmp || exit
export RESCRIPT_BSC_EXE=/usr/lib/rescript/bsc.exe RESCRIPT_RUNTIME=/node_modules/@rescript/runtime
messages=$(/usr/lib/rescript/rescript.exe build --quiet 2>&1)
status=$?
escape=$(printf '\033')
[ -z "$messages" ] || printf '%s\n' "$messages" | sed "s/$escape\[[0-9;]*[A-Za-z]//g; /^Incremental build failed/d" >&2
exit "$status"
