// Counts the memory of all compression contexts of a thread.

/** The memory of one connection's context, in bytes. */
export interface Account {
  bytes: number;
}

let total = 0;

/** Clears the accounts of garbage-collected connections that were never ended. Not all runtimes support this. */
let forgotten: FinalizationRegistry<Account> | undefined;

/** Opens an account. It is cleared when its owner is garbage-collected, if not before. @internal */
export function openAccount(owner: object): Account {
  const account = { bytes: 0 };
  if (typeof FinalizationRegistry === "function") {
    forgotten ??= new FinalizationRegistry((lost) => charge(lost, 0));
    forgotten.register(owner, account);
  }
  return account;
}

/** Sets the memory of an account. @internal */
export function charge(account: Account, bytes: number): void {
  total += bytes - account.bytes;
  account.bytes = bytes;
}

/** Whether an account may hold this many bytes without all accounts exceeding `budget`. @internal */
export function affords(account: Account | undefined, bytes: number, budget: number): boolean {
  return total - (account?.bytes ?? 0) + bytes <= budget;
}
