#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# deps.sh PACKAGE… - install Debian packages that are missing, as root or by sudo; say
# which they are where neither is possible.
set -eu

missing=
for package; do
	case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
	*' installed') ;;
	*)
		# A program that came another way will do as well.
		[ "$package" = nodejs ] && command -v node >/dev/null && continue
		[ "$package" = npm ] && command -v npm >/dev/null && continue
		# Ubuntu has it as a snap only, which runs in no jail.
		[ "$package" = chromium ] && grep -q '^ID=ubuntu' /etc/os-release && continue
		missing="$missing $package"
		;;
	esac
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "deps: this is no Debian or Ubuntu; install what corresponds to:$missing" >&2
	exit 1
fi
if [ "$(id -u)" = 0 ]; then
	as_root=
elif command -v sudo >/dev/null; then
	as_root=sudo
else
	echo "deps: neither root nor sudo; have somebody run: apt-get install$missing" >&2
	exit 1
fi
echo "deps: installing$missing"
# shellcheck disable=SC2086 # lists of words
{
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
	$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
