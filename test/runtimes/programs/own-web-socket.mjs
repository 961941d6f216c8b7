import { digestOf, makeMessages } from "./messages.mjs";

/** Like exchange.mjs, but with the runtime's own WebSocket. */
export async function exchangeWithOwn(url) {
  const client = new WebSocket(url);
  client.binaryType = "arraybuffer";
  const messages = makeMessages();
  const echoed = [];
  client.addEventListener("open", () => {
    for (const message of messages) client.send(message);
  });
  client.addEventListener("message", ({ data }) => {
    echoed.push(typeof data === "string" ? data : new Uint8Array(data));
    if (echoed.length === messages.length) client.close(4000, "enough");
  });
  const { code, reason, wasClean } = await new Promise((resolve, reject) => {
    client.addEventListener("close", resolve);
    client.addEventListener("error", () => reject(new Error("The WebSocket of the runtime failed")));
  });
  return { echoed: await digestOf(echoed), extensions: client.extensions, closed: [code, reason, wasClean] };
}
