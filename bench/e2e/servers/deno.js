/* global Deno */
import { certificate } from "./certificate.js";

const options = { port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(port), ...certificate };
Deno.serve(options, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => socket.send(data));
  return response;
});
