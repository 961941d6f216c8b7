// Two clients who are admitted, and some who are refused.
import { deepStrictEqual } from "node:assert";
import { once } from "node:events";
import { WebSocket } from "ws";

// BLOCK

const enter = (name) => {
  const headers = { authorization: "Bearer secret" };
  return new WebSocket(`ws://localhost:8080/chat?name=${name}`, ["chat.v1", "chat.v2"], { headers });
};
const [one, two] = [enter("one"), enter("two")];
await Promise.all([once(one, "open"), once(two, "open")]);
deepStrictEqual([one.protocol, one.extensions], ["chat.v2", "permessage-deflate"]);
one.send("hello");
for (const [data] of await Promise.all([once(one, "message"), once(two, "message")])) {
  deepStrictEqual(String(data), "one: hello");
}

const refused = async (path, headers) => {
  const [, response] = await once(new WebSocket(`ws://localhost:8080${path}`, { headers }), "unexpected-response");
  return response.statusCode;
};
deepStrictEqual(await refused("/chat"), 401);
deepStrictEqual(await refused("/", { authorization: "Bearer secret" }), 404);

deepStrictEqual(await refused("//", { authorization: "Bearer secret" }), 404);

two.send(Buffer.alloc(1024 * 1024 + 1));
const [code] = await once(two, "close");
deepStrictEqual(code, 1009);
one.close();
await server.close();
