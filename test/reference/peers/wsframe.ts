// wsframe: FrameDecoder on both cores, and Protocol.

import { FrameDecoder, Protocol, type ProtocolEvent, WebSocketError } from "../../../src/index.ts";
import { type Found, type FoundError, FrameEvents, hex, type Input, type Peer } from "./peer.ts";

function attempt(run: () => void, after: number): { found?: FoundError; frames: WebSocketError["frames"] } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof WebSocketError)) throw error;
    const { closeCode, code } = error;
    return { found: { closeCode, after, code }, frames: error.frames };
  }
  return { frames: [] };
}

function decode(core: "wasm" | "portable", { role, chunks }: Input): Found {
  const decoder = new FrameDecoder({ role, core, maxFrame: Infinity });
  const found = new FrameEvents();
  const add = (frames: ReturnType<FrameDecoder["decode"]>): void => {
    for (const { opcode, fin, payload } of frames) found.add(opcode, fin, payload);
  };
  let error: FoundError | undefined;
  let after = 0;
  for (const chunk of chunks) {
    after += chunk.length;
    // The decoder unmasks in place, so it gets a copy.
    const failure = attempt(() => add(decoder.decode(Uint8Array.from(chunk))), after);
    add([...failure.frames]);
    error = failure.found;
    if (error) break;
  }
  return { events: found.events, error };
}

function receive({ role, chunks }: Input): Found {
  const most = Infinity;
  const limits = { maxFrame: most, maxMessage: most, maxFragments: most, maxControlFrames: most };
  const protocol = new Protocol({ role, limits });
  const events: string[] = [];
  let error: FoundError | undefined;
  let after = 0;
  const add = (event: ProtocolEvent): void => {
    switch (event.type) {
      case "text":
        events.push(`text:${hex(Buffer.from(event.data))}`);
        break;
      case "binary":
      case "ping":
      case "pong":
        events.push(`${event.type}:${hex(event.data)}`);
        break;
      case "error":
        error = { closeCode: event.error.closeCode, after, code: event.error.code };
        break;
      case "close":
        // Protocol refuses a Close with code 1005, so 1005 here means that there is no code.
        if (!error) events.push(`close:${event.code === 1005 ? "none" : event.code}:${hex(Buffer.from(event.reason))}`);
        break;
    }
  };
  for (const chunk of chunks) {
    if (error) break;
    after += chunk.length;
    for (const event of protocol.receive(Uint8Array.from(chunk))) add(event);
    protocol.take();
  }
  return { events, error };
}

const peer = (name: string, run: (input: Input) => Found): Peer => ({
  name,
  version: "",
  roles: ["server", "client"],
  run: async (inputs) => inputs.map(run),
});

export const frameDecoder: Peer = peer("FrameDecoder", (input) => decode("wasm", input));
export const portableFrameDecoder: Peer = peer("FrameDecoder, portable", (input) => decode("portable", input));
export const protocol: Peer = peer("Protocol", receive);
