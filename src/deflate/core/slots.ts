// Shares the slots in the core's memory between connections. The least recently used slot is given away.

/** A connection that uses a slot. */
export interface SlotUser {
  /** The number of its slot; -1 if it has none. Set by Slots. */
  place: number;
  /** The slot is about to be given to another user: copy what you need. */
  leave(): void;
}

/** @internal */
export class Slots {
  readonly #users: (SlotUser | undefined)[];
  /** The last use of each slot, on a clock that counts uses. */
  readonly #used: number[];
  #clock = 0;

  constructor(count: number) {
    this.#users = Array.from({ length: count }, () => undefined);
    this.#used = Array.from({ length: count }, () => 0);
  }

  /** Records that a user works in its slot. Returns whether another slot was used in between. */
  touch(place: number): boolean {
    const isCold = this.#used[place] !== this.#clock;
    this.#used[place] = ++this.#clock;
    return isCold;
  }

  /** Gives a slot to a user that has none. */
  give(user: SlotUser): void {
    const used = this.#used;
    let place = 0;
    for (let i = 1; i < used.length; i++) if (used[i]! < used[place]!) place = i;
    const before = this.#users[place];
    if (before !== undefined) {
      before.leave();
      before.place = -1;
    }
    this.#users[place] = user;
    user.place = place;
    this.touch(place);
  }

  /** Frees a user's slot, if it has one. It is the next to be given away. */
  free(user: SlotUser): void {
    const { place } = user;
    if (place < 0) return;
    this.#users[place] = undefined;
    this.#used[place] = 0;
    user.place = -1;
  }
}
