// Builds the documentation site into build/site/: node scripts/site.js [--dev | --preview] [--base /path/] [--out folder]. --dev serves
// the sources, --preview the built site. Run the build first, because the playground is the inspector's page.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, rmSync } from "node:fs";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findBroken } from "../docs/site/check.js";
import install from "../docs/site/install.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const site = `${root}docs/site`;
const inspector = `${root}build/inspector/page`;

const { values } = parseArgs({
  options: {
    dev: { type: "boolean", default: false },
    preview: { type: "boolean", default: false },
    base: { type: "string", default: "/" },
    out: { type: "string", default: `${root}build/site` },
  },
});
const { base } = values;
const output = resolve(values.out);
const command = values.dev ? "dev" : values.preview ? "preview" : "build";

if (!existsSync(`${inspector}/index.html`)) {
  console.error("build/inspector/ is not built: run `npm run build` first");
  process.exit(2);
}
install();
const vitepress = `${site}/node_modules/vitepress/bin/vitepress.js`;
if (!existsSync(vitepress)) process.exit(1);

// Files that the site serves unchanged: the inspector's page and its icon.
const served = `${root}build/site-public`;
rmSync(served, { recursive: true, force: true });
cpSync(inspector, `${served}/decoder`, { recursive: true });
cpSync(`${inspector}/icon.svg`, `${served}/icon.svg`);

const { status } = spawnSync(process.execPath, [vitepress, command, site, "--base", base, "--outDir", output], {
  stdio: "inherit",
});
if (status !== 0) process.exit(status ?? 1);

if (command === "build") {
  const broken = findBroken(output, base);
  for (const { page, link, why } of broken) console.error(`${page}: ${link}: ${why}`);
  if (broken.length > 0) process.exit(1);
  console.log(`The site is in ${relative(process.cwd(), output)}/. \`npm run site -- --preview\` serves build/site/.`);
}
