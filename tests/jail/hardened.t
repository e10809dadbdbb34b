#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an agent could prepare, within what it may write, for those outside or for a later run.
. "$(dirname "$0")/../lib.sh"
export HOME=$TMP/home
mkdir -p "$HOME/project"
cd "$HOME/project" || exit 1
j() { timeout 60 "$MCPJAIL" -q "$@" 2>&1; }

# in_namespace SCRIPT - runs it where file systems can be mounted
in_namespace() {
	if [ "$(id -u)" = 0 ]; then
		timeout 60 unshare -m bash -c "$1" 2>&1
	else
		timeout 60 unshare -Urm bash -c "$1" 2>&1
	fi
}
export MCPJAIL

# a second /proc or /sys below a private place's tree
for place in /tmp /var/tmp /dev/shm; do
	dir=$(mktemp -d "$place/mcpjail-window.XXXXXX")
	mkdir "$dir/root" "$dir/root/proc" "$dir/root/sys" "$dir/keep"
	out=$(in_namespace "cd $dir && mount --rbind /proc root/proc && mount --rbind /sys root/sys && ls root/proc | grep -c cpuinfo &&
		timeout 30 \"\$MCPJAIL\" -q -- sh -c 'ls root/proc root/sys | grep -cE \"cpuinfo|kernel\"; echo x >keep/x && echo written'")
	is "$out" $'1\n0\nwritten' "a /proc and a /sys below a working directory in $place are closed"
	rm -rf "$dir"
done
mkdir proc
out=$(in_namespace "mount --rbind /proc proc && ls proc | grep -c cpuinfo && timeout 30 \"\$MCPJAIL\" -q -- sh -c 'ls proc | grep -c cpuinfo'")
is "$out" $'1\n0' "and one below \$PWD"

# the host's own nodes and entries
for path in /dev/null /dev/zero /dev/tty /dev/urandom /proc/version /proc/cpuinfo; do
	before=$(stat -c '%a %U' "$path")
	like "$(j -- chmod "0${before%% *}" "$path")" 'Read-only|not permitted' "the mode of $path cannot be set"
	is "$(stat -c '%a %U' "$path")" "$before" "and is what it was"
done
is "$(j -- sh -c 'echo x >/dev/null && head -c 2 /dev/zero | wc -c && : >>/dev/full && echo ok')" $'2\nok' "the devices can be written and read"
is "$(j -- bash -c 'echo a > >(cat); wait; cat <(echo b); echo c >/dev/stderr; echo d >/proc/self/fd/1')" $'a\nb\nc\nd' "bash's files under /dev/fd work"

# set-user-id, snapshots, limits
cp /bin/true copy
for how in 'chmod u+s copy' 'chmod 2755 copy' 'install -m 4755 /bin/true copy2' 'python3 -c "import os; os.close(os.open(\"made\", os.O_CREAT | os.O_WRONLY, 0o4755))"' \
	'python3 -c "import os; os.mkdir(\"dir\"); os.chmod(\"dir\", 0o2755)"'; do
	like "$(j -- sh -c "$how")" 'not permitted|PermissionError' "refused: $how"
done
is "$(find . -perm /6000)" "" "there is no such file"
is "$(j -- sh -c 'mkdir -m 1777 sticky && chmod 750 copy && stat -c %a copy sticky')" $'750\n1777' "other modes can be set"
is "$(j -- sh -c 'ulimit -c 0; ulimit -c; ulimit -Hc')" $'0\n0' "core dumps are off, and stay so"
# A hard limit of 0 that the caller brings, as sudo's can be, cannot be raised to that special 1.
if [ "$(ulimit -Hc)" = 0 ]; then core='(0, 0)'; else core='(1, 1)'; fi
is "$(j -- python3 -c 'import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); print(resource.getrlimit(resource.RLIMIT_CORE))')" "$core" "by the limit that also keeps the host's handler away"
like "$(j -- python3 -c 'import resource; resource.prlimit(1, resource.RLIMIT_NOFILE, (1, 1))')" 'PermissionError' "init's limits cannot be set"

# credential stores, with the whole home writable
mkdir -p "$HOME/.ssh" "$HOME/.config/gh" "$HOME/.docker/contexts" "$HOME/.local/state"
echo secret | tee "$HOME/.ssh/id" "$HOME/.config/gh/hosts.yml" "$HOME/.docker/contexts/key" >/dev/null
is "$(cd "$HOME" && j --write "$HOME" -- sh -c 'echo x >here && cat here')" x "--write makes a home writable that is the working directory, too"
is "$(cd "$HOME" && j --write "$TMP" -- sh -c 'echo y >here && cat here')" y "so does one for a directory above it"
is "$(j --write "$HOME" -- sh -c "cat ~/.docker/contexts/key ~/.config/gh/hosts.yml ~/.ssh/id 2>/dev/null; echo end")" end "stores are hidden in a writable home"
for what in .config .config/gh .ssh .docker; do
	like "$(j --write "$HOME" -- python3 -c "import os; os.rename('$HOME/$what', '$HOME/moved')")" 'busy|cross-device' "~/$what cannot be moved away"
	[ -e "$HOME/$what" ] && [ ! -e "$HOME/moved" ]
	ok $? "and is where it was"
done
is "$(j --write "$HOME" -- sh -c 'echo x >~/.config/other && cat ~/.config/other')" x "but what is beside a store can be written"

# other names of the policy
rules=$HOME/rules
mkdir -p "$rules/deep" && echo '{"version":"1","default":"deny"}' >"$rules/deep/policy.json"
ln -s "$rules" linked
ln -s linked/deep/policy.json policy.json
like "$(j -p policy.json -- sh -c 'rm policy.json; ln -sfn /tmp/x policy.json; mv policy.json old')" 'busy' "a link that names the policy cannot be replaced"
like "$(j -p policy.json -- sh -c 'rm linked; mv linked old')" 'busy' "nor a linked directory on its way"
is "$(readlink policy.json linked)" "linked/deep/policy.json"$'\n'"$rules" "they are what they were"
is "$(j -- sh -c 'rm policy.json && ln -s linked/deep/policy.json policy.json && echo done')" done "while they are not the policy's name they can be"

# the place where the next run looks for a policy
unset XDG_CONFIG_HOME
like "$(j --write "$HOME" -- sh -c 'mkdir -p ~/.config/mcpjail; echo {} >~/.config/mcpjail/policy.json')" 'Read-only' "no default policy can be left for later runs"
like "$(j --write "$HOME" -- python3 -c "import os; os.rename('$HOME/.config/mcpjail', '$HOME/.config/m')")" 'busy|cross-device' "nor its directory be moved"
is "$(stat -c %a "$HOME/.config/mcpjail")" 700 "which is there now, and private"
ln -s hidden "$HOME/config-link"
like "$(XDG_CONFIG_HOME=$HOME/config-link j --write "$HOME" -- sh -c 'rm ~/config-link; mkdir -p ~/hidden/mcpjail; echo {} >~/hidden/mcpjail/policy.json')" 'busy.*' "also where a link leads to it"
is "$(cat "$HOME/hidden/mcpjail/policy.json" 2>&1 | grep -c '{}')" 0 "however it is named"

# the state directory, by a link
mkdir -p "$HOME/real-state"
ln -s real-state "$HOME/state-link"
like "$(XDG_STATE_HOME=$HOME/state-link j --write "$HOME" -- python3 -c "import os; os.rename('$HOME/state-link', '$HOME/other')")" 'busy|cross-device' "a link on the way to the state cannot be moved"
