// Demonstrates the package: node scripts/start.js [--once]. Run the build first. Prints decoded recordings, then serves
// the
// inspector's page until Ctrl-C. With --once, it stops after printing.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const captures = "test/fixtures/captures";

/** The recordings to show, with the number of frames per direction. */
const SHOWN = [
  ["ws-ws-fragments", 14],
  ["chromium-ws-burst", 8],
  ["websocket-client-flask-sock-gevent", 12],
];

const args = process.argv.slice(2);
if (args.some((arg) => arg !== "--once")) {
  console.error("Usage: node scripts/start.js [--once]");
  process.exit(2);
}
const once = args.length > 0;
if (!existsSync(`${root}dist/cli.js`) || !existsSync(`${root}build/inspector/server.js`)) {
  console.error("dist/ or build/ is missing: run `npm run build` first");
  process.exit(2);
}

const colors = process.stdout.isTTY && !process.env.NO_COLOR;

function headline(title, notes) {
  const rule = "═".repeat(Math.min(process.stdout.columns ?? 100, 100));
  const bold = colors ? (text) => `\x1b[1m${text}\x1b[22m` : (text) => text;
  process.stdout.write(`${rule}\n${bold(title)}\n${notes}\n\n`);
}

/** Runs the command in the root of the package, so that file names are short. */
function wsframe(inspectArgs, expected, input) {
  const result = spawnSync(process.execPath, ["dist/cli.js", "inspect", ...inspectArgs], {
    cwd: root,
    stdio: [input === undefined ? "ignore" : "pipe", "inherit", "inherit"],
    ...(input !== undefined && { input }),
  });
  process.stdout.write("\n");
  if (result.status !== expected) {
    console.error(`wsframe inspect ended with ${result.error ?? result.signal ?? `exit code ${result.status}`}`);
    process.exit(1);
  }
}

// The reader may stop early, as `head` does. With --once, there is nothing left to do then.
let isRead = true;
process.stdout.on("error", () => {
  isRead = false;
  if (once) process.exit();
});

for (const [name, limit] of SHOWN) {
  const meta = JSON.parse(readFileSync(`${root}${captures}/${name}/meta.json`, "utf8"));
  headline(`${meta.client}  ⇄  ${meta.server}`, meta.notes);
  wsframe([`${captures}/${name}`, "--limit", String(limit)], 0);
}

// The message has one byte per frame. This payload is the second half of "ß".
const LAST_BYTE_OF_SHARP_S = 324;
const broken = readFileSync(`${root}${captures}/ws-ws-fragments/client.bin`);
broken[LAST_BYTE_OF_SHARP_S] ^= 0x40;
headline(
  "The first recording again, with one bit flipped",
  "Half a character, in a frame of its own, is wrong. The error shows the wrong byte, and earlier frames are still listed.",
);
wsframe(["-", "--limit", "0", "--no-speed"], 1, broken);

if (!once) {
  const { startInspector } = await import(new URL("../build/inspector/server.js", import.meta.url).href);
  const { url, close } = await startInspector({ page: new URL("../build/inspector/page/", import.meta.url) });
  const line = `The inspector is at ${url} (press Ctrl-C to stop)\n`;
  // Write an empty string first, to find out whether stdout is still open.
  process.stdout.write("", () => (isRead ? process.stdout : process.stderr).write(line));
  const end = () => {
    // Do not wait for a page that does not answer.
    setTimeout(() => process.exit(), 1000).unref();
    void close().then(() => process.exit());
  };
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
}
