# Sourced by the scripts beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Debian packages that building, testing and measuring need, each with a file or program that shows that it is installed.
build_packages() {
    [ -e /usr/include/sqlite3.h ] || echo libsqlite3-dev
    [ -e /usr/include/openssl/evp.h ] || echo libssl-dev
    [ -e /usr/include/lz4.h ] || echo liblz4-dev
    [ -e /usr/include/zstd.h ] || echo libzstd-dev
    # strip and objcopy.
    command -v objcopy >/dev/null || echo binutils
}
run_packages() {
    command -v iperf3 >/dev/null || echo iperf3
}
test_packages() {
    run_packages
    command -v ip >/dev/null || echo iproute2
    # For links with known rates and drops.
    command -v nft >/dev/null || echo nftables
    command -v ethtool >/dev/null || echo ethtool
    command -v openssl >/dev/null || echo openssl
    command -v ssh >/dev/null || echo openssh-client
    [ -x /usr/sbin/sshd ] || echo openssh-server
    command -v b3sum >/dev/null || echo b3sum
    command -v python3 >/dev/null || echo python3
    [ -e /usr/lib/python3/dist-packages/pip ] || echo python3-pip
    # For scripts/constant-time, with its header for clients.
    [ -e /usr/include/valgrind/memcheck.h ] || echo valgrind
    # Independent implementations to compare with, for Debian's own Python.
    local module
    for module in nacl lz4 zstandard prometheus_client msgpack; do
        [ -e /usr/lib/python3/dist-packages/$module ] || echo "python3-${module//_/-}"
    done
}

# Installs the named packages and says so on standard error.
install_missing() {
    [ $# -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "missing: $* (install them with this system's package manager)" >&2
        return 1
    fi
    local sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    echo "installing $*" >&2
    # Tests start an sshd of their own. That of the system must not begin to listen because of them.
    if [[ " $* " == *" openssh-server "* ]] && [ -d /run/systemd/system ]; then
        $sudo systemctl mask ssh.service ssh.socket >&2
    fi
    # Without recommended packages, which may start services.
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >&2
}

# Installs Python packages that Debian lacks in .build/python, for Debian's own Python.
install_python_packages() {
    [ -e .build/python/noise ] && [ -e .build/python/blake3 ] && compgen -G '.build/python/zxingcpp*' >/dev/null && return 0
    echo "installing noiseprotocol, blake3 and zxing-cpp in .build/python" >&2
    /usr/bin/python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .build/python \
        noiseprotocol==0.3.1 blake3 cryptography zxing-cpp==3.1.1 >&2
}

# The oldest Swift that builds this, as `major.minor`.
swift_needed=6.3

# Ends the script if there is no Swift, or if it is too old.
need_swift() {
    local remedy="install Swift $swift_needed or newer: https://www.swift.org/install/linux"
    command -v swift >/dev/null || { echo "swift is not in PATH; $remedy" >&2; exit 69; }
    local said
    said=$(swift --version 2>&1) || { echo "$(command -v swift) failed to start; $remedy" >&2; echo "$said" | tail -n 3 >&2; exit 69; }
    if [[ ! $said =~ Swift\ version\ ([0-9]+)\.([0-9]+)([.0-9]*) ]]; then
        echo "$(command -v swift) --version printed no version; $remedy" >&2
        echo "$said" | tail -n 3 >&2
        exit 69
    fi
    local major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
    swift_version=$major.$minor${BASH_REMATCH[3]}
    if [ "$major" -lt "${swift_needed%.*}" ] || { [ "$major" = "${swift_needed%.*}" ] && [ "$minor" -lt "${swift_needed#*.}" ]; }; then
        echo "$(command -v swift) is Swift $swift_version, too old; $remedy" >&2
        exit 69
    fi
}
