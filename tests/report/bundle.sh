#!/bin/sh
# The page that is checked in is the one that its sources build. Usage: bundle.sh REPORT
# Without a network: if npm does not have the packages, the test is skipped.
set -eu

skip() {
    echo "skipped: $*"
    exit 77
}

command -v node >/dev/null || skip 'there is no node'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -d "$1/node_modules" ]; then
    cd "$1"
else
    command -v npm >/dev/null || skip 'there is no npm'
    cp -R "$1/." "$work"
    cd "$work"
    npm ci --offline --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || skip 'npm does not have the packages'
fi
node_modules/.bin/tsc
exec node build.mjs --check
