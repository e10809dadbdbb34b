#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A policy's read, write and hide: what they show, and what they must not be made to show.
. "$(dirname "$0")/../lib.sh"
export HOME=$TMP/home
mkdir -p "$HOME/.ssh" "$HOME/.config/gh" "$HOME/.config/empty" "$HOME/data/sub" "$HOME/project/secrets" "$HOME/dot"
echo key >"$HOME/.ssh/id_ed25519"
echo host >"$HOME/.ssh/known_hosts"
echo config >"$HOME/dot/ssh_config"
ln -s ../dot/ssh_config "$HOME/.ssh/config"
echo gh >"$HOME/.config/gh/hosts.yml"
echo data >"$HOME/data/file"
cd "$HOME/project" || exit 1
echo dotted >secrets/.env
echo pem >secrets/a.pem

# with FILESYSTEM [OPTION…] -- COMMAND… - under a policy with that, as JSON
with() {
	echo "{\"version\":\"1\",\"default\":\"deny\",\"filesystem\":$1}" >"$TMP/policy.json"
	shift
	"$MCPJAIL" -q -p "$TMP/policy.json" "$@" 2>&1
}
refused() { # filesystem, extended regex, description
	local out status
	out=$(with "$1" -- echo ran)
	status=$?
	is "$status" 125 "$3: nothing runs"
	like "$out" "$2" "$3: it is said"
}

# write
w='{"write":["~/data/","~/.agent/","~/.cache/deep/agent/","~/missing"]}'
is "$(with "$w" -- sh -c 'echo x >~/data/new && mv ~/data/new ~/data/sub/ && cat ~/data/sub/new')" x "a directory becomes writable"
is "$(with "$w" -- sh -c 'echo x >~/.agent/s && cat ~/.agent/s')" x "a missing one is made, if its name ends in a slash"
is "$(stat -c '%a %u' "$HOME/.agent" "$HOME/.cache/deep")" "700 $(id -u)
700 $(id -u)" "for its owner alone, and those above it"
[ ! -e "$HOME/missing" ]
ok $? "else not"
like "$(with "$w" -- sh -c 'echo x >~/.agentx; echo x >~/.config/x')" 'Read-only' "beside it nothing is writable"
like "$(with "$w" -- sh -c 'mv ~/.agent ~/.a2; rmdir ~/data')" 'busy|Read-only' "it cannot be moved away itself"
f='{"write":["~/data/file"]}'
is "$(with "$f" -- sh -c 'echo x >>~/data/file; cat ~/data/file')" $'data\nx' "a single file becomes writable"
like "$(with "$f" -- sh -c 'echo y >~/data/other; mv ~/data/file ~/data/o')" 'Read-only|busy' "alone"
is "$(with '{"write":["~/d?ta/s*"]}' -- sh -c 'echo x >~/data/sub/glob; cat ~/data/sub/glob; echo y 2>/dev/null >~/data/no || echo no')" \
	$'x\nno' "wildcards stand for names"

refused '{"write":["/"]}' 'all that there is' "the root"
refused "{\"write\":[\"$XDG_STATE_HOME/mcpjail\"]}" 'which the jail hides' "the state directory"
refused '{"write":["/proc/"]}' 'which the jail hides' "the kernel's files"
refused '{"write":["~/.ssh/"]}' 'filesystem.read' "a credential store"
refused "{\"write\":[\"$TMP/policy.json\"]}" 'never writable' "the policy in force"
refused "{\"write\":[\"$MCPJAIL\"]}" 'never writable' "the program"

# links that an agent may have left
ln -s ../.ssh out
ln -s ../data fine
ln -s data "$HOME/link"
refused '{"write":["$PWD/out/"]}' 'symbolic link' "writing by a link in \$PWD"
refused '{"read":["$PWD/out"]}' 'symbolic link' "reading by one"
refused '{"write":["$PWD/fine/sub/"]}' 'symbolic link' "a link on the way"
like "$(cd "$HOME/data" && with '{"write":["~/project/fine"]}' -- true)" 'symbolic link' "also when that was another run's \$PWD"
is "$(with '{"write":["~/link/"]}' -- sh -c 'echo x >~/link/l && cat ~/data/l')" x "a link in the home is the person's own"
rm -f out fine
mkdir -p "$HOME/.agent"
with '{"write":["~/.agent/"]}' -- ln -s ../data "$HOME/.agent/sub"
refused '{"write":["~/.agent/sub/"]}' 'symbolic link' "one that an agent left in a directory of its own"
rm "$HOME/.agent/sub"
with '{}' -- sh -c 'mkdir shut; ln -s ../../data shut/out; chmod 555 shut'
like "$(cd "$HOME/data" && with '{"write":["~/project/shut/out/"]}' -- true)" 'symbolic link' "or in one that it closed to writing"
chmod 755 shut
rm -r shut

# read
is "$(with '{}' -- sh -c 'ls -A ~/.ssh ~/.config/gh' | tr -d '\n')" "$HOME/.config/gh:$HOME/.ssh:" "stores are hidden"
r='{"read":["~/.ssh/known_*","~/.ssh/config","~/.config/gh"]}'
is "$(with "$r" -- sh -c 'ls -A ~/.ssh; cat ~/.ssh/known_hosts ~/.ssh/config ~/.config/gh/hosts.yml')" \
	$'config\nknown_hosts\nhost\nconfig\ngh' "what is named of them is shown, and nothing else"
like "$(with "$r" -- sh -c 'echo x >>~/.ssh/known_hosts; echo x >>~/.config/gh/hosts.yml; touch ~/.ssh/new')" 'Read-only' "to be read"
r='{"read":["~/.ssh/known_*","~/.config/gh"]}'
like "$(with "$r" --write "$HOME" -- sh -c 'echo x >>~/.ssh/known_hosts; echo x >>~/.config/gh/hosts.yml; mv ~/.ssh ~/.s; rm ~/.ssh/known_hosts; ls -A ~/.ssh')" \
	'^known_hosts$' "also where the home is writable"
is "$(cat "$HOME/.ssh/known_hosts" "$HOME/.config/gh/hosts.yml")" $'host\ngh' "they are as they were"
is "$(with '{"read":["~/.config/gh"],"write":["~/.config/gh/"]}' -- sh -c 'echo x >>~/.config/gh/hosts.yml; cat ~/.config/gh/hosts.yml')" \
	$'gh\nx' "what is written as well can be written"
refused '{"read":["/run"]}' 'never shown' "the host's /run"
refused "{\"read\":[\"$XDG_STATE_HOME/mcpjail\"]}" 'never shown' "reading the state directory"
dir=$(mktemp -d /tmp/mcpjail-read.XXXXXX)
echo shown >"$dir/file"
is "$(with "{\"read\":[\"$dir\"]}" -- sh -c "cat $dir/file; { echo x >$dir/new; } 2>/dev/null || echo no")" $'shown\nno' \
	"something in /tmp can be shown"
rm -rf "$dir"

# hide
h='{"hide":["$PWD/secrets/*","~/data"],"read":["~/data"],"write":["~/data/"]}'
is "$(with "$h" -- sh -c 'cat secrets/.env secrets/a.pem; ls -A ~/data')" "" "what is hidden is empty, dotted names too"
like "$(with "$h" -- sh -c 'echo x >secrets/.env; echo x >~/data/x')" 'Read-only' "and not to be written: it wins over read and write"
like "$(with "$h" -- sh -c 'rm -f secrets/.env; mv secrets/.env e; mv secrets s')" 'busy' "nor moved out of its place"
is "$(cat secrets/.env secrets/a.pem "$HOME/data/file")" $'dotted\npem\ndata\nx' "outside nothing changed"
ln -s "$HOME/dot" linked
is "$(with '{"hide":["$PWD/linked"]}' -- sh -c 'ls -A linked ~/dot; rm linked 2>/dev/null || echo busy' | tr -d '\n')" "${HOME}/dot:linked:busy" \
	"a link hides what it leads to"
is "$(with '{"hide":["~/.ssh/known_hosts"],"read":["~/.ssh"]}' -- sh -c 'cat ~/.ssh/id_ed25519 ~/.ssh/known_hosts')" key "something in what is shown can be hidden"
refused '{"hide":["$PWD"]}' 'working directory' "hiding \$PWD"
refused '{"hide":["~"]}' 'working directory' "hiding what holds it"

# sockets of the host, in places that are the jail's own
dir=$(mktemp -d /tmp/mcpjail-sockets.XXXXXX)
mkdir -p "$dir/in" "$HOME/.gnupg"
echo neighbour >"$dir/in/neighbour"
echo neighbour >"$HOME/.gnupg/secring"
socket() { python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])' "$1"; }
socket "$dir/in/listed"
socket "$dir/in/other"
socket "$HOME/.gnupg/S.agent"
ln -s in/listed "$dir/name"
sockets() { # LIST COMMAND…
	echo "{\"version\":\"1\",\"default\":\"deny\",\"sockets\":[$1]}" >"$TMP/policy.json"
	shift
	"$MCPJAIL" -q -p "$TMP/policy.json" -- "$@" 2>&1
}
is "$(sockets "\"$dir/in/listed\"" sh -c "cd $dir && find . | sort | tr '\n' ' '; [ -S in/listed ] && echo socket")" ". ./in ./in/listed socket" \
	"a listed socket is shown, without its neighbours"
is "$(sockets '"~/.gnupg/S.agent"' sh -c 'ls -A ~/.gnupg; [ -S ~/.gnupg/S.agent ] && echo socket')" $'S.agent\nsocket' "also in a credential store"
is "$(sockets "\"$dir/in/neighbour\",\"$dir/in/missing\"" ls -A /tmp)" "" "what is no socket, or not there, is not"
like "$(sockets "\"$dir/in/listed\"" sh -c "rm -f $dir/in/listed; mv $dir/in $dir/x; echo x >$dir/in/listed")" 'busy|Read-only|No such device' "it cannot be replaced"
[ -S "$dir/in/listed" ]
ok $? "and is there afterwards"
rm -rf "$dir" "$HOME/.gnupg"

# paths that no policy should have
like "$(with '{"write":["~/../x"]}' -- true)" '^mcpjail: ' "no way up"
mkdir many && touch many/{1..300}
refused '{"hide":["$PWD/many/*"]}' '256 paths' "more than is kept"

# Landlock stands behind the mounts: nothing that agents do daily is in its way.
cat >daily.sh <<'P'
set -e
mkdir a b; echo x >a/f; mv a/f b/f; ln b/f a/g; ln -s f b/l; mkfifo a/p; mv a c; rm -r c b
echo x >~/data/f; mv ~/data/f .; mv f ~/data/; cp ~/data/f /tmp/; mv /tmp/f .
dd if=/dev/zero of=/dev/null bs=1 count=1 2>/dev/null
echo out >/dev/stdout; echo err >/dev/stderr; echo fd >/proc/self/fd/1
python3 - <<'E'
import ctypes, multiprocessing, os, pty, socket, sqlite3, tempfile
db = sqlite3.connect("x.db"); db.execute("pragma journal_mode=wal"); db.execute("create table t(a)"); db.commit(); db.close()
f = tempfile.TemporaryFile(dir="."); f.write(b"x"); f.truncate(0)
multiprocessing.Lock()
os.write(os.memfd_create("x"), b"x")
assert ctypes.CDLL(None).mq_open(b"/q", os.O_CREAT | os.O_RDWR, 0o600, None) >= 0
s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen()
a, b = pty.openpty(); open(os.ttyname(b), "w").write("x")
E
echo done
P
is "$(with '{"write":["~/data/"]}' --require landlock -- sh daily.sh 2>&1 | tr '\n' ' ')" "out err fd done " "files, databases, queues, terminals: all works"
with '{"write":["~/data/"]}' -- sh -c 'echo o >/dev/stdout; echo e >/dev/stderr' >"$TMP/file"
is "$(sort "$TMP/file" | tr -d '\n')" eo "also into a file that the caller redirected to"
