/** Runs cases one after another. What each returns, or why it does not: one that fails does not keep the others from running. */
export async function each(cases) {
  const found = {};
  for (const [name, run] of Object.entries(cases)) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("nothing came of it in 10 s")), 10_000);
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
