"""redis-py against a running server: python3 redis-py.py HOST PORT"""

import os
import sys

import redis


def refused(error, call):
    try:
        call()
    except redis.ResponseError as e:
        assert error in str(e), e
    else:
        raise AssertionError(f"no error that says {error}")


def main(host, port):
    client = redis.Redis(host=host, port=int(port), decode_responses=True, socket_timeout=30)

    def key(name):
        return f"redis-py:{os.getpid()}:{name}"

    hello = client.execute_command("HELLO", "2")
    fields = hello if isinstance(hello, dict) else dict(zip(hello[::2], hello[1::2]))
    assert fields["proto"] == 2, hello

    assert client.ping()
    assert client.set(key("s"), "héllo")
    assert client.get(key("s")) == "héllo"
    assert client.get(key("missing")) is None
    assert client.set(key("s"), "x", nx=True) is None

    assert client.incr(key("n")) == 1
    assert client.incrby(key("n"), 41) == 42
    refused("not an integer", lambda: client.incr(key("s")))

    assert client.hset(key("h"), mapping={"a": "1", "b": "2"}) == 2
    assert client.hgetall(key("h")) == {"a": "1", "b": "2"}
    refused("wrong kind of value", lambda: client.get(key("h")))

    assert client.expire(key("s"), 100)
    assert 90 < client.ttl(key("s")) <= 100

    # pipeline() would wrap the commands in MULTI and EXEC.
    pipe = client.pipeline(transaction=False)
    for i in range(1000):
        pipe.set(key(f"p{i}"), i)
        pipe.get(key(f"p{i}"))
    assert pipe.execute() == [reply for i in range(1000) for reply in (True, str(i))]
    assert client.mget(key("p1"), key("missing"), key("p999")) == ["1", None, "999"]
    assert client.delete(*[key(f"p{i}") for i in range(1000)]) == 1000

    client.close()
    print("OK redis-py")


main(*sys.argv[1:])
