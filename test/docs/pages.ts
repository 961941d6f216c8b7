// The Markdown pages for readers, with their code blocks, links and link targets.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import GithubSlugger from "github-slugger";
import { marked, type Token } from "marked";

export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** All pages, including any that are added later. */
export const pages: readonly string[] = ["", "docs/", "docs/guide/", "examples/"].flatMap((folder) =>
  readdirSync(`${root}${folder}`)
    .filter((file) => file.endsWith(".md"))
    .map((file) => `${folder}${file}`),
);

export interface Block {
  /** The position: "README.md:12". */
  readonly place: string;
  /** The language after the fence; "" for a fence without one and for indented blocks. */
  readonly language: string;
  readonly code: string;
  /** The parts of the comment right before it, `<!-- directive: argument -->`. */
  readonly directive: string;
  readonly argument: string;
}

export interface Page {
  readonly name: string;
  readonly blocks: readonly Block[];
  /** The targets of links and pictures. */
  readonly links: readonly string[];
  readonly anchors: ReadonlySet<string>;
}

const read = new Map<string, Page>();

export function readPage(name: string): Page {
  const page = read.get(name) ?? parsePage(name, readFileSync(`${root}${name}`, "utf8"));
  read.set(name, page);
  return page;
}

export function parsePage(name: string, source: string): Page {
  const tokens = marked.lexer(source);
  const slugger = new GithubSlugger();
  const blocks: Block[] = [];
  const links: string[] = [];
  const anchors = new Set<string>();
  let comment = "";
  let at = 0;
  marked.walkTokens(tokens, (token) => {
    // Tokens come in the order of the page. Nested ones begin at or after the start of their parents.
    const found = source.indexOf(token.raw, at);
    if (found >= 0) at = found;
    if (token.type === "heading") anchors.add(slugger.slug(textOf(token)));
    if (token.type === "link" || token.type === "image") links.push(token.href as string);
    if (token.type === "html") {
      comment = /^<!--\s*(.*?)\s*-->\s*$/s.exec(token.raw)?.[1] ?? "";
      links.push(...[...token.raw.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, target]) => target!));
      for (const [, id] of token.raw.matchAll(/\s(?:id|name)="([^"]*)"/g)) anchors.add(id!);
    } else if (token.type === "code") {
      const line = source.slice(0, at).split("\n").length;
      const [, directive = "", argument = ""] = /^([^:]*):?\s*(.*)$/s.exec(comment) ?? [];
      const { lang = "", text } = token as { lang?: string; text: string };
      blocks.push({ place: `${name}:${line}`, language: lang, code: text, directive, argument });
    }
    if (token.type !== "html" && token.type !== "space") comment = "";
  });
  return { name, blocks, links, anchors };
}

/** The text of a heading as displayed. */
function textOf(token: Token): string {
  if ("tokens" in token && token.tokens) return token.tokens.map((each) => textOf(each)).join("");
  return token.type === "html" ? "" : ((token as { text?: string }).text ?? "");
}
