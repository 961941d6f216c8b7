// A server: Bun.serve(). See ../process.ts.

const toText = (data) => new TextDecoder().decode(data);

function obey(ws, command) {
  const [name, ...rest] = command.split(" ");
  if (name === "!ping") ws.ping(rest.join(" "));
  else if (name === "!close" && rest.length > 0) ws.close(Number(rest[0]), rest.slice(1).join(" "));
  else if (name === "!close") ws.close();
  else if (name === "!abort") ws.terminate();
}

function serve(perMessageDeflate) {
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request, server) {
      const offered = request.headers.get("sec-websocket-protocol")?.split(/, */) ?? [];
      const subprotocol = offered.find((name) => name === "chat") ?? "";
      const headers = subprotocol ? { "Sec-WebSocket-Protocol": subprotocol } : {};
      server.upgrade(request, {
        headers,
        data: { id: request.url.split("/").at(-1), subprotocol, pings: [], pongs: [] },
      });
    },
    websocket: {
      perMessageDeflate,
      // By default, it closes connections that read slowly.
      backpressureLimit: 64 << 20,
      message(ws, data) {
        if (typeof data === "string" && data.startsWith("!")) obey(ws, data);
        else ws.send(data, perMessageDeflate);
      },
      ping: (ws, data) => ws.data.pings.push(toText(data)),
      pong: (ws, data) => ws.data.pongs.push(toText(data)),
      close: (ws, code, reason) => console.log(JSON.stringify({ code, reason, ...ws.data })),
    },
  }).port;
}

console.log(JSON.stringify({ plain: serve(false), deflate: serve(true) }));
process.stdin.on("end", () => process.exit()).resume();
