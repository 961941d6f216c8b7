// The script of a page, which uses the client that Socket.IO serves. It writes its report as the text of the page.

/* global io, document */

const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

const once = (emitter, name) =>
  new Promise((resolve) => {
    emitter.once(name, (...values) => resolve(values));
  });

async function use(transports) {
  const socket = io({ transports, forceNew: true, reconnection: false });
  socket.on("question", (number, answer) => answer(number * 2));
  const said = [];
  socket.on("said", (value) => said.push(value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value));
  await once(socket, "connect");
  await until(() => socket.io.engine.transport.name === "websocket");
  const text = "a \u{1F600} é".repeat(10_000);
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const back = await socket.emitWithAck("echo", { list: [bytes, new Blob(["blob"])], text });
  const report = {
    how: await socket.emitWithAck("how"),
    text: back.text === text,
    bytes:
      back.list[0] instanceof ArrayBuffer && new Uint8Array(back.list[0]).every((byte, index) => byte === bytes[index]),
    blob: new TextDecoder().decode(back.list[1]),
    ask: await socket.emitWithAck("ask"),
    join: await socket.emitWithAck("join", "room"),
  };
  await socket.emitWithAck("say", "room", "text");
  await socket.emitWithAck("say", "room", new Uint8Array([1, 2]));
  await until(() => said.length === 2);
  const numbers = await Promise.all(Array.from({ length: 500 }, (_, number) => socket.emitWithAck("echo", number)));
  report.many = numbers.every((number, index) => number === index);
  report.said = said;
  const left = once(socket, "disconnect");
  socket.emit("leave");
  [report.left] = await left;
  return report;
}

const report = [await use(["websocket"]), await use(["polling", "websocket"])];
document.body.textContent = JSON.stringify(report);
document.title = "done";
