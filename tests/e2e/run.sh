#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# run.sh [PART…]: the end-to-end tests: sdk, with a server and an agent of the official SDK,
# hosts, with real agent hosts, and sandboxes, with those that come along with them. Needs
# build/mcpjail, node, openssl, bubblewrap, socat, ripgrep, and the npm registry once, for
# node_modules. E2E_ONLY=REGEX: the tests of that name; E2E_KEEP=1: keep their files.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${BUILD:=build}"
cd "$here/../.."
[ $# != 0 ] || set -- sdk hosts sandboxes

command -v node >/dev/null || { echo "e2e: node is missing; make deps installs it" >&2; exit 1; }
"$here/install.sh" .
case " $* " in
*' hosts '*)
	# Some hosts want Node 22.
	"$here/install.sh" hosts/claude-code hosts/codex hosts/gemini hosts/opencode hosts/inspector node
	;;
esac
case " $* " in
*' sandboxes '*) "$here/install.sh" hosts/codex hosts/sandbox-runtime node ;;
esac
# The SDK wants Node 20. Debian 12 has 18: the registry's is used beside it then.
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
	"$here/install.sh" node
	PATH=$here/node/node_modules/.bin:$PATH
	export PATH
fi
exec node "$here/run.mjs" "$BUILD/mcpjail" "$BUILD/tests/fake/promptfax" "$@"
