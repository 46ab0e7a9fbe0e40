/* write CONDITION: takes files on standard input. Each one gets its place in one step, when all of its bytes have come,
 * in folders that are made. Its entry then is standard output's. A file that is there keeps its mode; a link is
 * replaced itself. If the input ends before the stream does, the file whose bytes were missing is as it was. The end's
 * marks: how many of the files are new. */
#ifndef CODECELL_AGENT_TOOL_WRITE_H
#define CODECELL_AGENT_TOOL_WRITE_H

#include "docker/agent/tool.h"

enum file_exit tool_write(const struct tool *tool);

#endif
