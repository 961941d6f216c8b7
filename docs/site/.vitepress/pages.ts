// The pages of the site: their files, their addresses and their places in the sidebar.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../../", import.meta.url));

const GUIDE = "docs/guide.md";

/** The sidebar: titles of groups, and files with the titles of their pages. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "Start here": {
    "README.md": "Introduction",
    [GUIDE]: "Guide",
    "docs/migrating.md": "Migrating from ws",
    "docs/frameworks.md": "Frameworks",
    "examples/README.md": "Examples",
    "docs/load.md": "Load generator",
    "docs/inspector.md": "Inspector",
  },
  Reference: {
    "docs/api.md": "API",
  },
  Understand: {
    "docs/architecture.md": "Architecture",
    "docs/conformance.md": "Conformance",
    "docs/security.md": "Security",
    "docs/reliability.md": "Reliability",
    "docs/benchmarks.md": "Benchmarks",
  },
  Project: {
    "CHANGELOG.md": "Changelog",
    "CONTRIBUTING.md": "Contributing",
    "SECURITY.md": "Reporting a vulnerability",
  },
};

/** Pages whose address is not the name of their file. */
const ROUTES: Readonly<Record<string, string>> = {
  "README.md": "introduction.md",
  "examples/README.md": "examples/index.md",
  // docs/security.md is security.md.
  "SECURITY.md": "vulnerabilities.md",
};

/** A page in the sidebar, with those below it. */
export interface Item {
  text: string;
  link: string;
  items?: Item[];
}

/** The sidebar. The last group also gets every other page of docs/. */
export function sidebar(): { text: string; items: Item[] }[] {
  const placed = new Set([...Object.values(GROUPS).flatMap((pages) => Object.keys(pages)), ...guidePages().keys()]);
  const rest = markdownIn("docs").filter((file) => !placed.has(file));
  const groups = Object.entries(GROUPS).map(([text, pages]) => ({
    text,
    items: Object.entries(pages).map(([file, title]) => itemOf(file, title)),
  }));
  groups.at(-1)!.items.push(...rest.map((file) => itemOf(file, headingOf(file))));
  return groups;
}

function itemOf(file: string, text: string): Item {
  const item: Item = { text, link: `/${routeOf(file).replace(/(index)?\.md$/, "")}` };
  if (file === GUIDE) item.items = [...guidePages()].map(([page, title]) => itemOf(page, title));
  return item;
}

/** The pages of the guide with their titles, in the order of the list on its first page. */
function guidePages(): Map<string, string> {
  const list = readFileSync(`${root}${GUIDE}`, "utf8").matchAll(/^ *- \[[^\]]+\]\((guide\/[^)#]+\.md)\)/gm);
  const files = new Set([...[...list].map(([, path]) => `docs/${path}`), ...markdownIn("docs/guide")]);
  return new Map([...files].map((file) => [file, headingOf(file)]));
}

function headingOf(file: string): string {
  return /^# (.*)$/m.exec(readFileSync(`${root}${file}`, "utf8"))?.[1]?.replaceAll("`", "") ?? file;
}

export function titleOf(file: string): string | undefined {
  return Object.values(GROUPS).find((pages) => file in pages)?.[file] ?? guidePages().get(file);
}

/** The address of a file on the site, as a path with `.md`: `examples/echo.mjs` is `examples/echo-mjs.md`. */
export function routeOf(file: string): string {
  const page = file.endsWith(".md") ? file : `${file.replaceAll(".", "-")}.md`;
  return ROUTES[page] ?? page.replace(/^docs\/(site\/)?/, "").toLowerCase();
}

/** Whether the site has a page for a file of the repository. */
export function hasPage(file: string): boolean {
  return titleOf(file) !== undefined || markdownIn("docs").includes(file) || programs().includes(file);
}

/** The files in examples/. The source of each is a page. */
export function programs(): string[] {
  return readdirSync(`${root}examples`, { recursive: true, encoding: "utf8" })
    .map((name) => `examples/${name.replaceAll("\\", "/")}`)
    .filter((file) => /\.(mjs|js|html|capnp)$/.test(file) && !file.includes("node_modules"))
    .filter((file) => statSync(`${root}${file}`).isFile());
}

/** Files and folders of the repository that are not pages, as patterns. */
export function excluded(): string[] {
  const entries = readdirSync(root, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && !["docs", "examples"].includes(entry.name));
  const files = entries.filter(({ name }) => name.endsWith(".md") && titleOf(name) === undefined);
  return [...folders.map(({ name }) => `${name}/**`), ...files.map(({ name }) => name)];
}

/** The Markdown files of a folder and the folders in it, except those of the site itself. */
function markdownIn(folder: string): string[] {
  return readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((file) => !file.startsWith("docs/site/"));
}
