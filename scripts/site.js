// The documentation site: node scripts/site.js [--dev | --preview] [options of VitePress]. Without either it is built into
// build/site/. Run the build first: the playground is the inspector's page.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findBroken } from "../site/check.js";
import { install } from "../test/support/install.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const site = `${root}site`;
const output = `${root}build/site`;
const inspector = `${root}build/inspector/page`;

const args = process.argv.slice(2);
const command = args.includes("--dev") ? "dev" : args.includes("--preview") ? "preview" : "build";
const options = args.filter((arg) => arg !== "--dev" && arg !== "--preview");

if (!existsSync(`${inspector}/index.html`)) {
  console.error("build/inspector/ is not built: run `npm run build` first");
  process.exit(2);
}
install(site, "VitePress");
const vitepress = `${site}/node_modules/vitepress/bin/vitepress.js`;
if (!existsSync(vitepress)) process.exit(1);

// What the site serves as it is: the inspector's page and its icon.
const served = `${root}build/site-public`;
rmSync(served, { recursive: true, force: true });
cpSync(inspector, `${served}/decoder`, { recursive: true });
cpSync(`${inspector}/icon.svg`, `${served}/icon.svg`);

const { status } = spawnSync(process.execPath, [vitepress, command, site, ...options], { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);

if (command === "build") {
  const at = options.indexOf("--base");
  const broken = findBroken(output, at === -1 ? "/" : options[at + 1]);
  for (const { page, link, why } of broken) console.error(`${page}: ${link}: ${why}`);
  if (broken.length > 0) process.exit(1);
  console.log(`The site is in build/site/. \`npm run site -- --preview\` serves it.`);
}
