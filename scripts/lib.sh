# Sourced by the scripts beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Debian packages that building, testing and measuring need, each with a file that shows it is there.
build_packages() {
    [ -e /usr/include/sqlite3.h ] || echo libsqlite3-dev
    [ -e /usr/include/openssl/evp.h ] || echo libssl-dev
    [ -e /usr/include/lz4.h ] || echo liblz4-dev
    [ -e /usr/include/zstd.h ] || echo libzstd-dev
}
run_packages() {
    command -v iperf3 >/dev/null || echo iperf3
}
test_packages() {
    run_packages
    command -v ip >/dev/null || echo iproute2
    # Links of known rates and drops.
    command -v nft >/dev/null || echo nftables
    command -v ethtool >/dev/null || echo ethtool
    command -v openssl >/dev/null || echo openssl
    command -v python3 >/dev/null || echo python3
    # For Debian's own Python: implementations that are not ours, to compare with.
    local module
    for module in nacl lz4 zstandard prometheus_client msgpack; do
        [ -e /usr/lib/python3/dist-packages/$module ] || echo "python3-${module//_/-}"
    done
}

# Installs what is missing of the named packages; says so on standard error.
install_missing() {
    [ $# -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "missing: $* (install them with this system's package manager)" >&2
        return 1
    fi
    local sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    echo "installing $*" >&2
    # A service that a package starts by itself is not wanted here.
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >&2
}

need_swift() {
    command -v swift >/dev/null || { echo "Swift 6.3 is needed: https://www.swift.org/install" >&2; exit 1; }
}
