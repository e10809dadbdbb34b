#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the agent sees of the host's files, and what it can change: $PWD, and private places.
. "$(dirname "$0")/../lib.sh"
mkdir -p "$TMP/home/.ssh" "$TMP/home/.aws" "$TMP/home/.docker" "$TMP/home/.config/gh" "$TMP/home/project/sub" "$TMP/outside"
echo secret >"$TMP/home/.ssh/id_ed25519"
echo secret >"$TMP/home/.aws/credentials"
echo secret >"$TMP/home/.netrc"
echo secret >"$TMP/home/.docker/config.json"
echo secret >"$TMP/home/.config/gh/hosts.yml"
echo plain >"$TMP/home/plain"
export HOME=$TMP/home
cd "$HOME/project" || exit 1
j() { "$MCPJAIL" -q "$@" 2>&1; }

is "$(j -- sh -c 'echo x >here && cat here'; cat here)" $'x\nx' "\$PWD is writable, and what is written is there outside"
is "$(j -- cat "$HOME/plain")" plain "other files can be read"
like "$(j -- sh -c "echo x >$HOME/plain")" 'Read-only file system' "but not written"
like "$(j -- sh -c "echo x >$TMP/outside/new")" 'Read-only file system' "nor made"
j --write "$TMP/outside" -- sh -c "echo x >$TMP/outside/new"
is "$(cat "$TMP/outside/new")" x "--write makes a directory writable"
mkdir -p "$HOME/.config/op" "$HOME/.cargo"
for secret in .vault-token .pgpass .config/op/config .cargo/credentials.toml .bash_history; do echo secret >"$HOME/$secret"; done
for secret in .vault-token .pgpass .config/op/config .cargo/credentials.toml .bash_history .ssh/id_ed25519 .aws/credentials .netrc .docker/config.json .config/gh/hosts.yml; do
	unlike "$(j -- cat "$HOME/$secret")" secret "~/$secret is hidden"
done

# links that an earlier agent left lead nowhere
ln -s ../plain-dir linked && mkdir "$HOME/plain-dir"
like "$(j --write linked -- sh -c 'echo ran')" 'symbolic link' "--write does not follow a link in \$PWD"
like "$(cd "$TMP/outside" && ln -s ../home/plain-dir l && j --write "$HOME/project/linked" -- sh -c 'echo ran')" 'symbolic link' "nor one in another run's"
ln -s plain-dir "$HOME/persons"
is "$(j --write "$HOME/persons" -- sh -c 'echo x >~/plain-dir/x && cat ~/persons/x')" x "one in the home is the person's own"
ln -s "$HOME/plain-dir" records
like "$(j --run-dir "$PWD/records/run" -- echo ran)" 'symbolic link' "--run-dir does not follow one either"
like "$(rm "$HOME/plain-dir/x"; j --run-dir records -- echo ran)" 'symbolic link' "also if it is one itself"
rm -f linked records "$TMP/outside/l" "$HOME/persons"

touch /tmp/mcpjail-probe.$$ /var/tmp/mcpjail-probe.$$
is "$(j -- sh -c "ls /tmp /var/tmp | grep -c mcpjail-probe")" 0 "/tmp and /var/tmp are private"
is "$(j -- sh -c 'echo x >/tmp/y && cat /tmp/y')" x "and writable"
[ ! -e /tmp/y ]
ok $? "without a trace outside"
rm -f /tmp/mcpjail-probe.$$ /var/tmp/mcpjail-probe.$$
is "$(j -- sh -c 'ls /sys | wc -l')" 0 "/sys is masked"
is "$(j -- ls /run)" mcpjail "/run has nothing of the host's"
is "$(j -- sh -c 'set -- /proc/[0-9]*; [ "$*" = "/proc/1 /proc/$$" ] && echo both')" both "/proc shows init and the command, nothing else"
dir=$(mktemp -d /tmp/mcpjail-cwd.XXXXXX)
is "$(cd "$dir" && j -- sh -c 'echo x >y'; cat "$dir/y")" x "a working directory under /tmp is writable"
rm -rf "$dir"
like "$(cd "$HOME" && "$MCPJAIL" -- sh -c 'echo x >y' 2>&1)" 'not writable' "a home directory as working directory is not, and it is said"
[ ! -e "$HOME/y" ]
ok $? "nothing was written there"
like "$(cd "$TMP" && HOME=$TMP/home "$MCPJAIL" -- sh -c 'echo x >home/.bashrc' 2>&1)" 'holds your home' "nor is a directory above the home"
[ ! -e "$HOME/.bashrc" ]
ok $? "where nothing was written either"
is "$(cd / && j -- sh -c '{ echo x >/y; } 2>/dev/null || echo no')" no "nor is the root"

# mcpjail's own
echo '{"version":"1","default":"deny"}' >policy.json
like "$(j -p policy.json -- sh -c 'echo {} >policy.json')" 'Read-only|denied' "the policy in force cannot be written"
like "$(j -p policy.json -- sh -c 'rm -f policy.json')" 'busy|Read-only|denied' "or removed"
j -- ln policy.json second
like "$(j -p policy.json -- echo ran)" 'hard link' "nor is one used that an earlier agent gave a second name"
rm second
mkdir -p a/b && cp policy.json a/b/
like "$(j -p a/b/policy.json -- sh -c 'mv a c; mv a/b a/c; ls a/b')" 'busy' "or moved away with its directory"
[ -e a/b/policy.json ]
ok $? "it is where it was"
is "$(j --run-dir "$PWD/run" -- sh -c 'ls run; { echo x >run/x; } 2>/dev/null || echo no')" no "the run directory is empty to the agent, and not to be written"
[ -s run/ledger.jsonl ]
ok $? "while the records are in it"
is "$(j -- ls "$XDG_STATE_HOME/mcpjail")" "" "the state directory is masked"
like "$(j -- sh -c "echo x >>$MCPJAIL")" 'Read-only|denied|busy' "the program itself cannot be written"

# The same files a second time, by another mount: WSL and image-based systems have such views.
mkdir -p "$HOME/project/hidden" "$TMP/view"
echo secret >"$HOME/project/hidden/f"
echo '{"version":"1","default":"deny","filesystem":{"hide":["$PWD/hidden"]}}' >"$TMP/view.json"
cat >"$TMP/view.sh" <<'S'
mount --bind "$TMP" "$TMP/view" || exit 1
v=$TMP/view/home
"$MCPJAIL" -q -p "$TMP/view.json" -- sh -c "cat $v/.ssh/* $v/project/hidden/*; ls $TMP/view/state/mcpjail; echo over"
cd "$v/project" && "$MCPJAIL" -q -p "$HOME/project/policy.json" -- sh -c 'echo {} >policy.json; mv policy.json p; echo over'
S
user=
[ "$(id -u)" = 0 ] || user=--map-root-user
out=$(export TMP MCPJAIL && unshare $user -m bash "$TMP/view.sh" 2>&1)
is "$(grep -c over <<<"$out")" 2 "another view of the files can be there"
unlike "$out" 'secret|hmac|runs|limits' "it shows nothing that is hidden"
is "$(cat policy.json)" '{"version":"1","default":"deny"}' "nor does it make the policy in force writable"

# devices and the kernel's own files; as root most of all
is "$(j -- sh -c 'ls /dev | tr "\n" " "')" "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero " "/dev has what is needed and no more"
for path in /proc/sys/kernel/core_pattern /etc/mcpjail-probe /etc/passwd /dev/kvm /dev/fuse /dev/net/tun \
	/sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/unified/cgroup.procs /proc/sysrq-trigger /proc/sys/kernel/hostname; do
	like "$(j -- sh -c "( : >>$path ) 2>&1 || echo refused")" refused "$path cannot be written"
done
is "$(j -- grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\t\n' '  ')" \
	"CapInh: 0000000000000000 CapPrm: 0000000000000000 CapEff: 0000000000000000 CapBnd: 0000000000000000 CapAmb: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 " \
	"no capability, no new privileges, a filter"
is "$(j -- id -u)" "$(id -u)" "the user is who they were"
like "$(j -- sh -c 'mount -t tmpfs none /mnt 2>&1; umount /tmp 2>&1; unshare -U true 2>&1; nsenter -t 1 -m true 2>&1')" 'denied|not permitted|must be' "no mounts, no namespaces"
