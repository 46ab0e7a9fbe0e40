-- Starts jq for a program's file: jq.lua main.jq ARGUMENTS…
-- The file's first line may give jq's options as a script's does (#!/usr/bin/jq -nrf). Where it does not,
-- the filter gets null when there is nothing on stdin: jq itself would not run it at all.
local ffi = require "ffi"
ffi.cdef [[
    struct pollfd { int fd; short events, revents; };
    int poll(struct pollfd *, unsigned long, int);
    int ioctl(int, unsigned long, ...);
    int execv(const char *, const char *const *);
]]
local POLLIN, FIONREAD = 1, 0x541B

local function stdin_is_empty()
    local count = ffi.new("int[1]")
    ffi.C.poll(ffi.new("struct pollfd", 0, POLLIN), 1, -1) -- returns when something is there, or the end is
    return ffi.C.ioctl(0, FIONREAD, count) == 0 and count[0] == 0
end

local program = arg[1]
local argv = { "jq", "-L", "." }
local file = assert(io.open(program))
local options = (file:read() or ""):match "^#!.-%f[%w]jq%s*(.*)$"
file:close()
if options then
    for option in options:gmatch "%S+" do argv[#argv + 1] = option end
elseif stdin_is_empty() then
    argv[#argv + 1] = "-n"
end
for _, word in ipairs { "-f", program, "--args", "--" } do argv[#argv + 1] = word end
for i = 2, #arg do argv[#argv + 1] = arg[i] end

local words = ffi.new("const char *[?]", #argv + 1, argv)
ffi.C.execv("/usr/bin/jq", words)
error("jq: could not be started")
