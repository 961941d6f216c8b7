// The documentation site: the Markdown pages of the repository, and the inspector. `npm run site` builds it.

import { readFileSync } from "node:fs";
import { slug } from "github-slugger";
import { defineConfig } from "vitepress";
import { plainBraces, siteLinks } from "./links.ts";
import { excluded, root, routeOf, sidebar, titleOf } from "./pages.ts";

const { version, description, repository } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as {
  version: string;
  description: string;
  repository?: string | { url: string };
};
/** The URL of the repository, if package.json has one. */
const repositoryUrl = (typeof repository === "string" ? repository : repository?.url)
  ?.replace(/^github:/, "https://github.com/")
  .replace(/^git\+/, "")
  .replace(/\.git$/, "");

export default defineConfig({
  title: "wsframe",
  description,
  lang: "en",
  srcDir: root,
  srcExclude: excluded(),
  outDir: `${root}build/site`,
  cacheDir: `${root}build/site-cache`,
  rewrites: (file) => routeOf(file),
  transformHead: ({ siteData: { base } }) => [
    ["link", { rel: "icon", href: `${base}icon.svg`, type: "image/svg+xml" }],
  ],
  vite: {
    publicDir: `${root}build/site-public`,
    build: { chunkSizeWarningLimit: 4096 },
    // By default, `--dev` searches all HTML files of the repository for dependencies.
    optimizeDeps: { entries: [] },
  },
  markdown: {
    // The pages follow GitHub: its anchors, and no attributes in braces.
    anchor: { slugify: slug },
    attrs: { disable: true },
    theme: { light: "github-light-high-contrast", dark: "github-dark" },
    config(md) {
      siteLinks(md, repositoryUrl);
      plainBraces(md);
    },
  },
  transformPageData({ filePath }) {
    const title = titleOf(filePath);
    return title === undefined ? undefined : { title };
  },
  themeConfig: {
    logo: { src: "/icon.svg", alt: "" },
    nav: [
      { text: "Guide", link: "/guide", activeMatch: "^/guide" },
      { text: "API", link: "/api" },
      { text: "Playground", link: "/playground" },
      { text: version, link: "/changelog" },
    ],
    sidebar: sidebar(),
    outline: { level: [2, 3], label: "On this page" },
    search: { provider: "local" },
    docFooter: { prev: "Previous", next: "Next" },
    ...(repositoryUrl !== undefined && {
      socialLinks: [{ icon: "github", link: repositoryUrl }],
      editLink: { pattern: `${repositoryUrl}/edit/HEAD/:path` },
    }),
  },
});
