/* pack MAX_BYTES MAX_ENTRIES: everything in the working folder, with bytes, in the order of wire_path_compare(). Sizes
 * count as they are told, holes too: over the limits it is FILE_TOO_LARGE. A second name of a file comes as ENTRY_SAME.
 * The end's marks: how many things were left out, because their paths are too long. */
#ifndef CODECELL_AGENT_TOOL_PACK_H
#define CODECELL_AGENT_TOOL_PACK_H

#include "docker/agent/tool.h"

enum file_exit tool_pack(const struct tool *tool);

#endif
