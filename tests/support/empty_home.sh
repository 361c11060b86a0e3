# Sourced by scripts that compare the outputs of two runs of a program. Sets work to a temporary
# directory.
# shellcheck shell=sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Runs a command in an empty directory, which is also its home. Every run uses the same paths,
# because the output may contain them.
run() {
    rm -rf "${work:?}/home"
    mkdir "$work/home"
    (cd "$work/home" && env HOME="$work/home" TMPDIR="$work/home" LC_ALL=C TZ=UTC "$@")
}
