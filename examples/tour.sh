#!/bin/sh
# A short show of what is in the box: chapters 00, 03 and 08, with the trace of one exchange.
#
#     examples/tour.sh [BUILD]        BUILD: the folder of the build (default: build)
#
# Every server takes a free port and is ended before the next part begins.
set -eu

build=${1:-build}/examples
folder=$(mktemp -d)
server=

stop_server() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        server=
    fi
}
trap 'stop_server; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

title() { printf '\n== %s\n\n' "$1"; }

# start_server NAME [OPTION...]: starts it and waits for its first line, which tells the port.
start_server() {
    name=$1
    shift
    printf '$ %s\n' "${name##*/}"
    rm -f "$folder/first_line"
    mkfifo "$folder/first_line"
    "$build/$name" -H 127.0.0.1 -p 0 "$@" >"$folder/first_line" 2>"$folder/talk" &
    server=$!
    read -r first_line <"$folder/first_line"
    printf '%s\n' "$first_line"
    port=${first_line##*:}
}

title "00 · Two ends, one conversation, and what went over the wire"
"$build/00_start/first_frames"

title "03 · An echo server, and a client that types two lines"
start_server 03_echo_server/echo_server
printf '$ echo_client -p %s\n' "$port"
printf 'hola\nadios\n' | "$build/02_echo_client/echo_client" -q -H 127.0.0.1 -p "$port"
stop_server

title "08 · The same with frames: six digits, a colon, the payload"
start_server 08_frames/framed_echo_server
printf '$ TRAMA_TRACE=1 framed_echo_client -p %s      (its trace: every call, every frame)\n' "$port"
printf 'hola\n' | TRAMA_TRACE=1 "$build/08_frames/framed_echo_client" -q -H 127.0.0.1 -p "$port" 2>&1
stop_server

printf '\nNow read docs/README.md: the tutorial starts there, with chapter 00.\n'
