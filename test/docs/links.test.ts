// Links in the pages lead somewhere: to a file that is there, to a heading that is there.

import { existsSync, readdirSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { pages, parsePage, readPage, root } from "./pages.ts";

/** Those of a page's links that lead nowhere. */
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

describe("what is looked for", () => {
  test("links, pictures, and those written as HTML; not what stands in code", () => {
    const source = '[a](x.md) ![b](y.png) <a href="z">c</a>\n\n`[d](e)`\n\n```text\n[f](g)\n```\n';
    expect(parsePage("page.md", source).links).toEqual(["x.md", "y.png", "z"]);
  });

  test("anchors as GitHub makes them", () => {
    const source = '# A `b` & c\n\n## Same\n\n## Same\n\n<a id="own"></a>\n';
    expect([...parsePage("page.md", source).anchors]).toEqual(["a-b--c", "same", "same-1", "own"]);
  });

  test("a file or a heading that is not there is found", () => {
    expect(
      broken("docs/page.md", ["../README.md", "../no.md", "architecture.md#errors", "architecture.md#no"]),
    ).toEqual(["../no.md", "architecture.md#no"]);
  });
});

test("every example stands on the page of the examples", () => {
  const { links } = readPage("examples/README.md");
  const names = readdirSync(`${root}examples`).filter((name) => name !== "README.md");
  expect(names.filter((name) => !links.some((link) => link === name || link.startsWith(`${name}/`)))).toEqual([]);
});

test("every page is linked from the README, or from a page that is", () => {
  const reached = new Set(["README.md"]);
  for (const name of reached) {
    for (const link of readPage(name).links) {
      const target = posix.join(posix.dirname(name), link.split("#", 1)[0]!);
      if (pages.includes(target)) reached.add(target);
    }
  }
  expect(pages.filter((name) => !reached.has(name))).toEqual([]);
});
