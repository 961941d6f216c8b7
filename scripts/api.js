// Writes the API reference docs/api.md from the docstrings: node scripts/api.js [--check]. Run the build first, because it reads dist/types.
// With --check it writes nothing. The exit code is 1 if the page is not current or a docstring is missing.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import GithubSlugger from "github-slugger";
import ts from "typescript";

const OPTIONS = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
  types: ["node"],
  skipLibCheck: true,
};

/** The section of an entry for each folder of src/, in this order. Other folders follow under their own names. */
const SECTIONS = {
  protocol: "Messages",
  frame: "Frames",
  handshake: "Opening handshake",
  deflate: "Compression",
  core: "Core",
  crossws: "An adapter of crossws",
  node: "Sockets of Node",
  streams: "Streams",
  ws: "The API of ws",
  websocket: "WebSocket",
};

/**
 * The page for entries of a package, by their names, each with its declaration file.
 * @param {{ name: string, file: string }[]} entries
 * @returns {{ page: string, problems: string[] }}
 */
export function apiPage(entries) {
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    OPTIONS,
  );
  const checker = program.getTypeChecker();
  /** @type {string[]} */
  const problems = [];
  /** The path of the current item, for error messages. */
  let at = "";
  const lines = [];
  const heading = (level, text) => lines.push(`${"#".repeat(level)} ${text}`, "");

  const read = entries.map(({ name, file }) => {
    const module = checker.getSymbolAtLocation(/** @type {ts.Node} */ (program.getSourceFile(file)));
    const found = new Map();
    for (const exported of checker.getExportsOfModule(/** @type {ts.Symbol} */ (module))) {
      const symbol = aliased(exported);
      // The first of several names counts, and `default` only if there is no other.
      if (found.has(symbol) && found.get(symbol).name !== "default") continue;
      found.set(symbol, { name: exported.name, symbol, section: sectionOf(symbol) });
    }
    return { name, sections: inSections([...found.values()]) };
  });

  /** @type {Map<ts.Symbol, string>} The anchors, made before the page in the order of its headings. */
  const targets = new Map();
  const slugger = new GithubSlugger();
  slugger.slug("API reference");
  for (const { name, sections } of read) {
    slugger.slug(name);
    for (const { title, items } of sections) {
      slugger.slug(title);
      for (const item of items) targets.set(item.symbol, slugger.slug(item.name));
    }
  }

  heading(1, "API reference");
  lines.push(
    "`npm run docs` generates this page from the docstrings, and a test checks that it is current. Inherited options and members are",
    "described where they come from.",
    "",
  );
  for (const { name, sections } of read) {
    lines.push(`- \`${name}\``);
    for (const { title, items } of sections) {
      lines.push(`  - ${title}: ${items.map((item) => `[${item.name}](#${targets.get(item.symbol)})`).join(", ")}`);
    }
  }
  lines.push("");
  for (const { name, sections } of read) {
    heading(2, `\`${name}\``);
    for (const { title, items } of sections) {
      heading(3, title);
      for (const item of items) writeItem(item, `${name}: ${item.name}`);
    }
  }
  return { page: `${lines.join("\n").trimEnd()}\n`, problems };

  function writeItem({ name, symbol }, path) {
    heading(4, name);
    at = path;
    const declarations = symbol.declarations.filter((declaration) => !isNamesake(declaration, symbol));
    for (const declaration of declarations) lines.push(headline(declaration, name), "");
    const text = docOf(declarations);
    if (text === "") problems.push(`${path}: no docstring`);
    lines.push(...text.split("\n"), "");
    for (const declaration of declarations) writeMembers(declaration, path);
  }

  function writeMembers(declaration, path) {
    const members = new Map();
    for (const member of membersOf(declaration)) {
      const key = ts.isConstructorDeclaration(member) ? "constructor" : member.name.getText();
      members.set(key, [...(members.get(key) ?? []), member]);
    }
    for (const [name, group] of members) {
      const text = [docOf(group), ...group.map(docOfLiteral)].filter((each) => each !== "").join("\n\n");
      if (docOf(group) === "" && !group.every(isLiteral)) problems.push(`${path}.${name}: no docstring`);
      else if (isOption(group[0]) && !/default/i.test(text))
        problems.push(`${path}.${name}: the docstring does not say what its default is`);
      // One line is enough for a property with a getter and a setter.
      const shown = group.filter((member) => !ts.isSetAccessorDeclaration(member) || group.length === 1);
      lines.push(`- ${shown.map((member) => signature(member, name)).join("<br>\n  ")}`, "");
      if (text !== "") lines.push(...text.split("\n").map((line) => (line === "" ? "" : `  ${line}`)), "");
    }
  }

  /** A declaration as code with linked types. */
  function headline(declaration, name) {
    if (ts.isTypeAliasDeclaration(declaration) || ts.isFunctionDeclaration(declaration)) {
      return `<pre>${linked(declaration)
        .replace(/^export /, "")
        .replace("declare ", "")}</pre>`;
    }
    if (ts.isVariableDeclaration(declaration)) {
      const members = membersOf(declaration);
      return `<code>const ${members.length > 0 ? `<b>${name}</b>` : linked(declaration)}</code>`;
    }
    const kind = ts.isClassDeclaration(declaration) ? "class" : "interface";
    const parameters = declaration.typeParameters?.map((each) => linked(each)).join(", ");
    const from = [ts.SyntaxKind.ExtendsKeyword, ts.SyntaxKind.ImplementsKeyword].map((token) => {
      const types = basesOf(declaration, token).map((type) => linked(type));
      const word = token === ts.SyntaxKind.ExtendsKeyword ? "extends" : "implements";
      return types.length > 0 ? ` ${word} ${types.join(", ")}` : "";
    });
    return `<code>${kind} <b>${name}</b>${parameters ? `&lt;${parameters}&gt;` : ""}${from.join("")}</code>`;
  }

  function signature(member, name) {
    const text = linked(member).replace(/;$/, "");
    if (ts.isConstructorDeclaration(member)) return `<code><b>new</b> ${text.replace(/^constructor/, "")}</code>`;
    const bold = text.replace(escaped(name), `<b>${escaped(name)}</b>`);
    if (!ts.isGetAccessorDeclaration(member)) return `<code>${bold}</code>`;
    const isWritable = /** @type {ts.ClassDeclaration} */ (member.parent).members.some(
      (other) => ts.isSetAccessorDeclaration(other) && other.name.getText() === name,
    );
    return `<code>${bold.replace(/^get /, isWritable ? "" : "readonly ").replace("():", ":")}</code>`;
  }

  /** The text of a node on one line, without comments, with links to the types that are on the page. */
  function linked(node) {
    const source = node.getSourceFile();
    let text = "";
    let position = node.getStart(source, false);
    const copy = (end) => {
      text += escaped(source.text.slice(position, end).replaceAll(/\/\*[\s\S]*?\*\//g, ""));
      position = end;
    };
    const visit = (child) => {
      if (ts.isIdentifier(child) && isTypeName(child)) {
        const symbol = aliased(checker.getSymbolAtLocation(child));
        const target = targets.get(symbol);
        if (target !== undefined) {
          copy(child.getStart(source));
          position = child.getEnd();
          text += `<a href="#${target}">${child.text}</a>`;
        } else if (isOwn(symbol)) {
          problems.push(`${at}: ${child.text} is not exported`);
        }
      }
      ts.forEachChild(child, visit);
    };
    ts.forEachChild(node, visit);
    copy(node.getEnd());
    return text.replaceAll(/\s+/g, " ").replaceAll(/= \| /g, "= ").trim();
  }

  /** Follows imports, and constants that only give a class another name, to the symbol itself. */
  function aliased(symbol) {
    if (symbol === undefined) return symbol;
    if (symbol.flags & ts.SymbolFlags.Alias) return aliased(checker.getAliasedSymbol(symbol));
    const constant = symbol.declarations?.find(ts.isVariableDeclaration)?.type;
    const isName = constant !== undefined && ts.isTypeQueryNode(constant);
    return isName ? aliased(checker.getSymbolAtLocation(constant.exprName)) : symbol;
  }

  /** What a declaration extends or implements. A base that is not exported is replaced by its own bases. */
  function basesOf(declaration, token) {
    return (declaration.heritageClauses ?? [])
      .filter((clause) => clause.token === token)
      .flatMap(({ types }) => [...types])
      .flatMap((type) => (isHidden(type) ? declarationsOf(type).flatMap((base) => basesOf(base, token)) : [type]));
  }

  /** Whether a base is not exported. Its members are shown as those of the class. */
  function isHidden(type) {
    const symbol = aliased(checker.getSymbolAtLocation(type.expression));
    return !targets.has(symbol) && isOwn(symbol);
  }

  function declarationsOf(type) {
    return aliased(checker.getSymbolAtLocation(type.expression)).declarations;
  }

  /** Whether a type belongs to the package, not to a library or a type parameter. */
  function isOwn(symbol) {
    const declaration = symbol?.declarations?.[0];
    if (declaration === undefined || ts.isTypeParameterDeclaration(declaration)) return false;
    return (
      !program.isSourceFileFromExternalLibrary(declaration.getSourceFile()) &&
      !/node_modules/.test(declaration.getSourceFile().fileName)
    );
  }

  function membersOf(declaration) {
    if (ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)) {
      const inherited = (declaration.heritageClauses ?? [])
        .filter(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
        .flatMap(({ types }) => types.filter(isHidden))
        .flatMap((type) => declarationsOf(type).flatMap(membersOf));
      const own = declaration.members.filter((member) => !(member.name && ts.isPrivateIdentifier(member.name)));
      return [...own, ...inherited];
    }
    const { type } = declaration;
    if (!type || !ts.isTypeLiteralNode(type)) return [];
    return ts.isVariableDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration) ? [...type.members] : [];
  }
}

function sectionOf(symbol) {
  const path = symbol.declarations[0].getSourceFile().fileName;
  return /\/src\/([^/]+)\//.exec(path)?.[1] ?? "";
}

/** Groups symbols by folder. Values come before types, in the order of the entry. */
function inSections(found) {
  const order = Object.keys(SECTIONS);
  const folders = [...new Set(found.map(({ section }) => section))].sort(
    (a, b) => (order.indexOf(a) >>> 0) - (order.indexOf(b) >>> 0),
  );
  const isValue = ({ symbol }) => (symbol.flags & ts.SymbolFlags.Value) !== 0;
  return folders.map((folder) => {
    const items = found.filter(({ section }) => section === folder);
    return {
      title: SECTIONS[folder] ?? `${folder.slice(0, 1).toUpperCase()}${folder.slice(1)}`,
      items: [...items.filter(isValue), ...items.filter((item) => !isValue(item))],
    };
  });
}

/** Whether a declaration is the type with the name of a constant, for its values. */
function isNamesake(declaration, symbol) {
  return ts.isTypeAliasDeclaration(declaration) && (symbol.flags & ts.SymbolFlags.Variable) !== 0;
}

/** Whether a property has only one value, as in `type: "text"`. It needs no docstring. */
function isLiteral({ type }) {
  return type !== undefined && ts.isLiteralTypeNode(type);
}

/** Whether a property is an option that may be missing. Its docstring must say what happens then. */
function isOption({ parent, questionToken }) {
  return questionToken !== undefined && ts.isInterfaceDeclaration(parent) && /(Options|Limits)$/.test(parent.name.text);
}

function isTypeName({ parent }) {
  return (
    ts.isTypeReferenceNode(parent) ||
    ts.isExpressionWithTypeArguments(parent) ||
    ts.isTypeQueryNode(parent) ||
    ts.isQualifiedName(parent)
  );
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const TAGS = { throws: "Throws", returns: "Returns" };

/** The docstrings of a symbol's declarations, as Markdown. */
function docOf(declarations) {
  const texts = declarations
    .map((declaration) => {
      const holder = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
      const doc = holder.jsDoc?.at(-1);
      const union =
        ts.isTypeAliasDeclaration(declaration) && ts.isUnionTypeNode(declaration.type) ? declaration.type : undefined;
      const paragraphs = [unfolded(ts.getTextOfJSDocComment(doc?.comment) ?? "")];
      for (const tag of doc?.tags ?? []) {
        const text = unfolded(ts.getTextOfJSDocComment(tag.comment) ?? "");
        if (ts.isJSDocParameterTag(tag)) paragraphs.push(`\`${tag.name.getText()}\`: ${text}`);
        else if (TAGS[tag.tagName.text]) paragraphs.push(`${TAGS[tag.tagName.text]} ${text}`);
        else throw new Error(`A docstring has @${tag.tagName.text}, which this script does not know`);
      }
      if (union) paragraphs.push(membersOfUnion(union));
      return paragraphs.filter((text) => text !== "").join("\n\n");
    })
    .filter((text) => text !== "");
  return [...new Set(texts)].join("\n\n");
}

/** The docstrings of the properties of an unnamed object type, as a list. */
function docOfLiteral({ type }) {
  if (!type || !ts.isTypeLiteralNode(type)) return "";
  return type.members
    .map((member) => [member.name?.getText(), docOf([member])])
    .filter(([name, text]) => name !== undefined && text !== "")
    .map(([name, text]) => `- \`${name}\`: ${text}`)
    .join("\n");
}

/** The members of a union that have docstrings, as a list. */
function membersOfUnion({ types }) {
  const { text } = types[0].getSourceFile();
  const docs = types.map((type, i) => {
    // A comment may be before or after the bar, so it is between the previous member and this one.
    const between = text.slice(types[i - 1]?.end ?? type.getFullStart(), type.getStart());
    return (
      /\/\*\*([\s\S]*?)\*\//
        .exec(between)?.[1]
        ?.replaceAll(/\s*\n\s*\*\s*/g, " ")
        .trim() ?? ""
    );
  });
  if (docs.every((doc) => doc === "")) return "";
  return types.map((type, i) => `- \`${type.getText()}\`: ${docs[i]}`).join("\n");
}

/** Joins the lines of each paragraph, and keeps lists. */
function unfolded(text) {
  return text.trim().replaceAll(/([^\n])\n(?!\n|- )\s*/g, "$1 ");
}

/** The entries in `exports` of package.json that have types. */
export function entriesOf(root) {
  const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  return Object.entries(manifest.exports)
    .filter(([, target]) => target.types !== undefined)
    .map(([path, { types }]) => ({
      name: `${manifest.name}${path.slice(1)}`,
      file: `${root}${(types.import ?? types).slice(2)}`,
    }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const { page, problems } = apiPage(entriesOf(root));
  for (const problem of problems) console.error(problem);
  if (!process.argv.includes("--check")) {
    writeFileSync(`${root}docs/api.md`, page);
  } else if (readFileSync(`${root}docs/api.md`, "utf8") !== page) {
    console.error("docs/api.md is not what the docstrings say: run `npm run docs`");
    process.exitCode = 1;
  }
  if (problems.length > 0) process.exitCode = 1;
}
