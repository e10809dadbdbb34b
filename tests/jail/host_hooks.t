#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What programs of the host would run later, because of where it lies, the agent can neither change
# nor make, by no way; and nothing is left of what keeps it so.
. "$(dirname "$0")/../lib.sh"
export HOME=$TMP/home GIT_CONFIG_NOSYSTEM=1
mkdir -p "$HOME" "$TMP/outside"
git config --global user.name t
git config --global user.email t@example.com
git config --global init.defaultBranch main
j() { "$MCPJAIL" -q "$@" 2>&1; }
listing() { (cd "$1" && find . -path ./.git/objects -prune -o -printf '%P %y %m %l\n' | sort); }
project() { # NAME - a new directory, and there
	mkdir "$TMP/$1" && cd "$TMP/$1" || exit 1
}

# --- nothing is there yet --------------------------------------------------------------
project empty
before=$(listing .)
for name in .mcp.json .opencode opencode.json opencode.jsonc; do
	like "$(j -- sh -c "echo '{}' >$name; cat $name")" 'No such file|nonexistent|cannot create' "$name cannot be made"
	unlike "$(j -- sh -c "rm -f $name; mv $name x; echo '{}' >y; mv y $name; ln -f y $name; ln -sfn y $name; cat $name; rm -f y")" '^\{\}' "nor put in its place"
done
for dir in .git .claude .codex .gemini .cursor .vscode .idea .helix; do
	like "$(j -- sh -c "echo x >$dir/settings.json")" 'Read-only|No such' "nothing can be made in $dir"
	unlike "$(j -- sh -c "rmdir $dir; mv $dir x; mkdir y; echo in >y/f; mv -T y $dir; ln -sfn y $dir; cat $dir/f; rm -rf y")" '^in$' "nor can it be replaced"
done
is "$(j -- sh -c 'cat .mcp.json opencode.json 2>&1 | grep -vc "No such file"; [ ! -e .mcp.json ] && echo absent')" $'0\nabsent' "to programs that read, a missing file is missing"
like "$(j -- git init 2>&1)" 'Read-only' "git init says why not"
is "$(j -- sh -c 'git init -q sub && cd sub && git commit -q --allow-empty -m x && git log --format=%s')" x "in a directory below it works"
rm -rf sub
like "$(j -- sh -c 'git init -q --bare b; mv b/* .; git -C . rev-parse --git-dir')" 'not a git repository' "a directory does not become a repository itself"
rm -rf b config description hooks info objects refs branches HEAD
is "$(listing .)" "$before" "nothing is left of it"
j -- sh -c 'mkdir -p .claude/x .git/hooks; echo >.vscode/x' >/dev/null
is "$(listing .)" "$before" "whatever was tried"

# --- a repository ------------------------------------------------------------------------
project repo
git init -q && echo one >file && git add file && git commit -qm one
mkdir .claude && echo '{}' >.claude/settings.json
echo '{}' >.mcp.json
git add .claude .mcp.json && git commit -qm settings
before=$(listing .)
for try in \
	'echo evil >.git/hooks/pre-commit' \
	'git config core.fsmonitor /bin/evil' \
	'echo evil >>.git/config' \
	'echo evil >x; mv x .git/config' \
	'echo evil >x; ln -f x .git/config' \
	'rm -f .git/config; echo evil >.git/config' \
	'ln -s /etc/passwd x; mv x .git/config' \
	'mv .git g; mkdir .git; echo evil >.git/config' \
	'mv .git/hooks h; mkdir .git/hooks; echo evil >.git/hooks/post-commit' \
	'rm -rf .git/hooks; mkdir e; echo evil >e/pre-commit; ln -s ../e .git/hooks' \
	'mkdir e; echo evil >e/config; echo ../e >.git/commondir' \
	'mkdir e; echo evil >e/config; echo ../e >c; mv c .git/commondir' \
	'echo "gitdir: e" >x; mv -T x .git' \
	'ln .git/config second; echo evil >>second' \
	'cp .git/config .git/config.lock; echo evil >>.git/config.lock; mv .git/config.lock .git/config' \
	'echo evil >>.claude/settings.json' \
	'echo evil >.claude/settings.local.json' \
	'mkdir .claude/hooks' \
	'mv .claude c; mkdir .claude; echo evil >.claude/settings.json' \
	'echo evil >>.mcp.json; echo evil >x; mv x .mcp.json' \
	'python3 -c "import os; os.chdir(\".git\"); os.rename(\"config\", \"c\")"; echo evil >.git/config' \
	'cd .git && echo evil >>config; echo evil >./hooks/../hooks/pre-push' \
	'echo evil >>/proc/self/cwd/.git/config; echo evil >/proc/self/cwd/.vscode/tasks.json' \
	'exec 3<.git; cd /proc/self/fd/3 && echo evil >>config'; do
	j -- sh -c "$try" >/dev/null
	unlike "$(cat .git/config .git/hooks/pre-commit .git/hooks/post-commit .git/hooks/pre-push .git/commondir .claude/settings.json .claude/settings.local.json .mcp.json .vscode/* 2>/dev/null; cat .git 2>/dev/null)" 'evil' "held: $try"
	rm -rf x e h c g second .git/config.lock
done
is "$(listing .)" "$before" "the repository is as it was, and nothing is left in it"
is "$(j -- sh -c 'echo two >>file && git commit -qam two && git tag t && git branch b && git checkout -q b && git stash list && git gc -q && git log --format=%s')" $'two\nsettings\none' "commits, tags, branches, gc work"
is "$(git log --format=%s -1)" two "and are there outside"
is "$(j -- git status --short)" "" "git sees nothing of the names that are kept"
j -- git add -A >/dev/null
is "$(git status --short)" "" "nor adds them"
like "$(j -- git config --local a.b c)" 'could not (write|lock) config' "git config --local is refused in git's words"
is "$(j -- sh -c 'git worktree add -q wt 2>&1 && cd wt && echo x >new && git add new && git commit -qm three && git log --format=%s -1')" three "a worktree below works"
is "$(j -- sh -c 'echo ../../../e >.git/worktrees/wt/commondir; cat .git/worktrees/wt/commondir' | tail -1)" ../.. "its link to the repository is kept by the next run"
is "$(j -- sh -c 'mv .git/worktrees/wt .git/worktrees/x; mv .git/worktrees .git/x; ls .git/worktrees' | tail -1)" wt "with the directories that hold it"
git worktree remove --force wt
git branch -qD wt

# what the repository has configured itself
mkdir tools && git config core.hooksPath tools && git config extensions.worktreeConfig true
like "$(j -- sh -c 'echo evil >tools/pre-commit; echo evil >.git/config.worktree; cat tools/pre-commit .git/config.worktree')" 'Read-only' "where core.hooksPath leads, and a worktree's configuration"
unlike "$(cat tools/* .git/config.worktree 2>/dev/null)" evil "neither was made"
git config --unset core.hooksPath; rmdir tools
named() { # PROGRAM - what git's configuration names now is kept
	j -- sh -c 'for f in shared more own/pre-commit tools/fsm tools/clean.sh home/h later; do echo evil >$f; rm -f $f; echo evil >x; mv x $f; done; mv tools t; mkdir tools; echo evil >tools/fsm; mv own o; mkdir own; echo evil >own/pre-commit' >/dev/null
	unlike "$(cat shared more own/* tools/* home/* later 2>/dev/null)" evil "$1"
	rm -rf t o x
}
mkdir tools own home
touch shared more tools/fsm tools/clean.sh own/pre-commit home/h
printf '[include]\n\tpath = more\n\tpath = later\n' >shared
git config --worktree core.hooksPath own
git config core.fsmonitor ./tools/fsm
git config filter.x.clean 'sh ./tools/clean.sh "%f"'
git config include.path ../shared
git config --global alias.x y
printf '[core]\n\tpager = home/h\n' >>"$HOME/.gitconfig"
named "what is included, programs that are run at git status, and a worktree's hooks"
git worktree add -q "$TMP/elsewhere" 2>/dev/null && cp -r shared more tools own home "$TMP/elsewhere"
git config --worktree --unset core.hooksPath; git config core.hooksPath own
cd "$TMP/elsewhere" || exit 1
j -- sh -c 'for f in own/pre-commit tools/fsm; do echo evil >$f; rm -f $f; echo evil >x; mv x $f; done' >/dev/null
unlike "$(cat own/* tools/* 2>/dev/null)" evil "in a worktree as well, though its repository is elsewhere"
cd "$TMP/repo" || exit 1
git worktree remove --force "$TMP/elsewhere"; git branch -qD elsewhere
mkdir -p tools/below && cd tools/below || exit 1
git config core.hooksPath tools/below/hooks
unlike "$(j -- sh -c 'mkdir hooks; echo evil >hooks/pre-commit; cat hooks/*' 2>&1)" '^evil' "and from a directory below the top"
cd "$TMP/repo" || exit 1
git config core.hooksPath own
git config includeIf.gitdir:/nowhere/.path "$TMP/repo/more"
printf '[core]\n\thooksPath = elsewhere\n' >more
named "hooks that are configured again where a condition does not hold"
git config --unset includeIf.gitdir:/nowhere/.path
git worktree add -q "$TMP/elsewhere" 2>/dev/null && cp -r tools own "$TMP/elsewhere" && cd "$TMP/elsewhere" || exit 1
git config --worktree core.hooksPath tools && git config --worktree core.fsmonitor own/pre-commit
j -- sh -c 'for f in own/pre-commit tools/fsm; do echo evil >$f; rm -f $f; echo evil >x; mv x $f; done' >/dev/null
unlike "$(cat own/* tools/fsm 2>/dev/null)" evil "what a linked worktree configures for itself"
cd "$TMP/repo" || exit 1
git worktree remove --force "$TMP/elsewhere"; git branch -qD elsewhere
{ printf '\xef\xbb\xbf'; cat .git/config; } >x && mv x .git/config
named "and a configuration that begins with a byte order mark"
sed -i '1s/^\xef\xbb\xbf//' .git/config
cp .git/config saved && printf '[include]\n\tpath = loop\n' >>.git/config && printf '[include]\n\tpath = loop\n\tpath = loop\n\tpath = loop\n' >.git/loop
like "$(j -- echo ran)" "$PWD/.git/loop: .*includes more than" "files that include themselves are refused"
cp saved .git/config && rm .git/loop && yes '# long' | head -c 1100000 >>.git/config
like "$(j -- echo ran)" "$PWD/.git/config: .*longer than" "so is a configuration too long to be read"
mv saved .git/config
for key in core.hooksPath core.fsmonitor filter.x.clean include.path; do git config --unset $key; done
git config --global --remove-section core
rm -rf shared more tools own home

# a submodule's repository lies in the main one
git init -q "$TMP/outside/lib" && git -C "$TMP/outside/lib" commit -q --allow-empty -m lib
git -c protocol.file.allow=always submodule --quiet add "$TMP/outside/lib" lib && git commit -qm sub
j -- sh -c 'echo evil >.git/modules/lib/hooks/pre-commit; git -C lib config core.fsmonitor evil; echo evil >>.git/modules/lib/config' >/dev/null
unlike "$(cat .git/modules/lib/config .git/modules/lib/hooks/pre-commit 2>/dev/null)" evil "a submodule's hooks and configuration are kept"
mkdir lib/own && echo good >lib/own/pre-commit && echo good >lib/fsm
git -C lib config core.hooksPath own && git -C lib config core.fsmonitor ./fsm
j -- sh -c 'cd lib; for f in own/pre-commit fsm; do echo evil >$f; rm -f $f; echo evil >x; mv x $f; done; mv own o; mkdir own; echo evil >own/pre-commit' >/dev/null
is "$(cat lib/own/* lib/fsm)" $'good\ngood' "and what its configuration names"
git -C lib config --unset core.hooksPath; git -C lib config --unset core.fsmonitor; rm -rf lib/own lib/fsm lib/x
sleep 0.1 # a file that is as old as the run counts as newer
is "$(j -- sh -c 'cd lib && git commit -q --allow-empty -m in && git log -1 --format=%s')" in "commits in it work"

# --- named, it is open --------------------------------------------------------------------
opened() { # WRITE
	echo "{\"version\":\"1\",\"default\":\"deny\",\"filesystem\":{\"write\":[$1]}}" >"$TMP/open.json"
	shift
	j -p "$TMP/open.json" "$@"
}
is "$(opened '"$PWD/.git/"' -- sh -c 'git config a.b c && git config a.b; echo ok >.git/hooks/x && cat .git/hooks/x')" $'c\nok' "filesystem.write opens .git"
rm -f .git/hooks/x
is "$(opened '"$PWD/.git/hooks"' -- sh -c 'echo ok >.git/hooks/x && cat .git/hooks/x; git config a.b d 2>/dev/null || echo no')" $'ok\nno' "or the hooks alone"
is "$(opened '"$PWD/.claude/worktrees/"' -- sh -c 'echo w >.claude/worktrees/w && cat .claude/worktrees/w; echo evil >>.claude/settings.json' 2>&1 | head -1)" w "or something in what is kept"
unlike "$(cat .claude/settings.json)" evil "which else stays so"
project fresh
is "$(opened '"$PWD/.git/"' -- sh -c 'git init -q && git commit -q --allow-empty -m x && git log --format=%s')" x "git init works where the policy names .git"
is "$(opened '"$PWD/.mcp.json"' -- sh -c 'echo {} >.mcp.json && cat .mcp.json')" '{}' "a file that is missing may be made if it is named"

# --- links, other trees ---------------------------------------------------------------------
project links
mkdir store && git init -q store/r && mv store/r/.git store/git && ln -s store/git .git && echo '{}' >real.json && ln -s real.json .mcp.json
j -- sh -c 'echo evil >>.git/config; rm .git; mv store s; mkdir -p store/git; echo evil >store/git/config; echo evil >>real.json; rm .mcp.json; echo evil >.mcp.json; mv real.json r; echo evil >real.json' >/dev/null
unlike "$(cat .git/config .mcp.json real.json)" evil "links are kept, and what they lead to"
ln real.json second.json
like "$(j -- echo ran)" 'second name' "a file that has a second name is not taken"
rm second.json
mkdir .husky && echo good >.husky/pre-commit && ln .husky/pre-commit second
like "$(j -- sh -c 'echo evil >second')" "$PWD/.husky/pre-commit: .*second name" "nor one in a directory that is kept"
is "$(cat .husky/pre-commit)" good "which stays as it is"
for mode in 444 555; do
	chmod $mode second
	like "$(j -- sh -c 'chmod u+w second; echo evil >second')" "$PWD/.husky/pre-commit: .*second name" "nor one of mode $mode, which its owner may change"
done
chmod 644 second
mv second .husky/pre-push
is "$(j -- echo ran)" ran "names that are kept together do no harm"
rm -r .husky

mkdir .husky && echo good >.husky/pre-commit && ln .husky/pre-commit second && chmod 1755 .husky
like "$(j -- sh -c 'echo evil >second')" 'second name' "even if the directory looks like a placeholder"
rm -r .husky second
mkdir scripts && echo good >scripts/pre-commit && ln -s ../../../scripts/pre-commit store/git/hooks/pre-commit
ln -s ../../../scripts/later store/git/hooks/pre-push
mkdir .vscode && ln -s ../scripts/tasks.json .vscode/tasks.json && ln -s ../scripts .vscode/scripts && echo good >scripts/tasks.json
j -- sh -c 'for f in pre-commit tasks.json later; do echo evil >scripts/$f; rm -f scripts/$f; echo evil >x; mv x scripts/$f; done; mv scripts s; mkdir scripts; echo evil >scripts/pre-commit; echo ok >s/other; echo ok >scripts/other' >/dev/null
unlike "$(cat scripts/* 2>/dev/null)" evil "files that links in such directories lead to are kept"
is "$(cat scripts/other)" ok "and what lies beside them is not"
rm -r scripts .vscode store/git/hooks/pre-*

# --- asked about once for a directory ---------------------------------------------------------
project mise
is "$(j -- sh -c 'echo x >mise.toml && cat mise.toml')" x "a file that would be asked about may be made"
j -- sh -c 'for f in mise.toml mise.local.toml .mise.toml .mise.local.toml mise/config.toml .mise/config.toml .config/mise.toml .config/mise/config.toml; do mkdir -p $(dirname $f); echo evil >$f; done' >/dev/null
is "$(find . -type f | sort | xargs cat)" x "not beside one that was accepted"
mkdir .github
unlike "$(j -- sh -c 'mkdir .github/hooks; echo evil >.github/hooks/x.json; cat .github/hooks/*; echo ok >.github/x' 2>&1)" '^evil' "beside what else lies in a directory, hooks cannot be made"
is "$(cat .github/x)" ok "and the rest can"

project wide
mkdir -p in/project && git init -q in/project
cd in/project || exit 1
j --write "$TMP/wide" -- sh -c 'echo evil >>.git/config; cd ../..; mv in out; mkdir -p in/project/.git; echo evil >in/project/.git/config; mv in/project/.git g; rm -rf g; echo evil >.vscode/x' >/dev/null
unlike "$(cat "$TMP"/wide/in/project/.git/config "$TMP"/wide/.vscode/x 2>/dev/null)" evil "a project in a wider tree cannot be moved away"
is "$(cd "$TMP/wide" && find . -path ./in/project/.git -prune -o -print | sort | tr '\n' ' ')" ". ./in ./in/project " "nothing is left"
cd "$TMP/repo" || exit 1
git worktree add -q "$TMP/linked"
cd "$TMP/linked" || exit 1
j --write "$TMP/repo" -- sh -c "echo evil >>$TMP/repo/.git/config; echo 'gitdir: e' >x; mv x .git; echo ../e >$TMP/repo/.git/worktrees/linked/commondir" >/dev/null
unlike "$(cat "$TMP/repo/.git/config" .git "$TMP/repo/.git/worktrees/linked/commondir")" 'evil|[ /]e$' "a linked worktree's chain is kept"
is "$(j --write "$TMP/repo/.git" -- sh -c 'git commit -q --allow-empty -m linked && git log -1 --format=%s')" linked "and its commits work where the repository is writable"

# --- the home ----------------------------------------------------------------------------------
cd "$TMP/repo" || exit 1
mkdir -p "$HOME/.config" "$HOME/.codex/sessions" "$HOME/.local/share"
echo 'alias x=y' >"$HOME/.bashrc"
before=$(listing "$HOME")
for name in .bashrc .profile .zshenv .config/fish/config.fish .config/autostart/x.desktop .local/bin/git .gitconfig \
	.local/lib/python3/site-packages/x.pth .selected_editor .config/user-dirs.dirs .config/plasma-workspace/env/x.sh .bash_completion \
	.vim/plugin/x.vim .config/nvim/init.lua .config/tmux/tmux.conf .emacs.d/init.el .psqlrc .yarnrc.yml \
	.claude/settings.json .codex/config.toml .gemini/settings.json .config/opencode/opencode.json .config/systemd/user/x.service; do
	j --write "$HOME" -- sh -c "mkdir -p ~/$(dirname "$name"); echo evil >>~/$name; cd ~; mv $name x; echo evil >y; mv y $name; rm -rf y x" >/dev/null
	unlike "$(cat "$HOME/$name" 2>/dev/null)" evil "~/$name cannot be written though the home is"
done
is "$(j --write "$HOME" -- sh -c 'echo s >~/.codex/sessions/s && echo n >~/notes && cat ~/.codex/sessions/s ~/notes')" $'s\nn' "the rest of it is writable"
rm -f "$HOME/notes" "$HOME/.codex/sessions/s"
is "$(listing "$HOME")" "$before" "and nothing is left in it"

waiting() { # starts one that ends when it is told to
	"$MCPJAIL" -q "$@" >"$TMP/out" 2>&1 &
	SUPERVISOR=$!
}

# --- what becomes of placeholders ------------------------------------------------------------------
project killed
waiting -- sh -c 'touch up; sleep 60'
await_file up
is "$(stat -c %F .git .mcp.json)" $'directory\nsymbolic link' "while it runs they are there"
is "$(git rev-parse --git-dir 2>&1; cat .mcp.json 2>&1)" $'fatal: not a git repository (or any of the parent directories): .git\ncat: .mcp.json: No such file or directory' "to the host's programs as if they were not"
kill -9 "$SUPERVISOR"
wait "$SUPERVISOR" 2>/dev/null
[ -d .vscode ]
ok $? "a killed run leaves them"
rm -f up
is "$(j -- true; ls -A)" "" "the next one takes them away"
waiting -- sh -c 'touch up; sleep 60'
await_file up
first=$SUPERVISOR
j -- sh -c 'touch up2' >/dev/null
[ -L .mcp.json ]
ok $? "a run that ends leaves them to one that does not"
waiting -- sh -c 'touch up3; sleep 60'
await_file up3
kill -TERM "$first"
wait "$first" 2>/dev/null
[ -L .mcp.json ]
ok $? "whichever came first"
echo '{"mine":1}' >.vscode/mine.json
kill -TERM "$SUPERVISOR"
wait "$SUPERVISOR" 2>/dev/null
is "$(ls -A | tr '\n' ' ')$(stat -c %a .vscode)" ".vscode up up2 up3 755" "the last takes all away but what somebody has filled"

# --- mcpjail's own -----------------------------------------------------------------------------------
project own
echo '{"version":"1","default":"deny"}' >policy.json
like "$(j -p policy.json -- sh -c 'echo evil >promptfax.lock; cat promptfax.lock')" 'No such file|nonexistent' "the lock beside the policy cannot be made"
echo good >promptfax.lock
j -p policy.json -- sh -c 'echo evil >promptfax.lock; mv promptfax.lock x; echo evil >promptfax.lock' >/dev/null
is "$(cat promptfax.lock)" good "nor changed"
if [ "$(id -u)" = 0 ]; then
	had=$([ -e /etc/mcpjail ] && echo yes)
	j --write /etc -- sh -c 'mkdir -p /etc/mcpjail; echo evil >/etc/mcpjail/policy.json' >/dev/null
	[ ! -e /etc/mcpjail/policy.json ]
	ok $? "nor the machine's policy, though /etc is writable"
	is "$([ -e /etc/mcpjail ] && echo yes)" "$had" "and /etc is as it was"
fi

# --- what git enters by itself ---------------------------------------------------------------
# New submodules can be made: at the end it is said which, and where to look.
gitlink='git update-index --add --cacheinfo 160000,$(git -C $1 rev-parse HEAD),$1'
nested='git init -q $1 && git -C $1 commit -q --allow-empty -m x && git -C $1 config core.fsmonitor "touch $PWD/ran; false"'
of_run() { python3 -c 'import json, sys
last = json.loads(open(sys.argv[1] + "/ledger.jsonl").readlines()[-1])
status = json.load(open(sys.argv[1] + "/status.json"))
print(status.get("submodules"), last.get("submodules") == status.get("submodules"))' "$1"; }
# warns EXPECTED DESCRIPTION COMMAND [ARG…] - EXPECTED: what has to be looked at, or nothing
warns() {
	local expected=$1 description=$2 out
	shift 2
	runs=$((runs + 1))
	out=$(j --run-dir "$TMP/run-$runs" -- sh -c "$@" | sed -n "s/^mcpjail: \(.*\) may be the command's, .*--ignore-submodules=all.*/\1/p; s/^mcpjail: not all that .*/unknown/p" | sort | tr '\n' ' ')
	is "${out% }" "$expected" "$description"
}
runs=0
project entered
git init -q && echo one >file && git add file && git commit -qm one
warns "" "of a repository without submodules nothing is said" 'git status; echo two >>file; git commit -qam two'
warns "" "nor of one below that is none" "$nested" sh evil
git status >/dev/null
is "$([ -e ran ] || echo no)" no "git does not enter it"
warns "$PWD/evil/.git/config" "one that the index calls so is named, however old it is" "$gitlink" sh evil
is "$(of_run "$TMP/run-$runs")" "['$PWD/evil/.git/config'] True" "in the records as well"
like "$("$MCPJAIL" verify "$TMP/run-$runs" 2>&1)" ': complete$' "which can be verified"
git status --ignore-submodules=all >/dev/null 2>&1
is "$([ -e ran ] || echo no)" no "what is said to be safe is"
git status >/dev/null 2>&1
is "$([ -e ran ] && echo ran)" ran "and git status is not"
rm ran
for version in 3 4; do
	warns "$PWD/evil/.git/config" "in an index of version $version" "git update-index --skip-worktree file --index-version $version; git ls-files"
	git update-index --no-skip-worktree file
done
warns "$PWD/evil/.git/config" "and in one that is split" 'git update-index --split-index'
warns "$PWD/evil/.git/config unknown" "also where it is not told what goes on in which part" 'git update-index --split-index; git update-index --cacheinfo 160000,1234567890123456789012345678901234567890,file'
git update-index --no-split-index && git update-index --force-remove file evil && rm -rf evil
git update-index --add --cacheinfo 160000,1234567890123456789012345678901234567890,a
like "$(j -- sh -c 'head -c 70 .git/index >x && cat x >.git/index')" 'not all that' "an index that is none any more is told"
rm .git/index && git reset -q
like "$(j -- sh -c 'rm .git/index; mkfifo .git/index')" 'not all that' "so is one that is no file"
rm .git/index && git reset -q

# Where a submodule's repository belongs: in the common one, where runs keep it.
git init -q "$TMP/other" && git -C "$TMP/other" commit -q --allow-empty -m x
git -c protocol.file.allow=always submodule --quiet add "$TMP/other" sub && git commit -qm sub
warns "" "a person's submodule is not named" 'git -C sub commit -q --allow-empty -m y; git status; git commit -qam y'
warns "$PWD/sub/evil/.git/config" "one in it is" "cd sub && { $nested; $gitlink; }" sh evil
git -C sub update-index --force-remove evil && rm -rf sub/evil
warns "$PWD/.git/modules/new/config" "a new one in the common repository is" 'git init -q --separate-git-dir .git/modules/new new && git -C new commit -q --allow-empty -m x'
warns "" "and is kept by the next run" "$gitlink" sh new
warns "$PWD/.git/modules/sub/deep/config" "one that no run would keep is" "git init -q --separate-git-dir .git/modules/sub/deep deep && git -C deep commit -q --allow-empty -m x; set deep; $gitlink"
