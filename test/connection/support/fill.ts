import type { Peer } from "./peer.ts";
import type { Subject } from "./subject.ts";
import { sleep } from "./time.ts";

const KIB = 1024;
const MESSAGE = new Uint8Array(KIB).fill(1);

/** Sends until nothing moves any more, and then `more` messages. Returns how many messages were accepted. */
export async function fill(subject: Subject, peer: Peer, more: number): Promise<() => number> {
  peer.line.pause();
  let accepted = 0;
  const send = async (): Promise<void> => {
    if (await subject.send(MESSAGE)) accepted++;
  };
  // Send over several turns, because all messages of a turn are one write, which a socket always accepts.
  for (let still = 0; still < 5;) {
    if (subject.queued < 200 * KIB) {
      still = 0;
      for (let i = 0; i < 64; i++) void send();
      await new Promise((resolve) => setImmediate(resolve));
    } else {
      still++;
      await sleep(4);
    }
  }
  for (let i = 0; i < more; i++) void send();
  await sleep(20);
  return () => accepted;
}
