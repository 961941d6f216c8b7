// What a peer with the WebSocket of browsers does, in browsers and elsewhere: sends back what it gets, and does what "!..."
// says. One function that needs nothing from outside, so that it can be handed to a page.

/**
 * @param {{ url: string, protocols: string[], deflate: boolean }} order
 * @param {() => void} [abort] what cuts the connection
 * @returns {Promise<object>} what the connection was like, when it has ended
 */
export function converse({ url, protocols, deflate }, abort) {
  const options = globalThis.Bun ? { protocols, perMessageDeflate: deflate } : protocols;
  const ws = new WebSocket(url, options);
  ws.binaryType = "arraybuffer";
  const pings = [];
  const pongs = [];
  const toText = (data) => new TextDecoder().decode(data);
  // Bun alone tells of these.
  ws.addEventListener("ping", ({ data }) => pings.push(toText(data)));
  ws.addEventListener("pong", ({ data }) => pongs.push(toText(data)));
  const obey = (command) => {
    const [name, ...rest] = command.split(" ");
    if (name === "!ping") ws.ping(rest.join(" "));
    else if (name === "!close" && rest.length > 0) ws.close(Number(rest[0]), rest.slice(1).join(" "));
    else if (name === "!close") ws.close();
    else if (name === "!abort" && ws.terminate) ws.terminate();
    else if (name === "!abort") abort();
  };
  ws.addEventListener("message", ({ data }) => {
    if (typeof data === "string" && data.startsWith("!")) obey(data);
    else ws.send(data);
  });
  return new Promise((resolve) => {
    ws.addEventListener("close", ({ code, reason, wasClean }) =>
      resolve({
        id: url.split("/").at(-1),
        code,
        reason,
        wasClean,
        subprotocol: ws.protocol ?? "",
        extensions: ws.extensions,
        pings,
        pongs,
      }),
    );
  });
}
