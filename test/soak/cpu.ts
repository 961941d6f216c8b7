// Measures the processor time of all child processes.

import { readdirSync, readFileSync } from "node:fs";

/** The value of Linux on almost all machines. */
const TICKS = 100;

interface Process {
  readonly id: number;
  readonly parent: number;
  readonly seconds: number;
}

function read(id: string): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, "latin1");
    // The name may contain anything, so fields are counted after it.
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const [, parent] = fields;
    const [user, system, endedUser, endedSystem] = fields.slice(11, 15);
    return { id: Number(id), parent: parent!, seconds: (user! + system! + endedUser! + endedSystem!) / TICKS };
  } catch {
    // The process has ended meanwhile.
    return undefined;
  }
}

/** The time in seconds, including this process. */
export function cpuOfChildren(): number {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(read)
    .filter((found) => found !== undefined);
  let sum = 0;
  const add = (process: Process): void => {
    sum += process.seconds;
    for (const child of all) if (child.parent === process.id) add(child);
  };
  for (const process_ of all) if (process_.id === process.pid) add(process_);
  return sum;
}
