#!/bin/sh
# Installs the build into a temporary prefix and uses it in one of several ways.
# Usage: install.sh WAY SOURCE BUILD COMPILER

set -eu
way=$1
source=$2
build=$3
compiler=$4

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

install_build() {
    cmake --install "$build" --prefix "$work/first" >"$work/log"
    # The installation must work at any path.
    mv "$work/first" "$prefix"
}

# Builds the consumer with CMake and runs it on both libraries.
build_consumer() {
    cmake -S "${0%/*}/consumer" -B "$work/build" -DCMAKE_C_COMPILER="$compiler" "$@"
    cmake --build "$work/build" --target shared static
    "$work/build/shared"
    "$work/build/static"
}

# Builds the consumer with the compiler and pkg-config's flags. $1 is empty or --static.
compile_consumer() {
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name mallow.pc)")
    export PKG_CONFIG_PATH
    # shellcheck disable=SC2046,SC2086 # lists of words
    "$compiler" $1 "${0%/*}/consumer/consumer.c" -o "$work/consumer" \
        $(pkg-config $1 --cflags --libs mallow mallow-memory)
}

case $way in
find_package)
    install_build
    build_consumer -DCMAKE_PREFIX_PATH="$prefix"
    ;;
embedded)
    # A new project has no build type, but the allocator must still be optimised.
    build_consumer -DMALLOW_SOURCE="$source" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
    grep '"command".*mallow_shared' "$work/build/compile_commands.json" >"$work/compiled"
    if grep -v -e ' -O2' "$work/compiled"; then
        echo "compiled without optimisation, see above" >&2
        exit 1
    fi
    ;;
pkg_config)
    install_build
    compile_consumer ''
    LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name libmallow.so)") "$work/consumer"
    ;;
pkg_config_static)
    install_build
    compile_consumer --static
    "$work/consumer"
    ;;
command)
    install_build
    "$prefix/bin/mallow" run cat /proc/self/maps | grep -F "$prefix/lib"
    "$prefix/bin/mallow" run --check cat /proc/self/maps | grep "$prefix/lib.*/libmallow-check.so"
    "$prefix/bin/mallow" run --trace="$work/trace" --with=system cat /proc/self/maps |
        grep "$prefix/lib.*/libmallow-record.so"
    "$prefix/bin/mallow" serve --help | grep '^Usage: mallow serve'
    for page in man1/mallow.1 man3/mallow.3 man3/mallow-arena.3 man3/mallow-shared.3 \
        man5/mallow-profile.5 man5/mallow-trace.5 man7/mallow.7 man7/mallow-choosing.7; do
        [ -s "$prefix/share/man/$page" ]
    done
    for completion in bash-completion/completions/mallow zsh/site-functions/_mallow \
        fish/vendor_completions.d/mallow.fish; do
        [ -s "$prefix/share/$completion" ]
    done
    ;;
examples)
    install_build
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name mallow.pc)")
    export PKG_CONFIG_PATH
    cmake -S "$source/examples/memory" -B "$work/build" -DCMAKE_C_COMPILER="$compiler" \
        -DCMAKE_PREFIX_PATH="$prefix"
    cmake --build "$work/build"
    transcript=$source/tests/examples/transcript.py
    "$transcript" "$work/build" "$source/examples/memory/arena_parser.c"
    # shellcheck disable=SC2046 # a list of words
    "$compiler" -D_GNU_SOURCE "$source/examples/memory/scratch_request.c" \
        -o "$work/scratch_request" $(pkg-config --cflags --libs mallow-memory)
    LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name libmallow-memory.so)") \
        "$transcript" "$work" "$source/examples/memory/scratch_request.c"
    # shellcheck disable=SC2046 # a list of words
    "$source/tests/trace/manual.sh" "$source" "$build/tests/trace/trace_described" "$compiler" \
        $(pkg-config --cflags --libs mallow-trace)
    ;;
esac
