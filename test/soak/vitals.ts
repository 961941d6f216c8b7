// Samples the memory, handles and event-loop delay of this process.

import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

/** Figures in bytes, counts and milliseconds. */
export interface Sample {
  /** The JavaScript heap, right after a garbage collection. */
  readonly heap: number;
  readonly rss: number;
  readonly external: number;
  /** Open file descriptors, and the handles that keep the event loop alive. */
  readonly files: number;
  readonly handles: number;
  /** How late timers are. */
  readonly p50: number;
  readonly p99: number;
  /** Processor time since the process began, in seconds. */
  readonly cpu: number;
  /** The number of open connections. */
  readonly connections: number;
}

/** The interval of the watched timer, in milliseconds. */
const RESOLUTION = 10;

export class Vitals {
  readonly #delays: ReturnType<typeof monitorEventLoopDelay> = monitorEventLoopDelay({ resolution: RESOLUTION });

  constructor() {
    this.#delays.enable();
  }

  /** How late timers have been since the last call, in milliseconds. */
  late(): { p50: number; p99: number } {
    const late = (percentile: number): number =>
      this.#delays.count === 0 ? 0 : Math.max(this.#delays.percentile(percentile) / 1e6 - RESOLUTION, 0);
    const found = { p50: late(50), p99: late(99) };
    this.#delays.reset();
    return found;
  }

  sample(connections: number): Sample {
    const { p50, p99 } = this.late();
    // Objects that the first collection found dead may have kept others alive, such as external memory.
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, rss, external } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    // The collections are not part of the load.
    this.#delays.reset();
    return {
      heap: heapUsed,
      rss,
      external,
      files: readdirSync("/proc/self/fd").length,
      handles: process.getActiveResourcesInfo().length,
      p50,
      p99,
      cpu: (user + system) / 1e6,
      connections,
    };
  }
}
