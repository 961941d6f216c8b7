// `npm start`: the decoded recordings, and the inspector's page.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";

const script = fileURLToPath(new URL("../../scripts/start.js", import.meta.url));
const ADDRESS = /The inspector is at (http:\/\/127\.0\.0\.1:\d+\/) \(press Ctrl-C to stop\)\n/;

/** Starts the script, and waits for the line with the URL of the page. */
async function start(from: "stdout" | "stderr") {
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let printed = "";
  child[from].setEncoding("utf8").on("data", (text: string) => (printed += text));
  // Like `head`.
  if (from === "stderr") child.stdout.destroy();
  await expect.poll(() => printed, { timeout: 30_000 }).toMatch(ADDRESS);
  return { child, printed, url: ADDRESS.exec(printed)![1]! };
}

describe("npm start", { timeout: 60_000 }, () => {
  test("prints and exits with --once", () => {
    const printed = execFileSync(process.execPath, [script, "--once"], { encoding: "utf8" });
    expect(printed).toContain("error at byte 324: Text must be valid UTF-8 (RFC 6455 §8.1)");
    expect(printed).not.toMatch(ADDRESS);
  });

  test("serves the page until SIGINT without --once", async () => {
    const { child, printed, url } = await start("stdout");
    expect(printed).toContain("The first recording again, with one bit flipped");
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("<title>wsframe inspector</title>");
    const ended = once(child, "exit");
    child.kill("SIGINT");
    expect(await ended).toEqual([0, null]);
  });

  test("serves the page even if stdout is closed", async () => {
    const { child, url } = await start("stderr");
    expect((await fetch(url)).status).toBe(200);
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([0, null]);
  });
});
