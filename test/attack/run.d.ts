import type { Row } from "./rows.js";

/** The cost of an attack to its victim: memory in bytes, times in milliseconds. */
export interface Figures {
  /** "serves", or what happened to the victim. */
  readonly outcome: string;
  /** The number of bytes that the attacker sent. */
  readonly sent?: number;
  /** How many of its connections are open at the end. */
  readonly open?: number;
  readonly cpu?: number;
  readonly rss?: number;
  readonly external?: number;
  /** Event-loop delay. */
  readonly max?: number;
  readonly p99?: number;
}

export type Echo = Required<Pick<Figures, "cpu" | "max">>;

export function attack(row: Row, subject: string, quick: boolean): Promise<Figures>;
/** Undefined if the victim fails even an honest echo. */
export function honest(row: Row, subject: string, bytes: number, quick: boolean): Promise<Echo | undefined>;
export function excess(row: Row, figures: Figures, echo: Echo | undefined): string[];
