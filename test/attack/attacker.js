// The attacking process: one attack on one victim. It prints nothing, and reports over IPC how much it sent.

import { attacks } from "./attacks.js";
import { counter, listen } from "./wire.js";

const { attack, port, role, connections, lines, quick, bytes } = JSON.parse(process.argv[2]);
process.on("disconnect", () => process.exit());

const run = attacks[attack];
const victims = role === "client" ? await listen(connections, lines, run.answer) : undefined;
process.send({ port: victims?.port ?? port });

process.once("message", async () => {
  await victims?.all;
  const context = { port, sockets: victims?.sockets, connections, lines, quick, bytes, toServer: role === "server" };
  const note = await run(context);
  process.send({ sent: counter.sent, note });
});
