/** Runs cases one after another and collects their results or errors. A failing case does not stop the others. */
export async function each(cases) {
  const found = {};
  for (const [name, run] of Object.entries(cases)) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("no result within 10 s")), 10_000);
    });
    try {
      found[name] = await Promise.race([run(), late]);
    } catch (error) {
      found[name] = { failed: `${error?.stack ?? error}` };
    }
    clearTimeout(timer);
  }
  return found;
}
