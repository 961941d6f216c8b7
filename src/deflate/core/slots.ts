// Places in the core's memory that connections take turns in. The one that has not been used for longest is given away.

/** Somebody who works in a slot. */
export interface SlotUser {
  /** The number of its slot, -1 while it has none. Set by Slots. */
  place: number;
  /** Its slot is about to be given to another: time to copy what it needs. */
  leave(): void;
}

/** @internal */
export class Slots {
  readonly #users: (SlotUser | undefined)[];
  /** When each was last used, on a clock that counts uses. */
  readonly #used: number[];
  #clock = 0;

  constructor(count: number) {
    this.#users = Array.from({ length: count }, () => undefined);
    this.#used = Array.from({ length: count }, () => 0);
  }

  /** Takes note that a user works in its slot. Returns whether another user has worked in another meanwhile. */
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

  /** Takes a user's slot back, if it has one. The next who needs one gets it. */
  free(user: SlotUser): void {
    const { place } = user;
    if (place < 0) return;
    this.#users[place] = undefined;
    this.#used[place] = 0;
    user.place = -1;
  }
}
