// Invented messages of applications, the same in every run and different for each connection.

import { Random } from "./data.js";

const WORDS =
  `the of and to in is you that it he was for on are with as his they be at one have this from or had by hot but some what
there we can out other were all your when up use word how said an each she which do their time if will way about many then them would
write like so these her long make thing see him two has look more day could go come did my sound no most number who over know water than
call first people may down side been now find any new work part take get place made live where after back little only round man year came
show every good me give our under name very through just form much great think say help low line before turn cause same mean differ move
right boy old too does tell sentence set three want air well also play small end put home read hand port large spell add even land here
must big high such follow act why ask men change went light kind off need house picture try us again animal point mother world near build
self earth father head stand own page should country found answer school grow study still learn plant cover food sun four thought let keep
eye never last door between city tree cross since hard start might story saw far sea draw left late run press close night real life few
stop open seem together next white children begin got walk example ease paper often always music those both mark book letter until mile
river car feet care second group carry took rain eat room friend began idea fish mountain north once base hear horse cut sure watch color
face wood main enough plain girl usual young ready above ever red list though feel talk bird soon body dog family direct pose leave song
measure state product black short class wind question happen complete ship area half rock order fire south problem piece told knew pass
farm top whole king size heard best hour better true during hundred remember step early hold west ground interest reach fast five sing`.split(
    /\s+/,
  );

/** A random number from 0 up to, but not including, 1. */
const part = (random) => random.next() / 2 ** 32;

/** A word. The first words are the most frequent, as in a language. */
const word = (random) => WORDS[Math.floor(WORDS.length * part(random) * part(random))];

/** @param {Random} random @param {number} count */
const phrase = (random, count) => Array.from({ length: count }, () => word(random)).join(" ");

/** An event of an application, of about 675 bytes, with the same keys and different values each time. */
function event(random) {
  const items = Array.from({ length: 8 }, (_, i) => ({
    sku: `SKU-${random.below(1000)}`,
    qty: random.below(9),
    price: random.below(10_000) / 100,
    tags: ["x", "new", "sale"].slice(0, (i % 3) + 1),
  }));
  const id = random.below(1_000_000);
  const user = { name: `user${random.below(97)}`, email: `u${id}@example.org`, roles: ["a", "editor"] };
  return JSON.stringify({ type: "event", id, user, items, text: "lorem ipsum dolor sit amet ".repeat(3) + id });
}

/** A chat message of about 119 bytes, in half of the cases inside a JSON envelope. */
function chat(random) {
  const length = 50 + random.below(150);
  let text = word(random);
  while (text.length < length) text += (random.below(12) === 0 ? ", " : " ") + word(random);
  if (random.below(2) === 0) return `${text.slice(0, length)}.`;
  const sent = 1_700_000_000_000 + random.next();
  const body = text.slice(0, Math.max(10, length - 60));
  return JSON.stringify({ t: "msg", from: `u${random.below(40)}`, ts: sent, text: body });
}

/** Rows of a table, of at least `size` bytes, as an API returns them. */
function table(random, size) {
  const rows = [];
  for (let length = 40; length < size;) {
    const row = {
      id: random.next().toString(16) + random.next().toString(16),
      name: phrase(random, 2),
      active: random.below(2) === 1,
      score: random.below(100_000) / 100,
      created: new Date(1_600_000_000_000 + random.next() * 20).toISOString(),
      note: phrase(random, 3 + random.below(9)),
      tags: Array.from({ length: random.below(4) }, () => word(random)),
    };
    rows.push(row);
    length += JSON.stringify(row).length + 1;
  }
  return JSON.stringify({ ok: true, total: rows.length, rows });
}

/** Functions that make one text, by corpus name. */
const CORPORA = {
  json675: event,
  chat,
  json1k: (random) => table(random, 900),
  json4k: (random) => table(random, 3900),
  json1m: (random) => table(random, 1_048_576),
};

/** @typedef {keyof typeof CORPORA} Corpus */

/**
 * The texts for one connection.
 * @param {Corpus} corpus
 * @param {number} count
 * @param {number} connection each number gives different texts
 * @returns {Buffer[]} as UTF-8
 */
export function texts(corpus, count, connection = 0) {
  // Multiplying by an odd number gives unrelated seeds.
  const random = new Random(Math.imul(connection + 1, 0x9e3779b1) || 1);
  // The first numbers of a xorshift resemble its seed.
  for (let i = 0; i < 16; i++) random.next();
  return Array.from({ length: count }, () => Buffer.from(CORPORA[corpus](random)));
}
