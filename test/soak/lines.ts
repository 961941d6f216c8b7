// The processes of a soak exchange lines of JSON. A process ends when its input ends.

import { createInterface } from "node:readline";
import { type Sample, Vitals } from "./vitals.ts";
import type { Order } from "./order.ts";
import type { Report } from "./report.ts";

/** Messages from the main process. */
export type Said =
  | { readonly type: "order"; readonly order: Order }
  | { readonly type: "forget"; readonly id: number }
  | { readonly type: "sample" };

/** Messages to the main process. */
export type Heard =
  | { readonly type: "ready"; readonly ports: Readonly<Record<string, number>> }
  | { readonly type: "accepted"; readonly id: number }
  | { readonly type: "report"; readonly id: number; readonly report: Report }
  | { readonly type: "sample"; readonly sample: Sample };

export function say(heard: Heard): void {
  process.stdout.write(`${JSON.stringify(heard)}\n`);
}

export interface Answers {
  order(order: Order): void;
  forget?(id: number): void;
  /** The number of open connections. */
  connections(): number;
}

/** Reports that the process is ready, and follows orders from then on. */
export function obey(ports: Readonly<Record<string, number>>, answers: Answers): void {
  const vitals = new Vitals();
  const lines = createInterface(process.stdin);
  lines.on("line", (line) => {
    const said = JSON.parse(line) as Said;
    if (said.type === "order") answers.order(said.order);
    else if (said.type === "forget") answers.forget?.(said.id);
    else say({ type: "sample", sample: vitals.sample(answers.connections()) });
  });
  lines.on("close", () => process.exit());
  say({ type: "ready", ports });
}
