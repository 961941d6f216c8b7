// A markdown-it plugin that turns links of the repository into links of the site.

import { statSync } from "node:fs";
import { posix, relative } from "node:path";
import type { MarkdownRenderer } from "vitepress";
import { hasPage, root, routeOf, titleOf } from "./pages.ts";

type Rule = Parameters<MarkdownRenderer["core"]["ruler"]["push"]>[1];
type State = Parameters<Rule>[0];
type Token = State["tokens"][number];

/**
 * Points links between pages to their addresses on the site, and links to other files of the repository to `repository`. Without a `repository`, only the text and the path remain.
 * @param repository such as https://github.com/user/project
 */
export function siteLinks(md: MarkdownRenderer, repository: string | undefined): void {
  md.core.ruler.push("site-links", (state) => {
    const { path, realPath = path } = state.env as { path?: string; realPath?: string };
    if (realPath === undefined) return;
    const folder = posix.dirname(relative(root, realPath).replaceAll("\\", "/"));
    for (const token of state.tokens) {
      if (token.children) token.children = rewrite(token.children, folder, repository, state);
    }
  });
}

function rewrite(tokens: readonly Token[], folder: string, repository: string | undefined, state: State): Token[] {
  const rewritten: Token[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    const target = token.type === "link_open" ? targetOf(String(token.attrGet("href")), folder) : undefined;
    if (target === undefined) {
      rewritten.push(token);
      continue;
    }
    // Links do not nest.
    const end = tokens.findIndex(({ type }, index) => index > at && type === "link_close");
    rewritten.push(...rewriteLink(tokens.slice(at, end + 1), target, repository, state));
    at = end;
  }
  return rewritten;
}

interface Target {
  /** From the root of the repository. */
  readonly file: string;
  /** Includes the "#". Empty if there is none. */
  readonly hash: string;
}

function rewriteLink(link: readonly Token[], target: Target, repository: string | undefined, state: State): Token[] {
  const { file, hash } = target;
  const [open, ...rest] = link as [Token, ...Token[]];
  const inside = rest.slice(0, -1);
  const text = inside.map(({ content }) => content).join("");
  /** The text is the path of the file, or its end: "[guide.md](docs/guide.md)". */
  const namesFile = text !== "" && (file === text || file.endsWith(`/${text}`));
  if (hasPage(file)) {
    open.attrSet("href", `/${routeOf(file)}${hash}`);
    const title = namesFile ? titleOf(file) : undefined;
    return title === undefined ? [...link] : [open, textOf(title, state), rest.at(-1)!];
  }
  if (repository !== undefined) {
    open.attrSet("href", `${repository}/${isFolder(file) ? "tree" : "blob"}/HEAD/${file}`);
    return [...link];
  }
  const code = codeOf(file, state);
  return namesFile ? [code] : [...inside, textOf(" (", state), code, textOf(")", state)];
}

/** The file that a link leads to, from the root of the repository; undefined for other sites and for anchors of the same page. */
function targetOf(href: string, folder: string): Target | undefined {
  if (/^([a-z]+:|#|\/)/i.test(href)) return undefined;
  const [path = "", hash] = href.split("#", 2);
  return { file: posix.join(folder, decodeURI(path)).replace(/\/$/, ""), hash: hash === undefined ? "" : `#${hash}` };
}

function isFolder(file: string): boolean {
  return statSync(`${root}${file}`, { throwIfNoEntry: false })?.isDirectory() === true;
}

function codeOf(content: string, state: State): Token {
  const token = new state.Token("code_inline", "code", 0);
  token.content = content;
  token.markup = "`";
  return token;
}

function textOf(content: string, state: State): Token {
  const token = new state.Token("text", "", 0);
  token.content = content;
  return token;
}

/** Keeps Vue from evaluating `{{ }}` in text and code. */
export function plainBraces(md: MarkdownRenderer): void {
  for (const name of ["text", "code_inline"] as const) {
    const render = md.renderer.rules[name]!;
    md.renderer.rules[name] = (...args) => render(...args).replaceAll("{{", "&#123;&#123;");
  }
}
