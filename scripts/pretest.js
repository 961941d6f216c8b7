// Runs npm run build:check and npm run lint in parallel: node scripts/pretest.js

import { spawn } from "node:child_process";
import { once } from "node:events";

const codes = await Promise.all(
  ["build:check", "lint"].map(async (script) => {
    const [code] = await once(spawn("npm", ["run", "--silent", script], { stdio: "inherit" }), "close");
    if (code !== 0) console.error(`npm run ${script} failed`);
    return code;
  }),
);
if (codes.some((code) => code !== 0)) process.exitCode = 1;
