// Sends questions to a forked process, one at a time, and receives its answers.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** How long an answer may take, in milliseconds, because a lost message would be awaited forever. */
const PATIENCE = 120_000;

/**
 * @param {string} file a file name in this folder
 * @param {readonly string[]} args
 * @param {{ execPath?: string, execArgv?: string[] }} [options]
 */
export function start(file, args, options = {}) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, options);
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`${file} ${args.join(" ")} ended with ${code ?? signal}`);
  });
  // ask() reports the error.
  ended.catch(() => {});
  return {
    /** @returns {Promise<any>} the answer */
    async ask(name, about = {}) {
      const answered = once(child, "message", { signal: AbortSignal.timeout(PATIENCE) });
      child.send({ name, about });
      return (await Promise.race([answered, ended]))[0];
    },
    async stop() {
      child.kill("SIGKILL");
      await ended.catch(() => {});
    },
  };
}

/** In the forked process. @param {Record<string, (about: any) => unknown>} answers by question name */
export function answer(answers) {
  process.on("message", async ({ name, about }) => {
    process.send?.((await answers[name](about)) ?? "done");
  });
}
