/** What an attack may cost: bytes, and multiples of an honest echo. */
export interface Budget {
  readonly sent: number;
  readonly rss: number;
  readonly external: number;
  readonly cpu: number;
  readonly delay: number;
}

export interface Row {
  /** What `npm run attack -- NAME` takes. */
  readonly name: string;
  /** What is done. */
  readonly title: string;
  /** Its name in attacks.js. */
  readonly attack: string;
  /** What the victim is. */
  readonly role: "server" | "client";
  readonly subjects: readonly string[];
  readonly connections: number;
  /** Of the victim: see victim.js. */
  readonly behaviour: "echo" | "large" | "broadcast" | "unread";
  /** Of the victim. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Header fields of the attacker's handshakes. */
  readonly lines: readonly string[];
  readonly budget: Budget;
}

export const rows: readonly Row[];
