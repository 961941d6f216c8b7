import { performance } from "node:perf_hooks";
import { type Agreement, type ClientRequest, createRequest, perMessageDeflate } from "../index.ts";
import { LoadConnection, type Shared } from "./connection.ts";
import { Deadline } from "./deadline.ts";
import { Messages } from "./messages.ts";
import type { LoadSettings } from "./options.ts";
import { Pace } from "./pace.ts";
import type { LoadProgress, LoadReport } from "./report.ts";
import { Stream } from "./stream.ts";
import { Tally } from "./tally.ts";

/** How many connections are opened at a time, because the accept queue of a server is limited. */
const OPENING_AT_ONCE = 100;
const PROGRESS_INTERVAL = 250;
/** The load generator may be the bottleneck if it waits for less than a tenth of the time. */
const BUSY = 0.9;
/** A run of fewer seconds is too short to judge that. */
const LEAST_SECONDS = 0.1;

/** The counts at one point in time. */
interface Mark {
  readonly time: number;
  readonly completed: number;
  readonly payload: number;
  readonly cpu: NodeJS.CpuUsage;
  readonly loop: ReturnType<typeof performance.eventLoopUtilization>;
}

/** One call of load(). */
export class Run implements Shared {
  readonly settings: LoadSettings;
  readonly messages: Messages;
  readonly tally: Tally = new Tally();
  readonly pace: Pace | undefined;
  readonly #url: string;
  readonly #requests: () => ClientRequest;
  readonly #connections: LoadConnection[] = [];
  readonly #streams: Map<string, Stream> = new Map();
  /** Ends the current wait early. */
  #wake: (() => void) | undefined = undefined;
  #interrupted = false;
  #phase: LoadProgress["phase"] = "connecting";
  #phaseStart = performance.now();
  #lastProgress = { time: performance.now(), completed: 0 };

  /** @throws TypeError if createRequest() refuses the arguments */
  constructor(url: string | URL, settings: LoadSettings) {
    const { protocols, headers, origin } = settings;
    const extensions = settings.compress ? [perMessageDeflate({ threshold: 0, maxInflateRatio: Infinity })] : [];
    this.#requests = () => createRequest(url, { protocols, headers, origin, extensions });
    // Throws now if an argument is wrong.
    this.#requests();
    this.#url = withoutCredentials(String(url));
    this.settings = settings;
    const { messages, size, binary } = settings;
    this.messages = messages ? Messages.own(messages, { binary }) : Messages.made(size, binary);
    this.pace = settings.rate === undefined ? undefined : new Pace(settings.rate);
  }

  stream({ extensions }: Agreement): Stream {
    const key = JSON.stringify(extensions.map(({ parameters }) => parameters));
    let stream = this.#streams.get(key);
    if (stream === undefined) this.#streams.set(key, (stream = new Stream(this.messages, extensions)));
    return stream;
  }

  ended(): void {
    if (this.tally.open === 0) this.#wake?.();
  }

  async start(): Promise<LoadReport> {
    const { signal, warmUp, duration, answerTimeout, closeTimeout, onProgress } = this.settings;
    const interrupt = (): void => {
      this.#interrupted = true;
      this.#wake?.();
    };
    signal?.addEventListener("abort", interrupt);
    const timer = onProgress && setInterval(() => onProgress(this.#progress()), PROGRESS_INTERVAL);
    try {
      const openedIn = await this.#open();
      const open = this.#connections.filter((connection) => connection.isOpen);
      let begin = this.#mark();
      if (this.#goesOn) {
        // Without a warm-up, the first message counts.
        if (warmUp === 0) this.tally.begin = begin.time;
        else this.#enter("warming up");
        // With a rate, the first message is due a little later.
        const first = this.#send(open) ?? begin.time;
        const lead = first - begin.time;
        if (warmUp > 0) {
          await this.#sleep(lead + warmUp);
          begin = this.#mark();
          this.tally.begin = begin.time;
          this.#enter("measuring");
          await this.#sleep(duration);
        } else {
          begin = { ...begin, time: first };
          this.#enter("measuring");
          await this.#sleep(lead + duration);
        }
      }
      const end = this.#connections.some((one) => one.agreement) ? this.#mark() : begin;
      this.tally.end = end.time;
      this.#enter("ending");
      this.pace?.finish(end.time);
      const unsent = this.pace ? open.reduce((sum, one) => sum + (one.isOpen ? one.unsent : 0), 0) : 0;
      await within(
        answerTimeout,
        open.map((connection) => connection.drain()),
      );
      await within(
        closeTimeout,
        open.map((connection) => connection.finish()),
      );
      for (const connection of this.#connections) connection.destroy();
      return this.#report(begin, end, openedIn, unsent);
    } finally {
      clearInterval(timer);
      signal?.removeEventListener("abort", interrupt);
      this.pace?.stop();
      for (const connection of this.#connections) connection.destroy();
    }
  }

  get #goesOn(): boolean {
    return !this.#interrupted && this.tally.open > 0;
  }

  /** Opens all connections. @returns how long that took, in milliseconds */
  async #open(): Promise<number> {
    const start = performance.now();
    const openSome = async (): Promise<void> => {
      while (this.#connections.length < this.settings.connections && !this.#interrupted) {
        const connection = new LoadConnection(this, this.#requests());
        this.#connections.push(connection);
        await connection.open();
      }
    };
    const all = Promise.all(Array.from({ length: OPENING_AT_ONCE }, openSome));
    await Promise.race([all, new Promise<void>((resolve) => (this.#wake = () => this.#interrupted && resolve()))]);
    return performance.now() - start;
  }

  #enter(phase: LoadProgress["phase"]): void {
    this.#phase = phase;
    this.#phaseStart = performance.now();
  }

  /** Waits, unless the run has been interrupted or no connection is left. */
  #sleep(milliseconds: number): Promise<void> {
    if (!this.#goesOn) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #mark(): Mark {
    return {
      time: performance.now(),
      completed: this.tally.completed,
      payload: this.tally.payload,
      cpu: process.cpuUsage(),
      loop: performance.eventLoopUtilization(),
    };
  }

  #progress(): LoadProgress {
    const { open, completed, received, errors, mismatches } = this.tally;
    const last = this.#lastProgress;
    const now = performance.now();
    this.#lastProgress = { time: now, completed };
    return {
      phase: this.#phase,
      elapsed: now - this.#phaseStart,
      connections: open,
      received,
      messagesPerSecond: ((completed - last.completed) * 1000) / (now - last.time),
      errors: errors.count - mismatches,
      mismatches,
    };
  }

  /** Starts to send. With a rate, returns when the first message is due. */
  #send(connections: readonly LoadConnection[]): number | undefined {
    for (const [index, connection] of connections.entries()) connection.index = index;
    if (this.pace) return this.pace.start(connections);
    for (const connection of connections) connection.send(performance.now());
    return undefined;
  }

  #report(begin: Mark, end: Mark, openedIn: number, unsent: number): LoadReport {
    const { tally } = this;
    const opened = this.#connections.filter(({ agreement }) => agreement);
    const { connections, size, messages: own, answers, inFlight, rate, binary, compress } = this.settings;
    const { latency } = tally;
    // Negative if the run ended before the first message was due.
    const seconds = Math.max(0, end.time - begin.time) / 1000;
    const messages = end.completed - begin.completed;
    const bytes = end.payload - begin.payload;
    const perSecond = (count: number): number => (seconds > 0 ? count / seconds : 0);
    const cpu = perSecond((end.cpu.user + end.cpu.system - begin.cpu.user - begin.cpu.system) / 1e6);
    const eventLoop = seconds > 0 ? performance.eventLoopUtilization(end.loop, begin.loop).utilization : 0;
    return {
      url: this.#url,
      options: {
        connections,
        size: own ? null : size,
        messages: own?.length ?? null,
        answers,
        inFlight: inFlight === Infinity ? null : inFlight,
        rate: rate ?? null,
        binary,
        compress,
      },
      ok: tally.errors.count === 0,
      interrupted: this.#interrupted,
      seconds,
      messages,
      messagesPerSecond: perSecond(messages),
      bytes,
      bytesPerSecond: perSecond(bytes),
      latency: {
        count: latency.count,
        min: latency.count > 0 ? latency.min : 0,
        mean: latency.mean,
        p50: latency.percentile(50),
        p90: latency.percentile(90),
        p99: latency.percentile(99),
        p999: latency.percentile(99.9),
        max: latency.max,
      },
      total: {
        sent: tally.sent,
        received: tally.received,
        unanswered: tally.unanswered,
        mismatches: tally.mismatches,
        unexpected: tally.unexpected,
        unsent,
        bytesSent: tally.bytesSent,
        bytesReceived: tally.bytesReceived,
      },
      connections: {
        opened: opened.length,
        failed: tally.failed,
        lost: tally.lost,
        openedIn,
        compressed: opened.some((connection) => connection.isCompressed),
      },
      errors: tally.errors.list(),
      load: { cpu, eventLoop, bottleneck: seconds >= LEAST_SECONDS && Math.max(cpu, eventLoop) > BUSY },
    };
  }
}

/** Removes the credentials, because reports are shared. */
function withoutCredentials(text: string): string {
  const url = new URL(text);
  if (url.username === "" && url.password === "") return text;
  url.username = "";
  url.password = "";
  return url.href;
}

/** Waits for all promises, but no longer than `milliseconds`. */
async function within(milliseconds: number, promises: readonly Promise<void>[]): Promise<void> {
  let deadline: Deadline | undefined;
  const late = new Promise<void>((resolve) => (deadline = new Deadline(milliseconds, resolve)));
  await Promise.race([Promise.all(promises), late]);
  deadline?.clear();
}
