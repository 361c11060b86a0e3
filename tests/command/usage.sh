#!/bin/sh
# Help and version go to standard output. A usage error is explained on standard error, with a
# reference to the help, and the exit status is 125.
. "${0%/*}/lib.sh"

for arguments in --help -h help 'help run' 'help stats' 'help symbolize' 'run -h' 'leaks -h' \
    'run --help' 'trim --help' 'stats --help' 'info --help' \
    'leaks --help' 'limits --help' 'explain --help' 'map --help' 'diff --help' 'report --help' 'sites --help' 'top --help' 'top -h' 'export --help' 'serve --help' 'help serve' 'strace --help' 'import --help' 'mtrace --help' 'symbolize --help'; do
    # shellcheck disable=SC2086 # a list of words
    try "$mallow" $arguments
    expect_status 0
    expect_line out '^Usage: mallow '
    expect_nothing err
done
for arguments in --version -V 'run -V' 'stats -V' 'run --version' 'trim --version' 'stats --version' \
    'info --version' 'leaks --version' 'limits --version' 'explain --version' 'map --version' 'diff --version' 'report --version' 'sites --version' 'top --version' 'top -V' 'export --version' 'serve --version' \
    'strace --version' 'import --version' 'mtrace --version' 'symbolize --version'; do
    # shellcheck disable=SC2086
    try "$mallow" $arguments
    expect_status 0
    expect_line out '^mallow [0-9]+\.[0-9]+\.[0-9]+$'
    expect_nothing err
done
try sh -c "'$mallow' --help >/dev/full"
expect_status 125
expect_line err '^mallow: standard output: No space left on device$'

try "$mallow"
expect_status 125
expect_line err "^mallow: no subcommand given; try 'mallow --help'$"
try "$mallow" rum
expect_status 125
expect_line err "^mallow: unknown subcommand 'rum'; try 'mallow --help'$"
try "$mallow" help rum
expect_status 125
expect_line err "^mallow: unknown subcommand 'rum'; try 'mallow --help'$"
try "$mallow" help run run
expect_status 125
expect_line err "^mallow: unexpected argument 'run'; try 'mallow --help'$"
[ "$("$mallow" help leaks)" = "$("$mallow" leaks --help)" ] || failed "help of leaks differs"
try "$mallow" run
expect_status 125
expect_line err "^mallow run: no program given; try 'mallow run --help'$"
try "$mallow" run --jsn true
expect_status 125
expect_line err "^mallow run: unknown or ambiguous option '--jsn'; try 'mallow run --help'$"
try "$mallow" run --log=a,b true
expect_status 125
expect_line err "^mallow run: --log='a,b': .*; try 'mallow run --help'$"
try "$mallow" run --json=5 true
expect_status 125
expect_line err "^mallow run: --json takes no value; try 'mallow run --help'$"
try "$mallow" run --log
expect_status 125
expect_line err "^mallow run: --log needs a value; try 'mallow run --help'$"

for name in trim stats info leaks; do
    try "$mallow" $name
    expect_status 125
    expect_line err "^mallow $name: no PID( or FILE)? given; try 'mallow $name --help'$"
    try "$mallow" $name 1 2
    expect_status 125
    expect_line err "^mallow $name: unexpected argument '2'; try 'mallow $name --help'$"
    try "$mallow" $name --json -jx 1
    expect_status 125
    expect_line err "^mallow $name: unknown option '-j'; try 'mallow $name --help'$"
done
for argument in x 0 -5x 12x 99999999999 ''; do
    try "$mallow" stats -- "$argument"
    expect_status 125
    expect_line err "^mallow stats: '$argument' is not a process ID; try 'mallow stats --help'$"
done
try "$mallow" trim --pad=1x 1
expect_status 125
expect_line err "^mallow trim: --pad='1x' is not a number; try 'mallow trim --help'$"
try "$mallow" leaks --limit=x 1
expect_status 125
expect_line err "^mallow leaks: --limit='x' is not a number; try 'mallow leaks --help'$"

try "$mallow" sites
expect_status 125
expect_line err "^mallow sites: no PID or FILE given; try 'mallow sites --help'$"
for arguments in 'x --seconds=1' '1 --from=1' '1 --to=1' 'x y --from=1' 'x y --seconds=1' \
    'x --from=y' 'x --to=-1' '1 --seconds=y' 'x y z' ''; do
    # shellcheck disable=SC2086
    try "$mallow" diff $arguments
    expect_status 125
    expect_line err "^mallow diff: .*; try 'mallow diff --help'$"
done
for option in --reachable --possible; do
    try "$mallow" leaks $option ./x
    expect_status 125
    expect_line err "^mallow leaks: --reachable and --possible are for a process; try"
done
try "$mallow" sites --by=x 1
expect_status 125
expect_line err "^mallow sites: --by='x' is unknown; try 'mallow sites --help'$"

try "$mallow" export --to=csv
expect_status 125
expect_line err "^mallow export: no PID or FILE given; try 'mallow export --help'$"
try "$mallow" export ./x
expect_status 125
expect_line err "^mallow export: no --to=FORMAT given; try 'mallow export --help'$"
try "$mallow" export --to=xml ./x
expect_status 125
expect_line err "^mallow export: --to='xml' is unknown; try 'mallow export --help'$"
try "$mallow" export --to=csv ./x -o
expect_status 125
expect_line err "^mallow export: -o needs a value; try 'mallow export --help'$"

for arguments in x --listen=x --listen=1.2.3.4 --listen=:80 --listen=0.0.0.0:80 --linger=x \
    --push=x --push-every=0 '1 2'; do
    # shellcheck disable=SC2086
    try "$mallow" serve $arguments
    expect_status 125
    expect_line err "^mallow serve: .*; try 'mallow serve --help'$"
done

try "$mallow" mtrace
expect_status 125
expect_line err "^mallow mtrace: no log given; try 'mallow mtrace --help'$"

# Options after the program belong to the program.
try "$mallow" run sh -c 'echo "$1"' sh --help
expect_status 0
expect_line out '^--help$'
