// A decoder for `npm run check-decoder` to check, here the one of ws. docs/reliability.md says what it is given and returns.

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
    // ws says 1005 where there is no code.
    messages.push({ type: "close", code: code === 1005 ? undefined : code, data });
    closed = true;
  });
  receiver.on("error", () => {});
  for (const chunk of chunks) {
    error = await new Promise((resolve) => receiver.write(chunk, resolve));
    // To ask for no more chunks tells when the error was found.
    if (error || closed) break;
  }
  return { messages, error: error ? {} : undefined };
}
