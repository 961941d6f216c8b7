/** A file that cannot be inspected. The message says why and goes after its name, on one line. */
export class InputError extends Error {
  override readonly name: string = "InputError";
}
