/** The most that an attack may cost: bytes, and multiples of an honest echo. */
export interface Budget {
  readonly sent: number;
  readonly rss: number;
  readonly external: number;
  readonly cpu: number;
  readonly delay: number;
}

export interface Row {
  /** The name for `npm run attack -- NAME`. */
  readonly name: string;
  /** A short description. */
  readonly title: string;
  /** Its name in attacks.js. */
  readonly attack: string;
  /** The role of the victim. */
  readonly role: "server" | "client";
  readonly subjects: readonly string[];
  readonly connections: number;
  /** The behaviour of the victim: see victim.js. */
  readonly behaviour: "echo" | "large" | "broadcast" | "unread";
  /** The options of the victim. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Header fields of the attacker's handshakes. */
  readonly lines: readonly string[];
  readonly budget: Budget;
}

export const rows: readonly Row[];
