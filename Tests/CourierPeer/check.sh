#!/bin/bash
# Transfers between peer.py and the courier, in both directions. Prints pass or fail for each, and ends with 1 if one
# failed.
#
#   check.sh COURIER [PYTHON_PACKAGES]     the program, and a folder with noiseprotocol, blake3 and cryptography
set -u
here=$(cd "$(dirname "$0")" && pwd)
courier=$(realpath "$1")
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
passed=0 failed=0

# The ticket, once it is in the file.
# ticket FILE: what the receiver whose output goes there prints first. A busy machine takes seconds for it.
ticket() {
    for _ in $(seq 600); do
        grep -m 1 -x 'courier:[a-z2-7]\+' "$1" 2>/dev/null && return
        sleep 0.1
    done
}

# launch FILE COMMAND…: in the background, with its output in a file that has nothing of an earlier one.
launch() {
    local output=$1
    shift
    : >"$output"
    "$@" >"$output" 2>&1 &
}

# peer_sends FOLDER FILES… [-- PEER'S OPTIONS]: to `courier receive`. What the peer prints goes to peer.json.
peer_sends() {
    local folder=$1 files=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do files+=("$1"); shift; done
    [ $# -gt 0 ] && shift
    mkdir -p "$folder"
    launch courier.out timeout 60 "$courier" receive --yes --once --to "$folder" --listen 127.0.0.1:0 --key key.receive
    local courier_id=$!
    timeout 60 /usr/bin/python3 "$here/peer.py" send "$(ticket courier.out)" "${files[@]}" "$@" >peer.json 2>peer.err
    peer_code=$?
    wait $courier_id
    courier_code=$?
}

# peer_receives FOLDER PATHS… [-- PEER'S OPTIONS]: from `courier send`.
peer_receives() {
    local folder=$1 files=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do files+=("$1"); shift; done
    [ $# -gt 0 ] && shift
    mkdir -p "$folder"
    : >peer.out
    timeout 60 /usr/bin/python3 "$here/peer.py" receive "$folder" "$@" >peer.out 2>peer.err &
    local peer_id=$!
    timeout 60 "$courier" send "${files[@]}" "$(ticket peer.out)" --key key.send >courier.out 2>&1
    courier_code=$?
    wait $peer_id
    peer_code=$?
    tail -n 1 peer.out >peer.json
}

# holds EXPRESSION: of the peer's result r.
holds() {
    /usr/bin/python3 -c 'import json, sys; r = json.load(open("peer.json")); sys.exit(not eval(sys.argv[1]))' "$1" 2>>peer.err
}

# result NAME CONDITION…: each is a command; the exit codes of both programs must be 0, but of those in `cut`.
result() {
    local name=$1 why=""
    shift
    [ "$peer_code" = 0 ] && [ "$courier_code" = 0 ] || why="exit codes: peer $peer_code, courier $courier_code"
    for condition in "$@"; do
        [ -n "$why" ] || eval "$condition" >/dev/null 2>&1 || why="not true: $condition"
    done
    if [ -z "$why" ]; then
        passed=$((passed + 1))
        echo "pass  $name"
    else
        failed=$((failed + 1))
        echo "FAIL  $name: $why"
        tail -n 3 peer.err courier.out peer.json | cut -c 1-300 | sed 's/^/      /'
    fi
}

mkdir sizes
for size in 0 1 65536 65537 262144 262145 1000000; do head -c $size /dev/urandom >sizes/$size; done

for suite in 1 2; do
    only=$([ $suite = 1 ] && echo --suite1)
    for size in 0 1 65536 65537 262144 262145 1000000; do
        file=sizes/$size
        peer_sends to.$suite.$size $file -- $only
        result "sends $size bytes, suite $suite" "cmp $file to.$suite.$size/$size" "holds 'r[\"suite\"] == $suite'"
        peer_receives from.$suite.$size $file -- $only
        result "receives $size bytes, suite $suite" "cmp $file from.$suite.$size/$size" "holds 'r[\"suite\"] == $suite'"
    done
    peer_sends to.$suite.all sizes/* -- $only --rekey-every 100 --loss 0.03
    result "sends all, suite $suite, new keys, loss" "diff -r sizes to.$suite.all" "holds 'r[\"epoch\"] > 0'"
    peer_receives from.$suite.all sizes/* -- $only --rekey-every 10 --loss 0.03
    result "receives all, suite $suite, new keys, loss" "diff -r sizes from.$suite.all" "holds 'r[\"epoch\"] > 0'"
done

peer_sends keys.to sizes/262145 -- --rekey-every 1
result "sends, new keys as often as they may be" "cmp sizes/262145 keys.to/262145" "holds 'r[\"epoch\"] > 2'"
peer_receives keys.from sizes/262145 -- --rekey-every 1
result "receives, new keys as often as they may be" "cmp sizes/262145 keys.from/262145" "holds 'r[\"epoch\"] > 2'"

peer_sends moved.to sizes/1000000 -- --move-every 40
result "sends from twelve addresses" "cmp sizes/1000000 moved.to/1000000" \
    "holds 'r[\"moves\"] == 12 and r[\"challenges\"] > 4'"
peer_receives moved.from sizes/1000000 -- --move-every 8
result "receives at several addresses" "cmp sizes/1000000 moved.from/1000000" \
    "holds 'r[\"moves\"] > 1 and r[\"challenges\"] > 1'"

peer_sends cookie.to sizes/65537 -- --flood
result "sends with a cookie" "cmp sizes/65537 cookie.to/65537" "holds 'r[\"handshake\"][\"cookies\"] == 1'"
peer_receives cookie.from sizes/65537 -- --cookies
result "receives, and asks for a cookie" "cmp sizes/65537 cookie.from/65537" "holds 'r[\"handshake\"][\"cookies\"] == 1'"

# A transfer that is cut: only what is missing moves. Then the same with a file that changes in between.
cp sizes/1000000 big
peer_sends cut big -- --stop-after 400000
[ $peer_code != 0 ] && peer_sends cut big
result "sends what is missing of a cut transfer" "cmp big cut/big" "holds 'r[\"wants\"] == [[0, [[1, 3]]]]'"
peer_sends changed big -- --stop-after 400000
printf changed | dd of=big bs=1 seek=1000 conv=notrunc status=none
peer_sends changed big
result "sends a chunk again that has changed" "cmp big changed/big" "holds 'r[\"wants\"] == [[0, [[1, 3]]], [0, [[0, 1]]]]'"

# A sender that vanishes when all has arrived, and begins again while the receiver waits for its signature.
mkdir vanished
launch courier.out timeout 60 "$courier" receive --yes --once --to vanished --listen 127.0.0.1:0 --key key.receive
courier_id=$!
again=$(printf '07%.0s' $(seq 32))
timeout 60 /usr/bin/python3 "$here/peer.py" send "$(ticket courier.out)" sizes/65537 --key "$again" --vanish >peer.json 2>peer.err
timeout 60 /usr/bin/python3 "$here/peer.py" send "$(ticket courier.out)" sizes/1000000 --key "$again" >peer.json 2>peer.err
peer_code=$?
wait $courier_id
courier_code=$?
result "vanishes at the end, and begins again" "cmp sizes/65537 vanished/65537" "cmp sizes/1000000 vanished/1000000"

# The same, but it only looks whether the receiver is there: the transfer counts.
mkdir looked
/usr/bin/python3 -c 'import os; os.write(os.open("key.again", os.O_CREAT | os.O_WRONLY, 0o600), bytes([7] * 32))'
launch courier.out timeout 60 "$courier" receive --yes --once --to looked --listen 127.0.0.1:0 --key key.receive
courier_id=$!
timeout 60 /usr/bin/python3 "$here/peer.py" send "$(ticket courier.out)" sizes/65537 --key "$again" --vanish >peer.json 2>peer.err
timeout 60 "$courier" ping "$(ticket courier.out)" --count 1 --key key.again >peer.json 2>peer.err
peer_code=$?
wait $courier_id
courier_code=$?
result "vanishes at the end, and only looks" "cmp sizes/65537 looked/65537"

mkdir part
head -c 1000000 /dev/zero >part/big
for chunk in 0 2; do dd if=big of=part/big bs=262144 skip=$chunk seek=$chunk count=1 conv=notrunc status=none; done
cp -r part wrong
peer_receives part big -- --known 0,2
result "receives what is missing" "cmp big part/big" "holds 'r[\"wants\"] == [[0, [[1, 1], [3, 1]]]]'" \
    "holds 'r[\"data_received\"] == 475712'"
printf wrong | dd of=wrong/big bs=1 seek=600000 conv=notrunc status=none
peer_receives wrong big -- --known 0,2 --loss 0.05
result "asks again for a known chunk with another value" "cmp big wrong/big" \
    "holds 'r[\"wants\"] == [[0, [[1, 1], [3, 1]]], [0, [[2, 1]]]]'"
peer_receives part big -- --known 0,1,2,3
result "asks for values and root only" "cmp big part/big" "holds 'r[\"wants\"] == [[0, []]] and r[\"data_received\"] == 0'"

# More files than there may be streams, and a control stream longer than its credit.
mkdir many lots
for number in $(seq 70); do head -c 65537 /dev/urandom >many/$number; done
for number in $(seq 1500); do echo $number >lots/a_long_name_so_that_the_control_stream_needs_credit_$number; done
peer_sends many.to many/* -- --loss 0.02
result "sends 70 large files" "diff -r many many.to" "holds 'r[\"reused\"] > 0'"
peer_receives many.from many/* -- --loss 0.02
result "receives 70 large files" "diff -r many many.from"
peer_sends lots.to lots/*
result "sends 1500 small files" "diff -r lots lots.to"
peer_receives lots.from lots
result "receives 1500 small files" "diff -r lots lots.from/lots"

mkdir -p tree/folder/inner tree/empty
echo small >tree/folder/small
chmod 640 tree/folder/small
cp sizes/262145 tree/folder/inner/large
ln -s folder/small tree/link
ln -s /nowhere tree/folder/dangling
printf x >$'tree/not\xffUTF-8'
touch -h -d '2001-02-03 04:05:06.789' tree/folder/small tree/link tree/folder
list() { (cd "$1" && find . -printf '%P %y %m %T@ %l\n' | sort); }
peer_receives tree.from tree
result "receives folders, links, modes and times" "diff -r --no-dereference tree tree.from/tree" \
    "diff <(list tree) <(list tree.from/tree)"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
