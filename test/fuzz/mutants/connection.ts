// Faults for the target "connection". Each restores a fault that an earlier version of Connection had.

import type { Mutant } from "./mutant.ts";

const target = "connection";
const FILE = "src/node/connection.ts";
const FLOW = "src/node/flow.ts";
const OUTBOX = "src/node/outbox.ts";

export const CONNECTION: readonly Mutant[] = [
  // Flow and delivery.
  {
    name: "pieces-wait-for-postponed",
    behaviour: "A message in pieces waits for messages sent after it, which wait for the pieces.",
    file: OUTBOX,
    find: `  get #hasSpace(): boolean {
    return this.waiting <=`,
    replace: `  get #hasSpace(): boolean {
    return this.bytes <=`,
    target,
  },
  {
    name: "resume-by-drain",
    behaviour: "Reading resumes only after the stream has been full by its own high-water mark.",
    file: FILE,
    find: "if (this.#flow.isStopped || this.#flow.isBehind) this.run();",
    replace: "if (this.socket.writableNeedDrain) this.run();",
    target,
  },
  {
    name: "postponed-not-weighed",
    behaviour: "Messages that wait for a message in pieces are not counted and not limited.",
    file: OUTBOX,
    find: ": this.waiting + queue.bytes + (queue.entries.length - queue.first) * OVERHEAD;",
    replace: ": this.waiting;",
    target,
    seconds: 120,
  },
  {
    name: "close-overtakes-postponed",
    behaviour: "close() drops messages that wait for a message in pieces.",
    file: OUTBOX,
    find: `      queue.closed = true;
      queue.entries.push({ code, reason });`,
    replace: "      this.#protocol.close(code, reason);",
    target,
  },
  {
    name: "close-overtakes-loop",
    behaviour:
      "The body of a loop cannot answer a message that arrived before a Close, because our Close has been sent.",
    file: FILE,
    find: "return this.#flow.isBehind || this.#outbox.sendsPieces;",
    replace: "return this.#outbox.sendsPieces;",
    target,
  },
  {
    name: "pieces-borrowed",
    behaviour: "A piece is still read after its source has reused the buffer.",
    file: OUTBOX,
    find: 'typeof next.value === "string" ? next.value : this.#lend(next.value)',
    replace: 'typeof next.value === "string" ? next.value : asBytes(next.value)',
    target,
    seconds: 120,
  },
  {
    name: "iterator-without-promise",
    behaviour: "An iterator whose methods return no promises breaks a message in pieces.",
    file: OUTBOX,
    find: "Promise.resolve(value).then(resolve, reject);",
    replace: "(value as Promise<T>).then(resolve, reject);",
    target,
  },
  {
    name: "nested-delivery",
    behaviour: "A call in a handler delivers the next message inside the first.",
    file: FLOW,
    find: "if (this.isRunning) return;",
    replace: "",
    target,
  },
  {
    name: "end-of-full-socket",
    behaviour: "A full socket is ended, and waiting data is lost.",
    file: FILE,
    find: "if (!this.#outbox.isFlushed) return;",
    replace: "",
    target,
  },
  {
    name: "mark-between-chunks",
    behaviour: "The amount of unread data is only checked between chunks.",
    file: FLOW,
    find: "if (this.#full()) this.#channel.endpoint.pause();",
    replace: "",
    target,
  },
  {
    name: "replies-between-chunks",
    behaviour: "The amount of unsent data is only checked between chunks.",
    file: FLOW,
    find: "if (this.#writerBehind()) this.#channel.endpoint.pause();",
    replace: "",
    target,
  },
  {
    name: "postponed-not-checked",
    behaviour: "Data that cannot be sent is noticed only when its turn comes, and ends the connection.",
    file: OUTBOX,
    find: "    assertSendable(entry);\n",
    replace: "",
    target,
  },
  {
    name: "controls-by-processing",
    behaviour: "All control frames that arrived during a stall count as arriving when they are read.",
    file: "src/protocol/protocol.ts",
    find: "Math.min(this.#controlLeft + more, MAX_CREDIT * maxControlFrames)",
    replace: "maxControlFrames",
    target,
  },
  // Closing and time.
  {
    name: "no-linger",
    behaviour: "A client waits for closeTimeout for a server that does not end the socket after both Closes.",
    file: FILE,
    find: "else if (this.#outbox.inSocket === 0) this.#ending().lingering ??= setTimeout(() => this.socket.destroy(), LINGER);",
    replace: "",
    target,
  },
  {
    name: "judged-before-reading",
    behaviour: "A Pong that waits in the system while the event loop is blocked counts as too late.",
    file: "src/node/heartbeat.ts",
    find: "  setImmediate(() => {\n",
    replace: "  [0].forEach(() => {\n",
    target,
  },
  {
    name: "close-drops-messages",
    behaviour: "Messages that are waiting when the socket closes are not delivered.",
    file: FILE,
    find: "    this.#outbox.closed();\n    this.#flow.finish();",
    replace: "    this.#outbox.closed();",
    target,
  },
  {
    name: "inbox-hides-close",
    behaviour: "After our Close, unread messages hide the peer's Close.",
    file: FLOW,
    find: "if (this.#closing()) return this.#loops?.givenUp === false && this.#inboxFull();",
    replace: "if (this.#closing()) return this.#inboxFull();",
    target,
  },
  {
    name: "error-after-close",
    behaviour: "A malformed answer to our Close is an error event.",
    file: "src/protocol/protocol.ts",
    find: "if (this.#state === OPEN) {\n      this.#fail(failure, sink);",
    replace: "if (this.#state <= CLOSING) {\n      this.#fail(failure, sink);",
    target,
  },
  {
    name: "whole-writes",
    behaviour: "Progress is noticed only when all of a large message has been written.",
    file: OUTBOX,
    find: "const SLICE = 131072;",
    replace: "const SLICE = 1073741824;",
    target,
  },
  {
    name: "progress-is-no-life",
    behaviour: "A peer that reads data does not count as alive.",
    file: "src/node/vitals.ts",
    find: "      this.#keepalive.alive(now);\n      if (this.#outbox.closeWaits)",
    replace: "      if (this.#outbox.closeWaits)",
    target,
  },
  // Ownership and memory.
  {
    name: "send-borrows",
    behaviour: "The caller's buffer is still read after send() has returned.",
    file: OUTBOX,
    find: "if (binary !== false) return this.#protocol.sendCopy(data, this);",
    replace: "if (binary !== false) return this.#protocol.send(data);",
    target,
  },
  {
    name: "lent-too-short",
    behaviour: "Memory that a socket still needs is used for the next message.",
    file: OUTBOX,
    find: "if (this.#lent !== undefined && this.waiting === 0)",
    replace: "if (this.#lent !== undefined)",
    target,
  },
  {
    name: "slot-too-short",
    behaviour: "Output memory is reused before the system has written it.",
    file: OUTBOX,
    find: "if (this.inSocket > 0) return;\n    giveSlot",
    replace: "giveSlot",
    target,
  },
  {
    name: "refused-source-leaks",
    behaviour: "A source that is refused is not told to stop.",
    file: OUTBOX,
    find: "    if (!this.accepts) {\n      release(pieces, undefined);",
    replace: "    if (!this.accepts) {",
    target,
  },
  {
    name: "context-of-the-timer",
    behaviour: "Callbacks of a timer do not run in the connection's own context.",
    file: FILE,
    find: `    this.#context.runInAsyncScope(() => {
      if (this.#watch().beat(now)) this.socket.destroy();
      else this.flush();
    });`,
    replace: `    if (this.#watch().beat(now)) this.socket.destroy();
    else this.flush();`,
    target,
  },
  {
    name: "uninitialised-rest",
    behaviour: "The buffer of a message contains other bytes.",
    file: "src/frame/collector.ts",
    find: "buffer.fill(0, bytes.length);",
    replace: "",
    target,
  },
  // The inflater handles blocks with BFINAL, which each cost a call and 1 MiB. The target "deflate" has budgets for
  // them.
];
