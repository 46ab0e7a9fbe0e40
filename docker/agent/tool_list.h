/* list PATH DEPTH AFTER MOST: the entry at PATH, and what is below it down to DEPTH folders, without bytes, in the
 * order of wire_path_compare(). Only entries behind the path AFTER, and at most MOST. PATH and AFTER may be empty: the
 * working folder, and from the first. A path through a link is FILE_NOT_FOUND. */
#ifndef CODECELL_AGENT_TOOL_LIST_H
#define CODECELL_AGENT_TOOL_LIST_H

#include "docker/agent/tool.h"

enum file_exit tool_list(const struct tool *tool);

#endif
