// The recipe of docs/frameworks.md replaces the line BLOCK. The rest starts a Chromium that it connects to.
import { launch } from "puppeteer-core";

const chromium = await launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run"],
  debuggingPort: 8080,
});

// BLOCK

await chromium.close();
