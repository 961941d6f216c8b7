// Message streams of several kinds, the same in every run.

import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Random } from "../../support/random.ts";

const WORDS = (
  "the of and to in is you that it he was for on are with as his they be at one have this from or had by hot but some what there we can out other " +
  "were all your when up use word how said an each she which do their time if will way about many then them would write like these her long make " +
  "thing see him two has look more day could go come did my sound no most number who over know water than call first people may down side been now " +
  "find any new work part take get place made live where after back little only round man year came show every good me give our under name very " +
  "through just form much great think say help low line before turn cause same mean differ move right boy old too does tell sentence set three want " +
  "air well also play small end put home read hand port large spell add even land here must big high such follow act why ask men change went light " +
  "kind off need house picture try us again animal point mother world near build self earth father head stand own page should country found answer " +
  "school grow study still learn plant cover food sun four thought let keep eye never last door between city tree cross since hard start might " +
  "story saw far sea draw left late run press close night real life few stop open seem together next white children begin got walk example ease " +
  "paper often always music those both mark book letter until mile river car feet care second group carry took rain eat room friend began idea fish"
).split(" ");

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A word. Common ones are more frequent. */
const word = (random: Random): string => WORDS[Math.floor(WORDS.length * random.next() * random.next())]!;
const words = (random: Random, count: number): string => Array.from({ length: count }, () => word(random)).join(" ");

/** JSON of 675 bytes: similar events. */
function events(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) =>
    encode(
      JSON.stringify({
        type: "event",
        id: i * 7919,
        user: {
          name: `user${(i * 31) % 97}`,
          email: `u${i}@example.org`,
          roles: ["a", "b", i % 3 ? "editor" : "admin"],
        },
        items: Array.from({ length: 8 }, (_, k) => ({
          sku: `SKU-${(i * 13 + k * 7) % 1000}`,
          qty: (i + k) % 9,
          price: ((i * 37 + k * 11) % 10_000) / 100,
          tags: ["x", "new", "sale"].slice(0, (k % 3) + 1),
        })),
        text: `${"lorem ipsum dolor sit amet ".repeat(3)}${i}`,
      }),
    ),
  );
}

/** Texts of 119 bytes on average, half of them in JSON. */
function chat(random: Random, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const length = random.integer(50, 200);
    let text = word(random);
    while (text.length < length) text += (random.chance(0.08) ? ", " : " ") + word(random);
    if (random.chance(0.5)) return encode(text.slice(0, length) + (random.chance(0.3) ? "!" : "."));
    const at = 1_700_000_000_000 + random.integer(0, 1e10);
    return encode(
      JSON.stringify({
        t: "msg",
        from: `u${random.integer(0, 39)}`,
        ts: at,
        text: text.slice(0, Math.max(10, length - 60)),
      }),
    );
  });
}

/** JSON of about `size` bytes: rows of a table. */
function rows(random: Random, count: number, size: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const rows: string[] = [];
    for (let total = 0; total < size; total += rows.at(-1)!.length + 1) {
      rows.push(
        JSON.stringify({
          id: random.integer(0, 2 ** 30).toString(16) + random.integer(0, 2 ** 30).toString(16),
          name: words(random, 2),
          active: random.chance(0.5),
          score: random.integer(0, 100_000) / 100,
          created: new Date(1.6e12 + random.integer(0, 1e11)).toISOString(),
          note: words(random, random.integer(3, 11)),
          tags: Array.from({ length: random.integer(0, 3) }, () => word(random)),
        }),
      );
    }
    return encode(`{"ok":true,"rows":[${rows.join(",")}]}`);
  });
}

/** Pages of 3,000 bytes. */
function html(random: Random, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    let page = "";
    while (page.length < 3000) {
      const id = random.integer(0, 1e6);
      const tags = ["news", "sport", "music", "art"].filter(() => random.chance(0.5));
      page += `<article class="post ${random.chance(0.3) ? "featured" : "plain"}" id="p${id}">
  <header><h2><a href="/posts/${id}/${words(random, 3).replaceAll(" ", "-")}">${words(random, 6)}</a></h2></header>
  <p>${words(random, random.integer(10, 40))}</p>
  <ul class="tags">${tags.map((tag) => `<li><a href="/tag/${tag}">${tag}</a></li>`).join("")}</ul>
</article>
`;
    }
    return encode(page);
  });
}

/** Only a part of the executable, because it is large. */
function machineCode(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const file = openSync(process.execPath, "r");
  readSync(file, bytes, 0, length, 30_000_000);
  closeSync(file);
  return bytes;
}

function pieces(bytes: Uint8Array, piece: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / piece) }, (_, i) => bytes.subarray(i * piece, (i + 1) * piece));
}

/** Measured values as float32. */
function floats(random: Random, count: number): Uint8Array[] {
  let value = 0;
  return Array.from({ length: count }, () => {
    const values = Float32Array.from({ length: 500 }, () => {
      value += random.next() - 0.5;
      return Math.round(value * 100) / 100;
    });
    return new Uint8Array(values.buffer);
  });
}

function runs(random: Random, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const bytes = new Uint8Array(2500);
    for (let at = 0; at < bytes.length;) {
      const length = 1 + Math.floor(random.next() ** 3 * 3000);
      bytes.fill(random.integer(0, 5), at, at + length);
      at += length;
    }
    return bytes;
  });
}

const minified = fileURLToPath(new URL("../../../node_modules/pako/dist/browser/pako.umd.min.js", import.meta.url));

/** Streams of messages by kind, each of about `size` bytes. */
export function streams(size: number): Record<string, Uint8Array[]> {
  const random = new Random(7692);
  return {
    events: events(size / 675),
    chat: chat(random, size / 119),
    "json of 4 KB": rows(random, size / 4000, 3900),
    "json of 16 KB": rows(random, Math.ceil(size / 16_000), 15_700),
    html: html(random, size / 3000),
    "minified JavaScript": pieces(readFileSync(minified).subarray(0, size), 8000),
    "machine code": pieces(machineCode(size), 5000),
    floats: floats(random, size / 2000),
    random: Array.from({ length: size / 2000 }, () => random.bytes(1000)),
    runs: runs(random, size / 2500),
  };
}
