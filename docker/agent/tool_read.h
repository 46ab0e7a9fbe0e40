/* read PATH OFFSET LENGTH: the entry of a file, with its whole size, and at most LENGTH bytes of it from OFFSET. A link
 * that stays in the working folder is followed; one that leads outside is FILE_OUTSIDE. */
#ifndef CODECELL_AGENT_TOOL_READ_H
#define CODECELL_AGENT_TOOL_READ_H

#include "docker/agent/tool.h"

enum file_exit tool_read(const struct tool *tool);

/* Opens a file that tool_place_open() has been refused for its mode, which is the user's own: changes the mode for that
 * moment. A descriptor, or -errno. */
int tool_read_closed(int folder, const char *path);

#endif
