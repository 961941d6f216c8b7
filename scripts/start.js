// Shows what the package can do: node scripts/start.js [--once]. Run the build first. It prints recorded connections, then
// serves the inspector's page until it is interrupted; with --once it ends when it has printed.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const captures = "test/fixtures/captures";

/** What to show, with how many frames per direction. */
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
  console.error("dist/ or build/ is not built: run `npm run build` first");
  process.exit(2);
}

const colors = process.stdout.isTTY && !process.env.NO_COLOR;

function headline(title, notes) {
  const rule = "═".repeat(Math.min(process.stdout.columns ?? 100, 100));
  const bold = colors ? (text) => `\x1b[1m${text}\x1b[22m` : (text) => text;
  process.stdout.write(`${rule}\n${bold(title)}\n${notes}\n\n`);
}

/** Runs the command from the root of the package, so that the files have short names. */
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

// Whoever reads may stop early, as `head` does. With --once there is nothing left to do then.
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

// A message of one byte a frame, in which "ß" is cut in two. This is the payload of the second half.
const LAST_BYTE_OF_SHARP_S = 324;
const broken = readFileSync(`${root}${captures}/ws-ws-fragments/client.bin`);
broken[LAST_BYTE_OF_SHARP_S] ^= 0x40;
headline(
  "The first of them once more, with one bit flipped",
  "Half a character in a frame of its own is wrong: the error stands where it is, and what came before counts.",
);
wsframe(["-", "--limit", "0", "--no-speed"], 1, broken);

if (!once) {
  const { startInspector } = await import(new URL("../build/inspector/server.js", import.meta.url).href);
  const { url, close } = await startInspector({ page: new URL("../build/inspector/page/", import.meta.url) });
  const line = `The inspector is at ${url} until Ctrl-C\n`;
  // Written once before, so that it is known whether anybody reads.
  process.stdout.write("", () => (isRead ? process.stdout : process.stderr).write(line));
  const end = () => {
    // A page that does not answer is not waited for.
    setTimeout(() => process.exit(), 1000).unref();
    void close().then(() => process.exit());
  };
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
}
