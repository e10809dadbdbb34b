#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# install.sh DIR… - the npm packages of each DIR, below this one, as its lock file says, unless
# they are there. Needs the npm registry; runs no package's scripts.
set -eu
cd "$(dirname "$0")"
for dir; do
	cmp -s "$dir/package-lock.json" "$dir/node_modules/.installed" && continue
	npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error --prefix "$dir"
	cp "$dir/package-lock.json" "$dir/node_modules/.installed"
done
