/** A file that cannot be read as a stream. The message is one line that says why. */
export class InputError extends Error {
  override readonly name: string = "InputError";
}
