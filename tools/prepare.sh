# Functions for ./run and ./check that install missing packages and build.
# Expects `root`, the directory of the checkout.
# shellcheck shell=sh disable=SC2154

fail() {
    echo "${0##*/}: $*" >&2
    exit 125
}

# Prints the packages of a group in packages.txt, one per line.
packages_of() {
    sed -n "s/^$1  *\([^ ]*\).*/\1/p" "$root/packages.txt"
}

is_listed() {
    packages_of '[a-z]*' | grep -qxF -e "$1"
}

is_installed() {
    dpkg-query --show --showformat='${Status}\n' "$1" 2>/dev/null | grep -q ' installed$'
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# Installs the packages. If all are already installed, prints nothing and needs no network.
install() {
    if ! command -v dpkg-query >/dev/null; then
        echo "${0##*/}: not a Debian system; assuming that these are installed: $*" >&2
        return
    fi
    missing=
    for package in "$@"; do
        is_installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0

    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null ||
        fail "installing packages needs root, or sudo without a password;" \
            "as root, run: apt-get install$missing"
    echo "${0##*/}: installing$missing" >&2
    as_root apt-get -qq update >&2 || fail "apt-get update failed"
    # shellcheck disable=SC2086 # a list of words
    as_root apt-get -qq install --yes --no-install-recommends $missing >&2 ||
        fail "apt-get could not install$missing"
}

# Installs the packages of the named groups.
install_groups() {
    for group in "$@"; do
        # shellcheck disable=SC2046 # a list of words
        install $(packages_of "$group")
    done
}

# Configures build/ with these arguments for cmake. An existing build/ keeps its generator.
configure() {
    [ -e "$root/build/CMakeCache.txt" ] || set -- -G Ninja "$@"
    cmake -S "$root" -B "$root/build" "$@"
}

build() {
    cmake --build "$root/build" --parallel "$(nproc)" "$@"
}
