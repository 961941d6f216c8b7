// Skips single slow tests in the chosen files if fast tests cover the same code.

import { readFileSync } from "node:fs";
import type { RunnerTask, RunnerTestFile } from "vitest";
import { TestRunner } from "vitest";

interface Folder {
  /** Parts of test names. */
  readonly without?: readonly string[];
}

const folders: Record<string, Folder> = JSON.parse(readFileSync(new URL("folders.json", import.meta.url), "utf8"));
const without = folders[process.env["MUTATED_FOLDER"] ?? ""]?.without ?? [];

export default class QuickRunner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    for (const file of files) leaveOut(file.tasks);
  }
}

function leaveOut(tasks: RunnerTask[]): void {
  for (const task of tasks) {
    if (without.some((name) => task.name.includes(name))) task.mode = "skip";
    else if (task.type === "suite") leaveOut(task.tasks);
  }
}
