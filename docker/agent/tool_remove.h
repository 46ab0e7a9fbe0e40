/* remove PATH CONDITION: removes a file, a link itself, or a folder with all that is in it, in one step. Its entry is
 * standard output's. The condition may be any, old or tags. */
#ifndef CODECELL_AGENT_TOOL_REMOVE_H
#define CODECELL_AGENT_TOOL_REMOVE_H

#include "docker/agent/tool.h"

enum file_exit tool_remove(const struct tool *tool);

#endif
