// Finds the simplest case that still fails, with fewer calls, connections and options.

import { type Fails, shrinkList, shrinkOptions } from "../shrink.ts";
import type { Call, Incoming, ProtocolCase, Settings } from "./case.ts";

export async function shrinkCase(one: ProtocolCase, fails: Fails<ProtocolCase>): Promise<ProtocolCase> {
  let left = one;
  const keep = (change: Partial<ProtocolCase>): ProtocolCase => (left = { ...left, ...change });
  for (let size = Infinity; size > sizeOf(left);) {
    size = sizeOf(left);
    const { connections } = left;
    keep({ calls: await shrinkList(left.calls, (calls) => fails({ ...left, calls })) });
    for (let i = 0; i < left.calls.length; i++) {
      const withCall = (call: Call): readonly Call[] => left.calls.with(i, call);
      const call = await shrinkCall(left.calls[i]!, (candidate) => fails({ ...left, calls: withCall(candidate) }));
      keep({ calls: withCall(call) });
    }
    for (let i = 0; i < connections.length; i++) {
      const withSettings = (settings: Settings): readonly Settings[] => left.connections.with(i, settings);
      const { role, ...options } = left.connections[i]!;
      const fewer = await shrinkOptions<Partial<Settings>>(options, (candidate) =>
        fails({ ...left, connections: withSettings({ core: "portable", ...candidate, role }) }),
      );
      keep({ connections: withSettings({ core: "portable", ...fewer, role }) });
    }
    keep({ connections: await shrinkConnections(left, fails) });
  }
  return left;
}

function sizeOf(one: ProtocolCase): number {
  return JSON.stringify(one).length;
}

/** Drops connections at the end that no call uses. */
async function shrinkConnections(one: ProtocolCase, fails: Fails<ProtocolCase>): Promise<readonly Settings[]> {
  let { connections } = one;
  while (connections.length > 1 && (await fails({ ...one, connections: connections.slice(0, -1) }))) {
    connections = connections.slice(0, -1);
  }
  return connections;
}

async function shrinkCall(call: Call, fails: Fails<Call>): Promise<Call> {
  const { c, op, ...options } = call;
  const whole = (some: object): Call => ({ c, op, ...some }) as Call;
  let left: { sends?: readonly Incoming[]; inside?: readonly Call[] } = await shrinkOptions<object>(
    options,
    async (some) => hasSize(whole(some)) && (await fails(whole(some))),
  );
  if (left.sends !== undefined) {
    let sends = await shrinkList(left.sends, (some) => fails(whole({ ...left, sends: some })));
    for (let i = 0; i < sends.length; i++) {
      const { op: opcode, ...rest } = sends[i]!;
      const before = sends;
      const withOne = (some: object): readonly Incoming[] => before.with(i, { op: opcode, ...some });
      sends = withOne(await shrinkOptions(rest, (some) => fails(whole({ ...left, sends: withOne(some) }))));
    }
    left = { ...left, sends };
  }
  if (left.inside !== undefined) {
    let inside = await shrinkList(left.inside, (some) => fails(whole({ ...left, inside: some })));
    for (let i = 0; i < inside.length; i++) {
      const before = inside;
      inside = before.with(
        i,
        await shrinkCall(before[i]!, (some) => fails(whole({ ...left, inside: before.with(i, some) }))),
      );
    }
    left = { ...left, inside };
  }
  return whole(left);
}

/** Whether a call needs its size to be valid. */
function hasSize(call: Call): boolean {
  switch (call.op) {
    case "in":
      return "size" in call && "via" in call;
    case "reserve":
    case "into":
      return "size" in call;
    case "send":
    case "copy":
      return "data" in call;
    case "wrong":
      return "what" in call;
    case "end":
      return "via" in call;
    case "fail":
      return "closeCode" in call;
    case "tick":
    case "alive":
      return "later" in call;
    default:
      return true;
  }
}
