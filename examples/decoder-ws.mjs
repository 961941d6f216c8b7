// The decoder of ws, in the form that `npm run check-decoder` expects. docs/reliability.md describes its input and result.

import { Receiver } from "ws";

export async function decode({ role, chunks }) {
  const receiver = new Receiver({ isServer: role === "server" });
  const messages = [];
  let error;
  let closed = false;
  receiver.on("message", (data, isBinary) => messages.push({ type: isBinary ? "binary" : "text", data }));
  receiver.on("ping", (data) => messages.push({ type: "ping", data }));
  receiver.on("pong", (data) => messages.push({ type: "pong", data }));
  receiver.on("conclude", (code, data) => {
    // ws reports 1005 if the Close has no code.
    messages.push({ type: "close", code: code === 1005 ? undefined : code, data });
    closed = true;
  });
  receiver.on("error", () => {});
  for (const chunk of chunks) {
    error = await new Promise((resolve) => receiver.write(chunk, resolve));
    // Stop at once: the check compares where an error was found.
    if (error || closed) break;
  }
  return { messages, error: error ? {} : undefined };
}
