// The pages of the site: which file each is made of, where it is, and its place in the sidebar.

import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** The sidebar: titles of groups, and files with the titles of their pages. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "Start here": {
    "README.md": "Introduction",
    "docs/guide.md": "Guide",
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
  // docs/security.md has the name.
  "SECURITY.md": "vulnerabilities.md",
};

/** A group of the sidebar. */
export interface Group {
  readonly text: string;
  readonly items: readonly { readonly text: string; readonly link: string }[];
}

/** The sidebar. A page of docs/ that has no place in it is put into the last group, under the name of its file. */
export function sidebar(): Group[] {
  const placed = new Set(Object.values(GROUPS).flatMap((pages) => Object.keys(pages)));
  const rest = markdownIn("docs").filter((file) => !placed.has(file));
  const groups = Object.entries(GROUPS).map(([text, pages]) => ({ text, items: Object.entries(pages).map(itemOf) }));
  groups.at(-1)!.items.push(...rest.map((file) => itemOf([file, file.slice("docs/".length, -".md".length)])));
  return groups;
}

function itemOf([file, text]: [file: string, text: string]): { text: string; link: string } {
  return { text, link: `/${routeOf(file).replace(/(index)?\.md$/, "")}` };
}

/** The title of a page in the sidebar. */
export function titleOf(file: string): string | undefined {
  return Object.values(GROUPS).find((pages) => file in pages)?.[file];
}

/** Where a file is on the site, as a path with `.md`: `examples/echo.mjs` is `examples/echo-mjs.md`. */
export function routeOf(file: string): string {
  const page = file.endsWith(".md") ? file : `${file.replaceAll(".", "-")}.md`;
  return ROUTES[page] ?? page.replace(/^(docs|site)\//, "").toLowerCase();
}

/** Whether a file of the repository is a page, or is shown on one. */
export function hasPage(file: string): boolean {
  return titleOf(file) !== undefined || markdownIn("docs").includes(file) || programs().includes(file);
}

/** Files in examples/, whose source is a page each. */
export function programs(): string[] {
  return readdirSync(`${root}examples`, { recursive: true, encoding: "utf8" })
    .map((name) => `examples/${name.replaceAll("\\", "/")}`)
    .filter((file) => /\.(mjs|js|html|capnp)$/.test(file) && !file.includes("node_modules"))
    .filter((file) => statSync(`${root}${file}`).isFile());
}

/** What of the repository is no page. */
export function excluded(): string[] {
  const entries = readdirSync(root, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && !["docs", "examples", "site"].includes(entry.name));
  const files = entries.filter(({ name }) => name.endsWith(".md") && titleOf(name) === undefined);
  return [...folders.map(({ name }) => `${name}/**`), ...files.map(({ name }) => name)];
}

function markdownIn(folder: string): string[] {
  return readdirSync(`${root}${folder}`)
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}/${name}`);
}
