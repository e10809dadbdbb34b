#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# try.sh [HOST]: what "make try" does once mcpjail is built: fetches the agent host (claude-code,
# codex, gemini, opencode) from the npm registry, if it is not there, and leaves the rest to
# try.mjs. TRY=COMMAND: that command instead of a shell.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${BUILD:=build}"
host=${1:-claude-code}
cd "$here/../.."

case $host in
claude-code | codex | gemini | opencode) ;;
*)
	echo "try: no such HOST: $host; there are claude-code, codex, gemini, opencode" >&2
	exit 2
	;;
esac
[ -e "$here/hosts/$host/node_modules/.installed" ] ||
	echo "fetching $host from the npm registry; that takes some seconds"
"$here/install.sh" "hosts/$host"
# The only one that is itself a program for Node, of 20 or later.
if [ "$host" = gemini ] && [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
	"$here/install.sh" node
	PATH=$here/node/node_modules/.bin:$PATH
	export PATH
fi
exec node "$here/try.mjs" "$BUILD/mcpjail" "$BUILD/tests/fake/promptfax" "$host"
