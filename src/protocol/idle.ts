// Frees the compression contexts of idle connections.

/** A connection with a compression context. Protocol implements it. @internal */
export interface Releasing {
  /** In milliseconds; Infinity means never. */
  readonly releaseAfter: number;
  release(): void;
}

/** Calls a function every `ms` milliseconds. Returns a function that stops it. @internal */
export type Every = (ms: number, call: () => void) => () => void;

/** Connections with the same `releaseAfter`. */
interface Group {
  /** Connections that have sent something since the last tick. */
  recent: Set<Releasing>;
  /** Connections that sent something in the previous period, and nothing since. */
  before: Set<Releasing>;
  readonly stop: () => void;
}

/**
 * Calls release() when a connection has sent nothing for one to two times its `releaseAfter`. Connections with the same value
 * share a timer, which runs only while one of them holds a context. @internal
 */
export class IdleRelease {
  readonly #every: Every;
  readonly #groups: Map<number, Group> = new Map();

  constructor(every: Every) {
    this.#every = every;
  }

  /** The connection sends something compressed. */
  used(one: Releasing): void {
    const { releaseAfter } = one;
    if (releaseAfter === Infinity) return;
    let group = this.#groups.get(releaseAfter);
    if (group === undefined) {
      const stop = this.#every(releaseAfter, () => this.#tick(releaseAfter));
      this.#groups.set(releaseAfter, (group = { recent: new Set(), before: new Set(), stop }));
    }
    group.recent.add(one);
  }

  /** The connection has ended. */
  forget(one: Releasing): void {
    const group = this.#groups.get(one.releaseAfter);
    if (group === undefined) return;
    group.recent.delete(one);
    group.before.delete(one);
    this.#stopIfEmpty(one.releaseAfter, group);
  }

  #tick(releaseAfter: number): void {
    const group = this.#groups.get(releaseAfter)!;
    const { recent, before } = group;
    for (const one of before) if (!recent.has(one)) one.release();
    group.before = recent;
    group.recent = new Set();
    this.#stopIfEmpty(releaseAfter, group);
  }

  #stopIfEmpty(releaseAfter: number, { recent, before, stop }: Group): void {
    if (recent.size > 0 || before.size > 0) return;
    stop();
    this.#groups.delete(releaseAfter);
  }
}
