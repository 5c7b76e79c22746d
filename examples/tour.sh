#!/bin/sh
# A short show of what is in the box: chapters 00, 03 and 08, with the trace of one exchange,
# 14, a chat of three, and 15, a file that is copied and compared.
#
#     examples/tour.sh [BUILD]        BUILD: the folder of the build (default: build)
#
# Every server takes a free port and is ended before the next part begins.
set -eu

build=${1:-build}/examples
folder=$(mktemp -d)
server=
members=

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

# start_server NAME [OPTION...]: starts it and waits for its first line, which names the port.
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

# join_chat NAME: starts a client. It types from one FIFO, and sees into another.
join_chat() {
    printf '$ chat_client -p %s --name %s\n' "$port" "$1"
    mkfifo "$folder/$1.types" "$folder/$1.sees"
    "$build/14_group_chat/chat_client" -q -H 127.0.0.1 -p "$port" --name "$1" \
        <"$folder/$1.types" >"$folder/$1.sees" &
    members="$members $!"
}

# show NAME TEXT: what NAME sees, up to the line with TEXT.
show() {
    while read -r line; do
        printf '%6s sees: %s\n' "$1" "$line"
        case $line in *"$2"*) return ;; esac
    done
    return 1
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

title "14 · A chat of three: a password, a name, and each message for all"
start_server 14_group_chat/chat_server --password sesame
join_chat ana
exec 3>"$folder/ana.types" 4<"$folder/ana.sees"
printf 'sesame\n' >&3
show ana welcome <&4
join_chat luis
exec 5>"$folder/luis.types" 6<"$folder/luis.sees"
printf 'sesame\n' >&5
show luis welcome <&6
join_chat eva
exec 7>"$folder/eva.types" 8<"$folder/eva.sees"
printf 'guess\nsesame\n' >&7
show eva welcome <&8
show ana 'eva is here' <&4
printf 'hola a todos\n' >&3
show luis hola <&6
show eva hola <&8
exec 3>&- 5>&- 7>&-
for each in $members; do wait "$each"; done
stop_server

title "15 · A file, to another program and compared"
mkdir "$folder/copies"
start_server 15_remote_copy/copy_stream_server -d "$folder/copies"
printf '$ copy_stream_client -p %s build/examples/00_start/first_frames\n' "$port"
"$build/15_remote_copy/copy_stream_client" -H 127.0.0.1 -p "$port" "$build/00_start/first_frames" 2>&1
stop_server
printf '$ cmp build/examples/00_start/first_frames copies/first_frames\n'
cmp "$build/00_start/first_frames" "$folder/copies/first_frames" && printf 'equal, byte for byte\n'

printf '\nNow read docs/README.md: the tutorial starts there, with chapter 00.\n'
