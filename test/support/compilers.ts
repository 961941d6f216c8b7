// The compilers that check the types.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));

/** The oldest supported version of TypeScript, and the newest. */
export type Compiler = "typescript-oldest" | "typescript-newest";

/** The compiler's output for a folder with a tsconfig.json. */
export async function compile(compiler: Compiler, project: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [`${modules}/${compiler}/bin/tsc`, "-p", project]);
    return stdout;
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
