// What the command tells the process that runs the targets, and what that tells it back.

import type { AssemblyFile } from "./coverage.ts";
import type { TargetSettings } from "./settings.ts";

export interface Orders {
  readonly targets: readonly string[];
  readonly settings: TargetSettings;
  readonly seed: number;
  /** Infinity does not survive JSON: undefined is no limit. */
  readonly seconds?: number;
  readonly units?: number;
  /** A file to write a case to that takes longer than `longest`, in ms, before the process ends itself. */
  readonly stuck: string;
  readonly longest: number;
  /** Where findings are written: a folder. Without it they are not shrunk either, and the first ends the run. */
  readonly findings?: string;
  readonly corpus?: string;
  /** Files with findings to run again, in place of all else. */
  readonly replay?: readonly string[];
  /** The marks in assembly/. Undefined: nothing is marked. */
  readonly marks?: readonly AssemblyFile[];
  /** Print what was not reached. */
  readonly unreached?: boolean;
}

/** The first finding of a run that only looks for one. */
export interface Told {
  readonly finding: string;
  readonly cases: number;
}
