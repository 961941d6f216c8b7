// The orders that the command sends to the process that runs targets, and the report that it gets back.

import type { AssemblyFile } from "./coverage.ts";
import type { TargetSettings } from "./settings.ts";

export interface Orders {
  readonly targets: readonly string[];
  readonly settings: TargetSettings;
  readonly seed: number;
  /** JSON has no Infinity, so undefined means no limit. */
  readonly seconds?: number;
  readonly units?: number;
  /** The file for a case that takes longer than `longest`, in ms. The process then exits. */
  readonly stuck: string;
  readonly longest: number;
  /** The folder for findings. Without it, findings are not shrunk, and the first one ends the run. */
  readonly findings?: string;
  readonly corpus?: string;
  /** Files with findings to run again. Nothing else runs then. */
  readonly replay?: readonly string[];
  /** The marks in assembly/. If undefined, nothing is marked. */
  readonly marks?: readonly AssemblyFile[];
  /** Whether to print unreached lines. */
  readonly unreached?: boolean;
}

/** The first finding of a run that looks for only one. */
export interface Told {
  readonly finding: string;
  readonly cases: number;
}
