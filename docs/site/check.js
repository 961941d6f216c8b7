// Checks the links of the built site. VitePress checks links to pages; this also checks anchors, images, scripts and styles.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { posix } from "node:path";

/**
 * The links that lead nowhere. Links to other sites are not followed.
 * @param {string} folder with the built site
 * @param {string} base its path on the server, such as "/" or "/wsframe/"
 * @returns {{ page: string, link: string, why: string }[]}
 */
export function findBroken(folder, base = "/") {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => name.replaceAll("\\", "/"));
  const pages = new Map(
    names.filter((name) => name.endsWith(".html")).map((name) => [name, read(`${folder}/${name}`)]),
  );
  const broken = [];
  for (const [page, { links }] of pages) {
    for (const link of links) {
      const why = reasonAgainst(link, page);
      if (why !== undefined) broken.push({ page, link, why });
    }
  }
  return broken;

  /** Why a link of a page leads nowhere, if it does. */
  function reasonAgainst(link, page) {
    if (/^([a-z][a-z\d+.-]*:|\/\/)/i.test(link)) return undefined;
    const [address, hash = ""] = link.split("#", 2);
    const path = decodeURI(address.split("?", 1)[0]);
    if (path.startsWith("/") && !path.startsWith(base)) return `it is not below ${base}`;
    const name = path.startsWith("/") ? path.slice(base.length) : posix.join(posix.dirname(page), path);
    const target =
      path === "" ? page : name === "" || name === "." || name.endsWith("/") ? posix.join(name, "index.html") : name;
    const file = `${folder}/${target}`;
    if (!existsSync(file) || !statSync(file).isFile()) return "there is no such file";
    if (hash === "") return undefined;
    return pages.get(target)?.ids.has(decodeURIComponent(hash)) ? undefined : "the page has no such anchor";
  }
}

/** The links and the anchors of a page. In text, `<` is written as `&lt;`, so every match is a tag. */
function read(file) {
  const links = new Set();
  const ids = new Set();
  for (const [tag] of readFileSync(file, "utf8").matchAll(/<[a-z][^<>]*>/gi)) {
    for (const [, name, value] of tag.matchAll(/\s(href|src|id|name)="([^"]*)"/g)) {
      const text = value
        .replaceAll("&quot;", '"')
        .replaceAll("&lt;", "<")
        .replaceAll("&gt;", ">")
        .replaceAll("&amp;", "&");
      if (name === "href" || name === "src") links.add(text);
      else ids.add(text);
    }
  }
  return { links, ids };
}
