// A page for each file of examples/, with its source.

import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { programs, root, routeOf } from "../.vitepress/pages.ts";

const LANGUAGES: Readonly<Record<string, string>> = { ".mjs": "js", ".js": "js", ".html": "html" };

export default {
  paths: () =>
    programs().map((file) => {
      const source = readFileSync(`${root}${file}`, "utf8");
      const language = LANGUAGES[extname(file)] ?? "text";
      return {
        params: { program: routeOf(file).slice("examples/".length, -".md".length) },
        content: `# ${file}\n\n\`\`\`\`${language}\n${source}\`\`\`\`\n`,
      };
    }),
};
