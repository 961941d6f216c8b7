// Runs the calls of a case in order, including those made in callbacks.

import { Protocol } from "../../../src/index.ts";
import type { ReadWindow } from "../../../src/frame/read-window.ts";
import type { Call, ProtocolCase } from "./case.ts";
import { type Finding, Party, type Stage } from "./party.ts";

/** The maximum nesting depth of calls. */
const MAX_DEPTH = 4;

interface Running {
  readonly party: Party;
  readonly at: number;
  readonly inside: readonly Call[];
  /** The number of callbacks so far. */
  callbacks: number;
  done: boolean;
}

const windows: { wasm?: ReadWindow; portable?: ReadWindow } = {};

/** The connections of a case. */
export class World implements Stage {
  now = 1000;
  calls = 0;
  finding: Finding | undefined = undefined;
  readonly #parties: Party[];
  readonly #running: Running[] = [];
  /** Connections that are waiting for a key and must not be used. */
  readonly #asking: Set<Party> = new Set();

  constructor(one: ProtocolCase) {
    this.#parties = one.connections.map((settings, i) => new Party(this, `connection ${i}`, settings));
  }

  get landings(): number {
    return this.#parties.reduce((sum, { holdsLanding }) => sum + Number(holdsLanding), 0);
  }

  get depth(): number {
    return this.#running.length;
  }

  window(core: "wasm" | "portable"): ReadWindow {
    return (windows[core] ??= Protocol.readWindow(
      core,
      (bytes) => (start, end) => Buffer.from(bytes.buffer, start, end - start).toString("latin1"),
    ));
  }

  call(call: Call): void {
    const party = this.#parties[call.c % this.#parties.length];
    if (party === undefined || this.#running.length >= MAX_DEPTH || this.#asking.has(party)) return;
    this.calls++;
    if ("later" in call && call.later !== undefined) this.now += call.later;
    const { at = 0, inside = [] } = "inside" in call ? call : {};
    this.#running.push({ party, at, inside, callbacks: 0, done: inside.length === 0 });
    party.call(call);
    this.#running.pop();
  }

  told(party: Party): boolean {
    const running = this.#running.at(-1);
    if (running === undefined || running.done || running.party !== party) return false;
    if (running.callbacks++ < running.at) return false;
    running.done = true;
    for (const call of running.inside) this.call(call);
    return running.inside.some(({ op }) => op === "throw");
  }

  asked(party: Party): void {
    const running = this.#running.at(-1);
    if (running === undefined || running.done || running.party !== party) return;
    running.done = true;
    this.#asking.add(party);
    for (const call of running.inside) this.call(call);
    this.#asking.delete(party);
  }

  finish(): void {
    for (const party of this.#parties) party.finish();
  }
}

export interface Result {
  readonly calls: number;
  readonly finding?: string;
}

export function runCase(one: ProtocolCase): Result {
  // Millions of errors are created, and their stacks would take as long as everything else.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return runCalls(one);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function runCalls(one: ProtocolCase): Result {
  const run = new World(one);
  let at = 0;
  try {
    for (; at < one.calls.length; at++) run.call(one.calls[at]!);
    run.finish();
    return { calls: run.calls };
  } catch (error) {
    const where = at < one.calls.length ? `call ${at} (${one.calls[at]!.op})` : "the end";
    const what = run.finding?.message ?? `threw ${String(error)}`;
    return { calls: run.calls, finding: `at ${where}: ${what}` };
  }
}
