// A server: Deno.serve() and Deno.upgradeWebSocket(). See ../process.ts.

function obey(ws, command) {
  const [name, ...rest] = command.split(" ");
  if (name === "!close" && rest.length > 0) ws.close(Number(rest[0]), rest.slice(1).join(" "));
  else if (name === "!close") ws.close();
}

Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(JSON.stringify({ plain: port })) },
  (request) => {
    const offered = request.headers.get("sec-websocket-protocol")?.split(/, */) ?? [];
    const protocol = offered.find((name) => name === "chat");
    // In seconds. It sends a Ping after half of this time without a message.
    const idleTimeout = new URL(request.url).pathname.startsWith("/idle/") ? 1 : 0;
    const { socket, response } = Deno.upgradeWebSocket(request, { ...(protocol && { protocol }), idleTimeout });
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string" && data.startsWith("!")) obey(socket, data);
      else socket.send(data);
    });
    // An error event without a listener ends the process.
    socket.addEventListener("error", (event) => event.preventDefault());
    socket.addEventListener("close", ({ code, reason }) =>
      console.log(JSON.stringify({ id: request.url.split("/").at(-1), code, reason, subprotocol: protocol ?? "" })),
    );
    return response;
  },
);
await Deno.stdin.readable.pipeTo(new WritableStream());
Deno.exit();
