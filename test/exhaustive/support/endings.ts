// A model of how a connection ends: RFC 6455 §7 as a table, and the additions of a socket.

import type { Role } from "../../../src/index.ts";

/** The ways to end a connection: our Close, the peer's, a broken rule, the end of the peer's stream, and a reset. */
export const ENDS = ["ours", "theirs", "error", "end", "reset"] as const;
export type End = (typeof ENDS)[number];

/** The actions on a Protocol: `take` writes what is queued. */
export const ACTIONS = [...ENDS, "take"] as const;
export type Action = (typeof ACTIONS)[number];

export const OURS = 4001;
export const THEIRS = 4002;
const CLEAN = `close:${THEIRS}:theirs:true`;
const ABNORMAL = "close:1006::false";
const ERROR = "error:WS_ERR_INVALID_OPCODE";

type State = "open" | "weClosed" | "theyClosed" | "failed" | "over";

interface Step {
  readonly to: State;
  readonly events?: readonly string[];
  readonly writes?: string;
}

const WRITE_OURS = `close:${OURS}:ours`;
const WRITE_ANSWER = `close:${THEIRS}:`;
const WRITE_FAILURE = "close:1002";

/** Missing actions change nothing and have no event. */
const TABLE: Readonly<Record<State, Readonly<Partial<Record<Action, Step>>>>> = {
  open: {
    ours: { to: "weClosed", writes: WRITE_OURS },
    theirs: { to: "theyClosed", events: [CLEAN] },
    error: { to: "failed", events: [ERROR, ABNORMAL] },
    end: { to: "over", events: [ABNORMAL] },
    reset: { to: "over", events: [ABNORMAL] },
  },
  weClosed: {
    theirs: { to: "over", events: [CLEAN] },
    // After our Close, the peer causes no error event.
    error: { to: "over", events: [ABNORMAL] },
    end: { to: "over", events: [ABNORMAL] },
    reset: { to: "over", events: [ABNORMAL] },
  },
  // Earlier messages can still be answered. Our Close may be a different one, and may follow the end of the peer's
  // stream.
  theyClosed: {
    ours: { to: "over", writes: WRITE_OURS },
    take: { to: "over", writes: WRITE_ANSWER },
    reset: { to: "over" },
  },
  failed: {
    ours: { to: "over", writes: WRITE_OURS },
    take: { to: "over", writes: WRITE_FAILURE },
    reset: { to: "over" },
  },
  over: {},
};

export class Model {
  state: State = "open";
  /** Messages and the ending, in order. */
  readonly events: string[] = [];
  readonly written: string[] = [];

  act(action: Action): void {
    const step = TABLE[this.state][action];
    if (step === undefined) return;
    this.state = step.to;
    this.events.push(...(step.events ?? []));
    if (step.writes !== undefined) this.written.push(step.writes);
  }

  /** The peer sends a message. Returns whether it is delivered. */
  message(data: string): boolean {
    const isHeard = this.state === "open" || this.state === "weClosed";
    if (isHeard) this.events.push(`text:${data}`);
    return isHeard;
  }

  /** Sends a message. Returns whether it is accepted. */
  send(data: string): boolean {
    const isSent = this.state === "open" || this.state === "theyClosed" || this.state === "failed";
    if (isSent) this.written.push(`text:${data}`);
    return isSent;
  }

  get stateName(): string {
    const names = { open: "open", weClosed: "closing", theyClosed: "closing", failed: "closing", over: "closed" };
    return names[this.state];
  }
}

/** The kinds of readers of a Connection. */
export const CONSUMERS = ["listener", "loop", "nobody"] as const;
export type Consumer = (typeof CONSUMERS)[number];

/** Models a Connection of Node over a socket: its events, and when its socket closes. */
export class NodeModel {
  readonly protocol: Model = new Model();
  readonly #role: Role;
  readonly #consumer: Consumer;
  /** "error", "closing" and "close"; for a listener also the messages. */
  readonly events: string[] = [];
  readonly messages: string[] = [];
  #ending: string | undefined = undefined;
  #hasFailed = false;
  /** Whether a message was delivered to a reader that may still answer it. */
  #isBehind = false;
  /** Whether the peer ended its side, which shows at the end of the turn. */
  #ends = false;
  isEnded = false;
  isReset = false;
  isClosed = false;

  constructor(role: Role, consumer: Consumer) {
    this.#role = role;
    this.#consumer = consumer;
  }

  /** Whether the peer's writes arrive. */
  get peerCanWrite(): boolean {
    return !this.isReset && !this.isClosed && !this.#ends && !this.isEnded;
  }

  act(action: End): void {
    if (this.isClosed || this.isReset) return;
    if (action === "end") {
      this.#ends = true;
      return;
    }
    if (action === "reset") {
      this.isReset = true;
      return;
    }
    if (action !== "ours" && !this.peerCanWrite) return;
    this.#protocolActs(action);
    this.#flush();
  }

  message(data: string): void {
    if (!this.peerCanWrite || !this.protocol.message(data)) return;
    if (this.#consumer === "nobody") {
      this.#isBehind = true;
      return;
    }
    this.messages.push(data);
    if (this.#consumer === "listener") this.events.push(`text:${data}`);
    else this.#isBehind = true;
  }

  /** Ends the turn. */
  settle(): void {
    if (this.isClosed) return;
    if (this.isReset) {
      if (this.#ending !== CLEAN && !this.#hasFailed) this.events.push("error:ECONNRESET");
      this.#protocolActs("reset");
      this.#close();
      return;
    }
    if (this.#consumer === "loop") this.#isBehind = false;
    if (this.#ends) {
      this.#ends = false;
      this.isEnded = true;
      // Without a reader, unread messages do not delay the end.
      this.#isBehind = false;
      this.#protocolActs("end");
    }
    this.#flush();
    if (this.endsStream && this.isEnded) this.#close();
  }

  /**
   * Whether our side of the stream has ended. After both Closes, a client waits for the server to end it first
   * (§7.1.1).
   */
  get endsStream(): boolean {
    const isExpecting = this.#role === "client" && this.#ending === CLEAN && !this.isEnded;
    return this.protocol.state === "over" && !isExpecting;
  }

  #protocolActs(action: Action): void {
    const before = this.protocol.events.length;
    this.protocol.act(action);
    for (const event of this.protocol.events.slice(before)) {
      if (event.startsWith("error:")) {
        this.#hasFailed = true;
        this.events.push(event);
      } else {
        this.#ending = event;
        if (event === CLEAN) this.events.push(`closing:${THEIRS}:theirs`);
      }
    }
  }

  #flush(): void {
    if (!this.#isBehind) this.#protocolActs("take");
  }

  #close(): void {
    this.isClosed = true;
    this.events.push(this.#ending ?? ABNORMAL);
  }
}

/** Every sequence of up to `length` of these values, each at most once: every interleaving of every choice. */
export function interleavings<T>(values: readonly T[], length: number = values.length): T[][] {
  if (length === 0) return [[]];
  return [
    [],
    ...values.flatMap((value) =>
      interleavings(
        values.filter((other) => other !== value),
        length - 1,
      ).map((rest) => [value, ...rest]),
    ),
  ];
}

/** Every sequence of exactly `length` of these values. */
export function* sequences<T>(values: readonly T[], length: number): Generator<readonly T[], void> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const rest of sequences(values, length - 1)) for (const value of values) yield [...rest, value];
}
