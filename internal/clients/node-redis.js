// node-redis against a running server: node node-redis.js HOST PORT
import assert from "node:assert/strict";
import { createClient } from "redis";

const [host, port] = process.argv.slice(2);
const client = createClient({ socket: { host, port: Number(port) }, RESP: 3 });
client.on("error", (err) => {
  console.error("node-redis:", err);
  process.exit(1);
});
await client.connect();

const hello = await client.sendCommand(["HELLO", "3"]);
assert.equal(hello.proto ?? hello.get?.("proto"), 3);

const key = (name) => `node-redis:${process.pid}:${name}`;
assert.equal(await client.ping(), "PONG");
assert.equal(await client.set(key("s"), "héllo"), "OK");
assert.equal(await client.get(key("s")), "héllo");
assert.equal(await client.get(key("missing")), null);
assert.equal(await client.set(key("s"), "x", { NX: true }), null);

assert.equal(await client.incr(key("n")), 1);
assert.equal(await client.incrBy(key("n"), 41), 42);
await assert.rejects(client.incr(key("s")), /not an integer/);

assert.equal(await client.hSet(key("h"), { a: "1", b: "2" }), 2);
assert.deepEqual({ ...(await client.hGetAll(key("h"))) }, { a: "1", b: "2" });
await assert.rejects(client.get(key("h")), /WRONGTYPE/);

assert.equal(await client.expire(key("s"), 100), 1);
const ttl = await client.ttl(key("s"));
assert.ok(ttl > 90 && ttl <= 100, `ttl ${ttl}`);

// Commands sent in one tick travel as one pipeline.
const many = Array.from({ length: 1000 }, (_, i) => i);
await Promise.all(many.map((i) => client.set(key(`p${i}`), `${i}`)));
assert.deepEqual(await Promise.all(many.map((i) => client.get(key(`p${i}`)))), many.map(String));
assert.deepEqual(await client.mGet([key("p1"), key("missing"), key("p999")]), ["1", null, "999"]);
assert.equal(await client.del(many.map((i) => key(`p${i}`))), 1000);

await client.close();
console.log("OK node-redis");
