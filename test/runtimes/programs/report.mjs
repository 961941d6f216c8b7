// Runs on every runtime. It gets the namespaces of "wsframe" and "wsframe/streams", however the runtime imports them,
// and reports the results. The tests compare them with the expected results.

import { digestOf, makeMessages, sha256 } from "./messages.mjs";
import { exchange } from "./exchange.mjs";

/** `get` fetches the bytes at a path of the host. Without it, the report has no captures. */
export async function report({ wsframe, streams }, get) {
  const captures = get ? JSON.parse(new TextDecoder().decode(await get("/captures.json"))) : [];
  const core = wsframe.coreInfo();
  // The portable core is tried once on every runtime.
  const cores = core.kind === "wasm" ? ["auto", "portable"] : ["auto"];
  const extension = deflate(wsframe);
  const frames = {};
  const messages = {};
  for (const capture of captures) {
    for (const direction of capture.directions) {
      const stream = await get(direction.path);
      for (const core of cores) {
        const name = `${capture.name} ${direction.role} ${core}`;
        const options = { role: direction.role, core, rsv: capture.deflate ? 4 : 0 };
        for (const [cut, chunks] of Object.entries(cuts(stream, direction.chunks))) {
          frames[`${name} decode ${cut}`] = await digestFrames(viaDecode(wsframe, options, chunks), direction);
          frames[`${name} push ${cut}`] = await digestFrames(viaPush(wsframe, options, chunks), direction);
        }
        frames[`${name} encode`] = await sha256(encodeAgain(wsframe, options, viaDecode(wsframe, options, [stream])));
        if (capture.deflate && !extension) continue;
        const chunks = cuts(stream, direction.chunks).recorded;
        messages[name] = await digestEvents(viaProtocol(wsframe, options, chunks, capture, extension));
      }
    }
  }
  return {
    core,
    coreOnDemand: attempt(() => typeof new wsframe.FrameDecoder({ role: "server", core: "wasm" })),
    deflates: extension !== undefined,
    frames,
    messages,
    connection: await connection(wsframe, []),
    compressed: extension && (await connection(wsframe, [extension])),
    streams: await streamed(streams),
    fault: attempt(() => {
      const fault = Uint8Array.of(0x81, 0x01, 0x61, 0x82, 0x01, 0x00, 0x81, 0x02, 0x61, 0xff);
      new wsframe.FrameDecoder({ role: "client" }).decode(fault);
    }),
  };
}

/** The extension permessage-deflate. Undefined on runtimes without WASM and zlib. */
export function deflate({ perMessageDeflate }) {
  try {
    return perMessageDeflate();
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function attempt(run) {
  try {
    return run();
  } catch (error) {
    const { name, message, code, closeCode, byteOffset, frames } = error;
    return { name, message, code, closeCode, byteOffset, frames: frames?.length };
  }
}

function cuts(stream, recorded) {
  const cut = (size, end = stream.length) => {
    const chunks = [];
    for (let at = 0; at < end; at += size) chunks.push(stream.subarray(at, Math.min(at + size, end)));
    return chunks;
  };
  let at = 0;
  return {
    recorded: recorded.map((length) => stream.subarray(at, (at += length))),
    whole: [stream],
    // Push byte by byte only as far as that is fast, even without a compiler.
    bytes: [...cut(1, Math.min(stream.length, 8192)), stream.subarray(8192)],
    "pieces of 1021": cut(1021),
  };
}

const hex = (bytes) => bytes && Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const fields = ({ fin, rsv, opcode, maskKey, payloadLength, headerOffset, payloadOffset }) => ({
  fin,
  rsv,
  opcode,
  maskKey: hex(maskKey),
  payloadLength,
  headerOffset,
  payloadOffset,
});

function viaDecode({ FrameDecoder }, options, chunks) {
  const decoder = new FrameDecoder(options);
  // decode() unmasks in place and its payloads are views, so the chunk is copied and the payloads are not.
  return chunks.flatMap((chunk) =>
    decoder.decode(chunk.slice()).map((frame) => ({ ...fields(frame), payload: frame.payload })),
  );
}

function viaPush({ FrameDecoder }, options, chunks) {
  const decoder = new FrameDecoder(options);
  const frames = [];
  let frame;
  let pieces;
  const sink = {
    header(header) {
      frame = fields(header);
      pieces = [];
    },
    payload(window, start, end) {
      pieces.push(window.slice(start, end));
    },
    end() {
      frames.push({ ...frame, payload: concat(pieces) });
    },
  };
  for (const chunk of chunks) decoder.push(chunk, sink);
  return frames;
}

function concat(parts) {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A digest of all headers and then of all payloads. expected.ts computes the expected one in the same way. */
function digestFrames(frames, { httpLength }) {
  const headers = frames.map(({ fin, rsv, opcode, maskKey, payloadLength, headerOffset, payloadOffset }) => [
    fin,
    rsv,
    opcode,
    maskKey ?? null,
    payloadLength,
    httpLength + headerOffset,
    httpLength + payloadOffset,
  ]);
  return sha256(concat([new TextEncoder().encode(JSON.stringify(headers)), ...frames.map(({ payload }) => payload)]));
}

function encodeAgain({ FrameEncoder }, { role, core }, frames) {
  let next = 0;
  const maskKey = () => Uint8Array.from(frames[next++].maskKey.match(/../g), (digits) => parseInt(digits, 16));
  const encoder = new FrameEncoder({ role: role === "server" ? "client" : "server", core, maskKey });
  for (const { fin, rsv, opcode, payload } of frames) encoder.frame({ fin, rsv, opcode, payload });
  return concat(encoder.take());
}

function viaProtocol({ Protocol, parseExtensions }, { role, core }, chunks, capture, extension) {
  const agreed = capture.deflate ? parseExtensions(capture.extensions) : [];
  const extensions = agreed.map(({ parameters }) => ({ extension, parameters }));
  const protocol = new Protocol({ role, core, extensions });
  return chunks.flatMap((chunk) => {
    const events = protocol.receive(chunk);
    protocol.take();
    return events;
  });
}

async function digestEvents(events) {
  const lines = await Promise.all(
    events.map(async ({ type, data, code, reason, error }) => {
      if (type === "close") return JSON.stringify([type, code, reason]);
      if (type === "error") return JSON.stringify([type, error.message]);
      const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
      return JSON.stringify([type, bytes.length, await sha256(bytes)]);
    }),
  );
  return sha256(new TextEncoder().encode(lines.join("\n")));
}

/** A connection between two Protocols, from the request to the last Close, in chunks of 1000 bytes. */
async function connection(wsframe, extensions) {
  const { acceptHandshake, checkResponse, createRequest, Protocol, RequestParser, ResponseParser } = wsframe;
  const { serializeRequest, serializeResponse } = wsframe;
  const request = createRequest("ws://localhost/chat", { protocols: ["chat"], extensions });
  const acceptance = acceptHandshake(new RequestParser().push(serializeRequest(request)).request, {
    protocols: ["chat"],
    extensions,
  });
  const { response } = new ResponseParser().push(serializeResponse(acceptance));
  const agreement = checkResponse(response, request);

  const client = new Protocol({ role: "client", extensions: agreement.extensions });
  const server = new Protocol({ role: "server", extensions: acceptance.extensions });
  const ends = [];
  const echoed = [];
  const carry = (from, to, handle) => {
    const bytes = concat(from.take());
    for (let at = 0; at < bytes.length; at += 1000)
      for (const event of to.receive(bytes.slice(at, at + 1000))) handle(event);
  };
  const answer = ({ type, data, code, reason, error }) => {
    if (type === "text" || type === "binary") server.send(data);
    else ends.push(["server", type, code ?? String(error ?? new TextDecoder().decode(data)), reason]);
  };
  const collect = ({ type, data, code, reason, error }) => {
    if (type === "text" || type === "binary") echoed.push(data);
    else ends.push(["client", type, code ?? String(error ?? new TextDecoder().decode(data)), reason]);
  };
  for (const message of makeMessages()) client.send(message);
  client.ping("are you there?");
  client.close(4000, "enough");
  carry(client, server, answer);
  carry(server, client, collect);
  return {
    protocol: agreement.protocol,
    extensions: agreement.extensions.map(({ extension }) => extension.name),
    echoed: await digestOf(echoed),
    ends,
    states: [client.state, server.state],
  };
}

/** A connection between two pairs of streams, over duplexes in memory. */
async function streamed({ acceptWebSocketStream, connectWebSocketStream }) {
  const [there, back] = [new TransformStream(), new TransformStream()];
  const accepted = acceptWebSocketStream({ readable: there.readable, writable: back.writable });
  const client = await connectWebSocketStream({ readable: back.readable, writable: there.writable }, "ws://localhost/");
  const server = await accepted;
  server.readable.pipeTo(server.writable).catch(() => {});
  return { ...(await exchange(client)), server: await server.closed };
}
