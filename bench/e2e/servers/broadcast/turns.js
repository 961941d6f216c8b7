// Schedules the broadcasts of a server: for each received message, a number of texts to all connections, in a turn of
// the event loop of their own.

import process from "node:process";
import { setImmediate } from "node:timers";

const perTurn = Number(process.argv[process.argv.indexOf("--broadcast") + 1]);
const size = Number(process.argv[process.argv.indexOf("--size") + 1]);

/** The texts that load.c expects: the letters of message i, which repeat after 26. */
const TEXTS = Array.from({ length: 26 }, (_, i) =>
  Array.from({ length: size }, (__, j) => String.fromCharCode(97 + ((i * 7 + j * 3) % 26))).join(""),
);

/**
 * @param {(text: string) => void} broadcast sends a text to all connections
 * @returns {() => void} requests one more turn
 */
export function turns(broadcast) {
  let asked = 0;
  let sent = 0;
  const turn = () => {
    for (let i = 0; i < perTurn; i++) broadcast(TEXTS[sent++ % TEXTS.length]);
    if (--asked > 0) setImmediate(turn);
  };
  return () => {
    if (asked++ === 0) setImmediate(turn);
  };
}
