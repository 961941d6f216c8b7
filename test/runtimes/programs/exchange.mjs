import { digestOf, makeMessages } from "./messages.mjs";

/** Sends all messages through a pair whose other side echoes, and closes: what came, and how it ended. */
export async function exchange({ readable, writable, extensions, closed, close }) {
  const messages = makeMessages();
  const echoed = [];
  const reading = (async () => {
    const reader = readable.getReader();
    while (echoed.length < messages.length) {
      const { done, value } = await reader.read();
      if (done) break;
      echoed.push(value);
    }
    close({ closeCode: 4000, reason: "enough" });
    // To the end, or the peer's Close would wait behind it.
    while (!(await reader.read()).done);
  })();
  const writer = writable.getWriter();
  // Ends with the connection.
  writer.closed.catch(() => {});
  for (const message of messages) await writer.write(message);
  await reading;
  return { echoed: await digestOf(echoed), extensions, closed: await closed };
}
