// Starts and watches the process that runs targets.

import { fork } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bundle } from "./bundle/bundle.ts";
import type { Orders, Told } from "./orders.ts";
import type { Stuck } from "./watchdog.ts";

export interface Ended {
  /** The exit code: 0 if there is no finding. */
  readonly code: number;
  /** The last report of the process. */
  readonly told: Told | undefined;
  /** The case that took too long. */
  readonly stuck: Stuck | undefined;
}

export interface ProcessSettings {
  /** The longest time a case may take, in ms. */
  readonly longest: number;
  /** Whether to show the output of the process. */
  readonly shown: boolean;
  /** When to kill the process, in ms. Default: never. */
  readonly killAfter?: number;
}

export async function runOrders(
  bundle: Bundle,
  orders: Omit<Orders, "stuck" | "longest">,
  { longest, shown, killAfter = Infinity }: ProcessSettings,
): Promise<Ended> {
  const stuck = join(bundle.folder, "stuck.json");
  const child = fork(bundle.path, [JSON.stringify({ ...orders, stuck, longest } satisfies Orders)], {
    execArgv: ["--expose-gc", "--enable-source-maps"],
    stdio: shown ? "inherit" : ["ignore", "ignore", "pipe", "ipc"],
    ...(killAfter < Infinity && { timeout: killAfter, killSignal: "SIGKILL" }),
  });
  // The child handles the signal itself and prints its report.
  const interrupted = (): void => {};
  process.on("SIGINT", interrupted);
  let told: Told | undefined;
  let said = "";
  child.on("message", (message) => {
    told = message as Told;
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code) => resolve(code ?? 1));
    });
    if (existsSync(stuck)) return { code, told, stuck: JSON.parse(readFileSync(stuck, "utf8")) as Stuck };
    // A crash of the process is a finding too.
    if (!shown && code !== 0 && told === undefined) told = { finding: said.trim() || "the process ended", cases: 0 };
    return { code, told, stuck: undefined };
  } finally {
    process.off("SIGINT", interrupted);
  }
}
