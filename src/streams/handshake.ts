// The opening handshake over a duplex of bytes, for both roles (RFC 6455 §4).

import {
  acceptHandshake,
  type AcceptOptions,
  checkResponse,
  createRequest,
  HandshakeError,
  type HeadParserOptions,
  rejectHandshake,
  type Rejection,
  type RequestOptions,
  RequestParser,
  ResponseParser,
  serializeRequest,
  serializeResponse,
  type UrlSource,
} from "../index.ts";
import { checkSignal } from "../frame/known-options.ts";
import { checkStreamNames } from "./known-options.ts";
import {
  type ByteDuplex,
  type ConnectionStreamOptions,
  openPair,
  type WebSocketStreamPair,
} from "./web-socket-stream.ts";

interface HandshakeOptions extends ConnectionStreamOptions, HeadParserOptions {
  /** Stops the handshake with the reason of the signal. `AbortSignal.timeout(ms)` limits its time. Default none. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of connectWebSocketStream(). */
export interface ConnectStreamOptions extends HandshakeOptions, RequestOptions {}

/** Options of acceptWebSocketStream(). */
export interface AcceptStreamOptions extends HandshakeOptions, AcceptOptions {}

/**
 * Opens a connection as a client (RFC 6455 §4.1), over a duplex that leads to the server, with TLS for `wss:`. The URL
 * gives the host and the path of the request. If it fails, the duplex is ended.
 *
 * @throws (rejects) HandshakeError if the server does not accept
 * @throws (rejects) the error of the duplex, or the reason of the signal
 * @throws (rejects) TypeError and RangeError for wrong or unknown options
 */
export async function connectWebSocketStream(
  duplex: ByteDuplex,
  url: UrlSource,
  options: ConnectStreamOptions = {},
): Promise<WebSocketStreamPair> {
  checkStreamNames("connectWebSocketStream()", options);
  const { extensions, headers, key, origin, protocols, maxHeadSize, maxHeaderFields } = options;
  const request = createRequest(url, { extensions, headers, key, origin, protocols });
  const parser = new ResponseParser({ maxHeadSize, maxHeaderFields });
  return handshake(duplex, options, async ({ read, write }) => {
    await write(serializeRequest(request));
    for (;;) {
      const found = parser.push(await read());
      if (found === undefined) continue;
      const { protocol, extensions } = checkResponse(found.response, request);
      return () => openPair(duplex, { ...options, role: "client", protocol, extensions, head: found.rest });
    }
  });
}

/**
 * Accepts a connection as a server (RFC 6455 §4.2), over a duplex from a client. If the request is refused, the refusal
 * is written first. If it fails in any way, the duplex is ended.
 *
 * @throws (rejects) HandshakeError if the request is refused
 * @throws (rejects) the error of the duplex, or the reason of the signal
 * @throws (rejects) TypeError and RangeError for wrong or unknown options
 */
export async function acceptWebSocketStream(
  duplex: ByteDuplex,
  options: AcceptStreamOptions = {},
): Promise<WebSocketStreamPair> {
  checkStreamNames("acceptWebSocketStream()", options);
  const { checkOrigin, extensions, headers, protocols, maxHeadSize, maxHeaderFields } = options;
  const accepted = { checkOrigin, extensions, headers, protocols };
  const parser = new RequestParser({ maxHeadSize, maxHeaderFields });
  // Throws now for options that would fail every request.
  acceptHandshake({ headers: [] }, accepted);
  return handshake(duplex, options, async ({ read, write, end }) => {
    const refuse = async (rejection: Rejection): Promise<never> => {
      await write(serializeResponse(rejection));
      await end();
      throw rejection.error;
    };
    for (;;) {
      const found = await read()
        .then((chunk) => parser.push(chunk))
        .catch((error: unknown) => {
          if (error instanceof HandshakeError && error.status !== undefined) return refuse(rejectHandshake({ error }));
          throw error;
        });
      if (found === undefined) continue;
      const answer = acceptHandshake(found.request, accepted);
      if (!answer.accepted) return refuse(answer);
      await write(serializeResponse(answer));
      const { protocol, extensions } = answer;
      return () => openPair(duplex, { ...options, role: "server", protocol, extensions, head: found.rest });
    }
  });
}

/** The duplex during the handshake. */
interface Line {
  /** @throws (rejects) HandshakeError at the end of the stream */
  read(): Promise<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

/**
 * Runs a handshake. The function that it returns is called once the streams are unlocked. Ends the duplex if it fails.
 */
async function handshake(
  { readable, writable }: ByteDuplex,
  { signal }: HandshakeOptions,
  run: (line: Line) => Promise<() => WebSocketStreamPair>,
): Promise<WebSocketStreamPair> {
  checkSignal(signal);
  signal?.throwIfAborted();
  if (readable.locked || writable.locked) throw new TypeError("The streams of the duplex must not be locked");
  const reader = readable.getReader();
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  const give = (error: unknown): void => {
    reader.cancel(error).catch(() => {});
    writer.abort(error).catch(() => {});
  };
  let stop!: () => void;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal!.reason);
    signal?.addEventListener("abort", stop, { once: true });
  });
  const line: Line = {
    async read() {
      const { done, value } = await reader.read();
      if (!done) return value;
      throw new HandshakeError("WS_ERR_HANDSHAKE_START_LINE", "The stream ended before the handshake was complete", {
        rule: "RFC 6455 §4.1",
      });
    },
    write: (bytes) => writer.write(bytes),
    end: () => writer.close(),
  };
  let open: () => WebSocketStreamPair;
  try {
    open = await Promise.race([run(line), stopped]);
  } catch (error) {
    give(error);
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
    reader.releaseLock();
    writer.releaseLock();
  }
  try {
    return open();
  } catch (error) {
    // The options of the connection are wrong.
    readable.cancel(error).catch(() => {});
    writable.abort(error).catch(() => {});
    throw error;
  }
}
