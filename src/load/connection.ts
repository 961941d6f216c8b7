import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import {
  type Agreement,
  checkResponse,
  type ClientRequest,
  CloseCode,
  type MessageSink,
  Protocol,
  ResponseParser,
  serializeRequest,
} from "../index.ts";
import { isTested } from "../node/transport/sockets.ts";
import { isClear, writeDirectly, type Writer, writesDirectly } from "../node/transport/writes.ts";
import { LINGER } from "../protocol/times.ts";
import { Deadline } from "./deadline.ts";
import { reasonOf } from "./errors.ts";
import { Fence } from "./fence.ts";
import { Ledger } from "./ledger.ts";
import { type Messages, READ_SIZE } from "./messages.ts";
import type { LoadSettings } from "./options.ts";
import type { Pace } from "./pace.ts";
import type { Stream } from "./stream.ts";
import type { Tally } from "./tally.ts";

/** The read buffer of all sockets. Each chunk is processed before the next is read. */
const chunk = Buffer.allocUnsafeSlow(READ_SIZE);

/** The state that the connections of a run share. */
export interface Shared {
  readonly settings: LoadSettings;
  readonly messages: Messages;
  readonly tally: Tally;
  /** Returns the frames to send on a connection with this agreement. */
  stream(agreement: Agreement): Stream;
  /** Decides when messages are due; undefined without a rate. */
  readonly pace: Pace | undefined;
  /** Called when an open connection has ended before the run. */
  ended(): void;
}

/** Phases: before the end of the handshake, open, our Close is sent, ended. */
const OPENING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/**
 * One connection of a run: sends messages, and checks the answers.
 *
 * While a server echoes each message in one frame, whole chunks are compared as bytes. From the first byte that differs, the
 * bytes go through a Protocol, because the answers are compressed, fragmented, interrupted by pings, or wrong. Comparing
 * resumes at the next end of a frame. Answers that are only counted always go through the Protocol.
 */
export class LoadConnection implements Writer {
  readonly #shared: Shared;
  readonly #tally: Tally;
  readonly #messages: Messages;
  readonly #request: ClientRequest;
  /** Its index among the open connections. */
  index: number = 0;
  #agreement: Agreement | undefined = undefined;
  #stream: Stream | undefined = undefined;
  #socket: Socket | undefined = undefined;
  #phase: number = OPENING;
  #head: ResponseParser | undefined = undefined;
  /** Resolve open(), drain() and finish(). */
  #opened: (() => void) | undefined = undefined;
  #drained: (() => void) | undefined = undefined;
  #closed: (() => void) | undefined = undefined;
  /** Whether a timer waits for the server to end the socket. */
  #lingers = false;
  /** Whether the socket has not yet accepted all written data. */
  #full = false;
  /** Whether a write that bypasses the queue of the socket is in progress, and whether such writes are possible. */
  #writing = false;
  #passes = false;
  #stopped = false;
  /** Limits sending if neither answers nor a rate do. */
  readonly #fence: Fence | undefined;

  readonly #ledger: Ledger;
  /** How many bytes of the next answer have arrived. Used only while bytes are compared. */
  #partial = 0;
  #protocol: Protocol | undefined = undefined;
  /** Whether chunks go through the Protocol. */
  #slow = false;
  /**
   * Bytes pushed, and the minimum size of the frames that were delivered. If they are equal, no frame is incomplete.
   */
  #pushed = 0;
  #framed = 0;
  /** When the current chunk arrived. */
  #now = 0;

  constructor(shared: Shared, request: ClientRequest) {
    this.#shared = shared;
    this.#tally = shared.tally;
    this.#messages = shared.messages;
    this.#request = request;
    const { pace } = shared;
    this.#ledger = new Ledger({
      messages: shared.messages,
      tally: shared.tally,
      answers: shared.settings.answers,
      inFlight: shared.settings.inFlight,
      dueAt: pace && ((number) => pace.dueAt(this.index, number)),
    });
    this.#fence = this.#ledger.allowance === Infinity ? new Fence() : undefined;
  }

  get isOpen(): boolean {
    return this.#phase === OPEN;
  }

  /** The result of the handshake; undefined until the connection is open. */
  get agreement(): Agreement | undefined {
    return this.#agreement;
  }

  get isCompressed(): boolean {
    return (this.#agreement?.extensions.length ?? 0) > 0;
  }

  /** Whether answers can be compared as bytes. Compressed answers cannot. */
  #comparable(): boolean {
    return this.#shared.settings.answers === "echo" && this.#messages.frame !== undefined && !this.isCompressed;
  }

  /** With a rate, how many messages are due but not sent. */
  get unsent(): number {
    return this.#ledger.unsent;
  }

  /** Connects. Resolves when the connection is open or has failed. The tally counts a failure. */
  open(): Promise<void> {
    const { host, port, secure } = this.#request;
    const { tls, handshakeTimeout } = this.#shared.settings;
    const onread = {
      buffer: chunk,
      callback: (length: number): boolean => {
        this.#read(length);
        return true;
      },
    };
    return new Promise((resolve) => {
      const deadline = new Deadline(handshakeTimeout, () =>
        this.#fail("TIMEOUT", `not open after ${handshakeTimeout} ms`),
      );
      this.#opened = () => {
        deadline.clear();
        this.#opened = undefined;
        resolve();
      };
      const socket = secure
        ? connectTls({
            ALPNProtocols: ["http/1.1"],
            // SNI is for names only, not for addresses (RFC 6066 §3).
            ...(isIP(host) === 0 && { servername: host }),
            ...tls,
            host,
            port,
            onread,
          } as ConnectionOptions)
        : connectTcp({ host, port, onread });
      this.#socket = socket;
      // TLS accepts only one write at a time.
      this.#passes = isTested && !secure && writesDirectly(socket);
      socket.setNoDelay(true);
      socket.on("error", (error: NodeJS.ErrnoException) => this.#fail(error.code ?? "ERROR", reasonOf(error)));
      socket.on("end", () => this.#end());
      socket.on("close", () => {
        this.#end();
        this.#phase = CLOSED;
        this.#closed?.();
      });
      this.#head = new ResponseParser();
      this.#write(serializeRequest(this.#request));
    });
  }

  /** With a rate, `count` more messages are due. */
  makeReady(count: number, now: number): void {
    this.#ledger.makeReady(count);
    this.send(now);
  }

  /** Sends as many messages as allowed. */
  send(now: number): void {
    if (this.#phase !== OPEN || this.#full || this.#stopped) return;
    const { bytes, offsets, batch } = this.#stream!;
    const ledger = this.#ledger;
    const socket = this.#socket!;
    const fence = this.#fence;
    for (let left = fence?.isOpen === false ? 0 : ledger.allowance; left > 0;) {
      const count = Math.min(left, batch);
      const from = offsets[ledger.next]!;
      const to = offsets[ledger.next + count]!;
      left -= count;
      ledger.send(count, now);
      this.#tally.bytesSent += to - from;
      this.#writeMessages(bytes.subarray(from, to));
      if (fence) {
        this.#protocol!.ping(fence.next());
        this.#flush();
        if (!fence.isOpen) left = 0;
      }
      // The system has not accepted everything: more data would only pile up.
      if (this.#writing || socket.writableLength > 0) {
        this.#full = true;
        return;
      }
    }
  }

  /** Whether a message or a Ping is waiting for its answer. */
  #waits(): boolean {
    return this.#ledger.inFlight > 0 || (this.#fence?.waiting ?? 0) > 0;
  }

  /** Stops sending. Resolves when nothing waits for an answer any more, or the connection has ended. */
  drain(): Promise<void> {
    this.#stopped = true;
    if (this.#phase !== OPEN || !this.#waits()) return Promise.resolve();
    return new Promise((resolve) => (this.#drained = resolve));
  }

  /** Counts waiting messages as unanswered, and closes. Resolves when the connection has ended. */
  finish(): Promise<void> {
    this.#stopped = true;
    if (this.#phase === OPEN) {
      this.#ledger.giveUp("the run ended before the answer arrived");
      if (this.#waits()) this.#tally.errors.add("NO_PONG", () => "the server did not answer a Ping");
      this.#readSlowly();
      this.#phase = CLOSING;
      this.#protocol!.close(CloseCode.NormalClosure);
      this.#flush();
    }
    if (this.#phase === CLOSED || this.#socket === undefined) return Promise.resolve();
    return new Promise((resolve) => (this.#closed = resolve));
  }

  /** Cuts the connection. If it is still closing, counts NOT_CLOSED. */
  destroy(): void {
    if (this.#phase === CLOSING && this.#protocol!.state !== "closed") {
      this.#tally.errors.add("NOT_CLOSED", () => "the server did not answer our Close");
    }
    this.#phase = CLOSED;
    this.#socket?.destroy();
    this.#opened?.();
    this.#drained?.();
    this.#closed?.();
  }

  readonly #written = (): void => {
    if (!this.#full || this.#writing || this.#socket!.writableLength > 0) return;
    this.#full = false;
    this.send(performance.now());
  };

  /** A direct write has ended. @internal */
  wrote(error: Error | null | undefined): void {
    this.#writing = false;
    if (error) this.#socket!.destroy(error);
    else this.#written();
  }

  #writeMessages(bytes: Uint8Array): void {
    const socket = this.#socket!;
    if (!this.#passes || this.#writing || !isClear(socket)) {
      socket.write(bytes, this.#written);
      return;
    }
    try {
      this.#writing = !writeDirectly(socket, bytes, this);
    } catch (error) {
      socket.destroy(error as Error);
    }
  }

  #write(bytes: Uint8Array): void {
    this.#tally.bytesSent += bytes.length;
    this.#socket!.write(bytes);
  }

  #flush(): void {
    for (const part of this.#protocol!.take()) this.#write(part);
  }

  #read(length: number): void {
    this.#tally.bytesReceived += length;
    const { due, frame } = this.#messages;
    if (this.#phase === OPEN && !this.#slow && frame !== undefined) {
      const now = performance.now();
      const ledger = this.#ledger;
      const at = ledger.due * frame + this.#partial;
      const total = this.#partial + length;
      if (total <= ledger.inFlight * frame && chunk.compare(due, at, at + length, 0, length) === 0) {
        const count = Math.floor(total / frame);
        this.#partial = total - count * frame;
        if (count > 0) ledger.match(count, now);
        this.#settled();
        this.send(now);
        return;
      }
      this.#readSlowly();
    }
    if (this.#phase === OPENING) this.#readHead(chunk.subarray(0, length));
    else if (this.#phase !== CLOSED) this.#push(chunk.subarray(0, length));
  }

  #readHead(bytes: Uint8Array): void {
    try {
      const found = this.#head!.push(bytes);
      if (found === undefined) return;
      this.#agreement = checkResponse(found.response, this.#request);
      this.#stream = this.#shared.stream(this.#agreement);
      this.#head = undefined;
      this.#phase = OPEN;
      this.#tally.open++;
      this.#opened!();
      if (!this.#comparable()) this.#readSlowly();
      if (found.rest.length === 0) return;
      this.#readSlowly();
      this.#push(found.rest);
    } catch (error) {
      this.#fail((error as NodeJS.ErrnoException).code ?? "ERROR", reasonOf(error));
    }
  }

  /** Switches to the Protocol, which first gets the compared bytes of an incomplete frame. */
  #readSlowly(): void {
    if (this.#slow) return;
    this.#slow = true;
    this.#protocol ??= new Protocol({
      role: "client",
      extensions: this.#agreement!.extensions,
      allocate: Buffer.allocUnsafeSlow,
    });
    if (this.#partial === 0) return;
    const { due, frame = 0 } = this.#messages;
    const at = this.#ledger.due * frame;
    const begun = due.subarray(at, at + this.#partial);
    this.#partial = 0;
    this.#pushed += begun.length;
    this.#protocol.push(begun, this.#sink);
  }

  #push(bytes: Uint8Array): void {
    this.#now = performance.now();
    this.#pushed += bytes.length;
    this.#protocol!.push(bytes, this.#sink);
    this.#flush();
    this.#settled();
    this.#endStream();
    if (this.#phase !== OPEN) return;
    if (this.#pushed === this.#framed && this.#comparable()) this.#slow = false;
    this.send(this.#now);
  }

  readonly #sink: MessageSink = {
    text: (data) => this.#receive(data, Buffer.byteLength(data)),
    binary: (data) => this.#receive(data, data.length),
    ping: (data) => {
      this.#framed += frameSize(data.length);
    },
    pong: (data) => {
      this.#framed += frameSize(data.length);
      this.#fence?.pass(data);
    },
    error: (error) => this.#lose(error.code, error.message),
    close: (code, reason) => {
      if (this.#phase !== CLOSING) {
        this.#lose(`CLOSED_${code}`, `closed by the server${reason === "" ? "" : `: ${reason}`}`);
      }
    },
  };

  /** Handles a message of `size` bytes. */
  #receive(data: string | Uint8Array, size: number): void {
    this.#framed += frameSize(size);
    // Nothing counts after our Close.
    if (this.#phase === OPEN) this.#ledger.receive(data, size, this.#now);
  }

  /** Ends drain() if nothing waits for an answer any more. */
  #settled(): void {
    if (!this.#waits()) this.#drained?.();
  }

  /** Ends the socket, or waits a while for the server to do so. */
  #endStream(): void {
    const { streamEnd } = this.#protocol!;
    if (streamEnd === "send") this.#socket!.end();
    if (streamEnd !== "expect" || this.#lingers) return;
    this.#lingers = true;
    setTimeout(() => this.destroy(), LINGER).unref();
  }

  /** Counts a connection that has ended too early. */
  #lose(code: string, message: string): void {
    if (this.#phase === CLOSED) return;
    const before = this.#phase;
    this.#phase = CLOSED;
    if (before === CLOSING) {
      this.#closed?.();
      return;
    }
    this.#tally.errors.add(code, () => message);
    if (before === OPENING) {
      this.#tally.failed++;
      this.#opened!();
      return;
    }
    this.#tally.open--;
    this.#tally.lost++;
    this.#ledger.giveUp("the connection ended before the answer arrived");
    this.#drained?.();
    this.#shared.ended();
  }

  #fail(code: string, message: string): void {
    this.#lose(code, message);
    this.#socket!.destroy();
  }

  #end(): void {
    if (this.#phase === OPENING) this.#fail("CLOSED_1006", "the connection ended before the response");
    else if (this.#phase === OPEN) this.#fail("CLOSED_1006", "the connection ended without a Close");
  }
}

/** Returns the minimum size of a server's frame. */
function frameSize(length: number): number {
  return length + (length < 126 ? 2 : length < 65536 ? 4 : 10);
}
