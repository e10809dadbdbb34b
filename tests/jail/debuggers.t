#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debuggers: refused unless the policy allows them, with the switch named; where it does, they
# work on the agent's own processes, and on nothing of ours.
. "$(dirname "$0")/../lib.sh"
echo '{"version":"1","jail":{"ptrace":true}}' >"$TMP/ptrace.json"
bare() { "$MCPJAIL" -q "$@" 2>&1 </dev/null; }
tracing() { "$MCPJAIL" -q -p "$TMP/ptrace.json" -- "$@" 2>&1 </dev/null; }
printf 'int answer = 41;\nvoid here(void) { answer++; }\nint main(void) { here(); return 0; }\n' >a.c
gcc -g -O0 -o a a.c

# --- off --------------------------------------------------------------------------------------------
like "$(bare -- strace true)" 'Operation not permitted' "strace is refused unless the policy allows it"
like "$(bare -- gdb -q -batch -ex run ./a)" 'Operation not permitted' "so is gdb"
like "$("$MCPJAIL" -- strace true 2>&1)" '^mcpjail: refused: .*"jail": ?\{"ptrace": ?true\}' "and the summary names the switch"

# --- on: they work -------------------------------------------------------------------------------------
like "$(tracing strace -f -e trace=execve sh -c 'true; /bin/true')" 'execve\("/bin/true"' "strace follows children"
like "$(tracing gdb -q -batch -ex 'break here' -ex run -ex finish -ex 'print answer' ./a)" '= 42' "gdb stops at a breakpoint, and reads memory"
like "$(tracing sh -c 'sleep 20 & sleep 0.2; timeout 10 gdb -q -batch -p $! -ex "info proc" 2>&1; kill $!')" 'exe = .*sleep' "gdb attaches to a process that runs"
like "$(tracing sh -c 'strace -e trace=unshare unshare -U true')" 'EPERM' "what is refused stays so for what is traced"

# --- and reach nothing of ours -------------------------------------------------------------------------
for what in 'strace -p 1' 'gdb -q -batch -p 1' 'cat /proc/1/mem' 'cat /proc/1/maps' 'ls -l /proc/1/fd' 'readlink /proc/1/root'; do
	out=$(tracing sh -c "timeout 10 $what; echo status \$?")
	like "$out" 'not permitted|denied|status [1-9]' "$what: not for the jail's init"
	unlike "$out" 'attached' "which is not stopped by it"
done
cat >peek.py <<'P'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for request in 16, 0x4206:  # PTRACE_ATTACH, PTRACE_SEIZE
    if libc.ptrace(request, 1, 0, 0) == 0: print("OUT: ptrace")
buf = ctypes.create_string_buffer(8)
class Span(ctypes.Structure): _fields_ = [("p", ctypes.c_void_p), ("n", ctypes.c_size_t)]
local, remote = Span(ctypes.addressof(buf), 8), Span(0x400000, 8)
if libc.process_vm_readv(1, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0) > 0: print("OUT: read")
print("errno", os.strerror(ctypes.get_errno()))
P
is "$(tracing python3 peek.py)" "errno Operation not permitted" "its memory cannot be read"
