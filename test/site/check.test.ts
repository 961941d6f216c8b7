// The check of the links of the built site.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findBroken } from "../../docs/site/check.js";

/** The broken links of a site with these files, each as "page: link". */
function brokenIn(files: Readonly<Record<string, string>>, base?: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), "site-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return findBroken(folder, base).map(({ page, link }) => `${page}: ${link}`);
}

test("finds a page, an anchor, an image and a script that are missing", () => {
  const page =
    '<a href="/no.html">a</a> <a href="#no">b</a> <a href="other.html#no">c</a> <img src="/no.png"> <script src="no.js"></script>';
  expect(brokenIn({ "index.html": page, "other.html": '<h2 id="yes">' })).toEqual([
    "index.html: /no.html",
    "index.html: #no",
    "index.html: other.html#no",
    "index.html: /no.png",
    "index.html: no.js",
  ]);
});

test("accepts links to pages, anchors, folders with a page, and other sites", () => {
  const page = `
    <h2 id="here"></h2><a href="#here">a</a> <a href="/sub/">b</a> <a href="sub/page.html?x#a%20b">c</a> <a href="/">d</a>
    <a href="https://example.com/#x">e</a> <a href="mailto:a@example.com">f</a> <a href="//example.com/x">g</a>`;
  expect(
    brokenIn({
      "index.html": page,
      "sub/index.html": '<a href="../index.html#here">',
      "sub/page.html": '<p id="a b">',
    }),
  ).toEqual([]);
});

test("looks at tags only, not at code that shows one", () => {
  expect(brokenIn({ "index.html": '<code>&lt;a href=&quot;no.html&quot;&gt; href="no.html"</code>' })).toEqual([]);
});

test("below a base, a link must start with it", () => {
  const files = { "index.html": '<a href="/project/page.html">a</a> <a href="/page.html">b</a>', "page.html": "" };
  expect(brokenIn(files, "/project/")).toEqual(["index.html: /page.html"]);
});
