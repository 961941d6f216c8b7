// The compilers that the types are tested with.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));

/** The oldest version of TypeScript that is supported, and the newest. */
export type Compiler = "typescript-oldest" | "typescript-newest";

/** What the compiler has to say of a folder with a tsconfig.json. */
export async function compile(compiler: Compiler, project: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [`${modules}/${compiler}/bin/tsc`, "-p", project]);
    return stdout;
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
