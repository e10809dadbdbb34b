#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# run.sh: the end-to-end tests with a server and an agent of the official SDK. Needs
# build/mcpjail, node, openssl, and the npm registry once, for node_modules.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${BUILD:=build}"
cd "$here/../.."

command -v node >/dev/null || { echo "e2e: node is missing; make deps installs it" >&2; exit 1; }
if ! cmp -s "$here/package-lock.json" "$here/node_modules/.installed"; then
	npm ci --no-audit --no-fund --loglevel=error --prefix "$here"
	cp "$here/package-lock.json" "$here/node_modules/.installed"
fi
# The SDK wants Node 20. Debian 12 has 18: the registry's node package is used beside it then.
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
	[ -x "$here/node_modules/.bin/node" ] ||
		npm install --no-save --no-audit --no-fund --loglevel=error --prefix "$here" node@22.23.3
	PATH=$here/node_modules/.bin:$PATH
	export PATH
fi
exec node "$here/run.mjs" "$BUILD/mcpjail" "$BUILD/tests/fake/promptfax"
