// Checks that links in the pages lead to existing files and headings.

import { existsSync, readdirSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { pages, parsePage, readPage, root } from "./pages.ts";

/** The broken links of a page. */
function broken(name: string, links: readonly string[]): string[] {
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return !URL.canParse(link);
    const [path = "", anchor] = link.split("#", 2);
    const target = path === "" ? name : posix.join(posix.dirname(name), path);
    if (!existsSync(`${root}${target}`)) return true;
    return anchor !== undefined && !(target.endsWith(".md") && readPage(target).anchors.has(anchor));
  });
}

test.each(pages)("%s", (name) => {
  expect(broken(name, readPage(name).links)).toEqual([]);
});

describe("the check", () => {
  test("finds links, pictures and HTML links, but ignores code", () => {
    const source = '[a](x.md) ![b](y.png) <a href="z">c</a>\n\n`[d](e)`\n\n```text\n[f](g)\n```\n';
    expect(parsePage("page.md", source).links).toEqual(["x.md", "y.png", "z"]);
  });

  test("makes anchors as GitHub does", () => {
    const source = '# A `b` & c\n\n## Same\n\n## Same\n\n<a id="own"></a>\n';
    expect([...parsePage("page.md", source).anchors]).toEqual(["a-b--c", "same", "same-1", "own"]);
  });

  test("reports missing files and headings", () => {
    expect(
      broken("docs/page.md", ["../README.md", "../no.md", "architecture.md#errors", "architecture.md#no"]),
    ).toEqual(["../no.md", "architecture.md#no"]);
  });
});

test("the page of the examples lists every example", () => {
  const { links } = readPage("examples/README.md");
  const names = readdirSync(`${root}examples`).filter((name) => name !== "README.md");
  expect(names.filter((name) => !links.some((link) => link === name || link.startsWith(`${name}/`)))).toEqual([]);
});

test("every page is reachable from the README", () => {
  const reached = new Set(["README.md"]);
  for (const name of reached) {
    for (const link of readPage(name).links) {
      const target = posix.join(posix.dirname(name), link.split("#", 1)[0]!);
      if (pages.includes(target)) reached.add(target);
    }
  }
  expect(pages.filter((name) => !reached.has(name))).toEqual([]);
});
