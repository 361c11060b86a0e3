#!/bin/sh
# A workload for redis-server: redis-benchmark, then a snapshot and a restart, which the data
# survives.
set -e
socket=$PWD/socket

# The timeout ends the server even if this script is killed.
start() {
    timeout 100 redis-server --port 0 --unixsocket "$socket" --dir "$PWD" --save '' \
        --enable-debug-command local >>server.log 2>&1 &
    until [ "$(redis ping 2>/dev/null)" = PONG ]; do
        kill -0 $! || { cat server.log >&2; exit 1; }
        sleep 0.05
    done
}

redis() {
    redis-cli -s "$socket" "$@"
}

benchmark() {
    redis-benchmark -s "$socket" -q -c 20 -P 8 "$@" >/dev/null
}

trap 'redis shutdown nosave 2>/dev/null || kill $! 2>/dev/null' EXIT
start
benchmark -n 20000 -d 200 -t set,get,incr,lpush,rpop,sadd,hset,zadd
redis flushall
benchmark -n 1000 -d 3000 -t lpush,lrange_100
redis llen mylist

redis eval '
    for i = 1, 20000 do
        redis.call("set", "s" .. i, string.rep("v", i % 300))
        redis.call("hset", "h" .. i % 500, "f" .. i, i)
        redis.call("zadd", "z" .. i % 50, i * 7919 % 1000, i)
        if i % 3 == 0 then redis.call("del", "s" .. i / 3) end
        if i % 5 == 0 then redis.call("append", "a" .. i % 100, i) end
    end
    return redis.call("dbsize")' 0
before=$(redis debug digest)
redis save
redis bgsave
while redis info persistence | grep -q rdb_bgsave_in_progress:1; do sleep 0.05; done
redis info persistence | grep rdb_last_bgsave_status
redis shutdown nosave
wait
start
[ "$(redis debug digest)" = "$before" ] && redis dbsize
