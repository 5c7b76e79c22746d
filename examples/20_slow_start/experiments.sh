#!/bin/sh
# experiments.sh -- four transfers over a link with a fault, each with samples and a capture
#
# Run, in the folder of the repository, after the programs were built:
#     sh examples/20_slow_start/experiments.sh slow-start
#     sh examples/20_slow_start/experiments.sh slow-start --congestion cubic
#     sh examples/20_slow_start/experiments.sh loss
#     sh examples/20_slow_start/experiments.sh stop
#     sh examples/20_slow_start/experiments.sh queue
# The words behind the name are options of badlink. It writes NAME.csv and NAME.pcap.
set -eu
bin=$(realpath "${TRAMA_BUILD:-build}/examples")
name=${1-}
[ $# = 0 ] || shift

bytes=4000000
link= receiver=
case $name in
slow-start) ;;                                         # 8 Mbit/s, 25 ms each way, 40 packets
loss) link="--queue 400 --loss 0.2 --seed 5" ;;        # one packet of 500, by chance
stop) receiver="--stop-at 500000 --pause 4000" bytes=3000000 ;;
queue) link="--queue 400" ;;                           # a queue in which 0.6 s of packets fit
*)
    echo "experiments.sh: \"$name\" is no experiment: type slow-start, loss, stop or queue" >&2
    exit 2
    ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
head -c "$bytes" /dev/urandom > "$folder/file"
export bin name receiver folder

"$bin/tools/badlink" $link --pcap "$name.pcap" "$@" -- sh -eu -c '
    "$bin/20_slow_start/receiver" -q $receiver > "$folder/log" &
    until grep -qs listening "$folder/log"; do sleep 0.1; done
    "$bin/20_slow_start/watch_transfer" -H "$BADLINK_HOST" --csv "$name.csv" "$folder/file"
    wait'
