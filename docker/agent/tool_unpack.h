/* unpack: takes everything on standard input, makes it beside the working folder, and has the two change places in one
 * step when all has come. Then the old one is removed. If anything fails, the working folder is as it was. Modes and
 * times are those of the entries. A folder that has no entry is made. A later entry replaces an earlier one.
 *
 * unpack here: makes it in the working folder itself, and leaves what it has made there if it fails. So an empty folder
 * can get as many files as there may be. */
#ifndef CODECELL_AGENT_TOOL_UNPACK_H
#define CODECELL_AGENT_TOOL_UNPACK_H

#include "docker/agent/tool.h"

enum file_exit tool_unpack(const struct tool *tool);

#endif
