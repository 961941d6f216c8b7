import { digestOf, makeMessages } from "./messages.mjs";

/**
 * Sends all messages through a pair with an echo server and closes. Returns what arrived and how the connection ended.
 */
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
    // Reads to the end, because otherwise unread data would hold back the peer's Close.
    while (!(await reader.read()).done);
  })();
  const writer = writable.getWriter();
  // This promise settles with the end of the connection.
  writer.closed.catch(() => {});
  for (const message of messages) await writer.write(message);
  await reading;
  return { echoed: await digestOf(echoed), extensions, closed: await closed };
}
