// ioredis against a running server: node ioredis.js HOST PORT
import assert from "node:assert/strict";
import { Redis } from "ioredis";

const [host, port] = process.argv.slice(2);
const client = new Redis({ host, port: Number(port), maxRetriesPerRequest: 1, retryStrategy: null });
client.on("error", (err) => {
  console.error("ioredis:", err);
  process.exit(1);
});

const key = (name) => `ioredis:${process.pid}:${name}`;
const hello = await client.call("HELLO", "3");
const fields = Array.isArray(hello) ? Object.fromEntries(hello.flatMap((v, i, all) => (i % 2 ? [] : [[v, all[i + 1]]]))) : Object.fromEntries(hello instanceof Map ? hello : Object.entries(hello));
assert.equal(Number(fields.proto), 3);

assert.equal(await client.ping(), "PONG");
assert.equal(await client.set(key("s"), "héllo"), "OK");
assert.equal(await client.get(key("s")), "héllo");
assert.equal(await client.get(key("missing")), null);
assert.equal(await client.set(key("s"), "x", "NX"), null);

assert.equal(await client.incr(key("n")), 1);
assert.equal(await client.incrby(key("n"), 41), 42);
await assert.rejects(client.incr(key("s")), /not an integer/);

assert.equal(await client.hset(key("h"), { a: "1", b: "2" }), 2);
assert.deepEqual({ ...(await client.hgetall(key("h"))) }, { a: "1", b: "2" });
await assert.rejects(client.get(key("h")), /WRONGTYPE/);

assert.equal(await client.expire(key("s"), 100), 1);
const ttl = await client.ttl(key("s"));
assert.ok(ttl > 90 && ttl <= 100, `ttl ${ttl}`);

const many = Array.from({ length: 1000 }, (_, i) => i);
const pipeline = client.pipeline();
for (const i of many) pipeline.set(key(`p${i}`), i).get(key(`p${i}`));
const replies = await pipeline.exec();
assert.deepEqual(replies, many.flatMap((i) => [[null, "OK"], [null, `${i}`]]));
assert.deepEqual(await client.mget(key("p1"), key("missing"), key("p999")), ["1", null, "999"]);
assert.equal(await client.del(...many.map((i) => key(`p${i}`))), 1000);

await client.quit();
console.log("OK ioredis");
