// How much memory all connections of the thread hold of what they have sent.

/** What one connection holds, in bytes. */
export interface Account {
  bytes: number;
}

let total = 0;

/** Connections that nobody has ended, and nobody refers to. Not all runtimes tell of them. */
let forgotten: FinalizationRegistry<Account> | undefined;

/** An account that is emptied when its owner is garbage, if not before. @internal */
export function openAccount(owner: object): Account {
  const account = { bytes: 0 };
  if (typeof FinalizationRegistry === "function") {
    forgotten ??= new FinalizationRegistry((lost) => charge(lost, 0));
    forgotten.register(owner, account);
  }
  return account;
}

/** Sets what an account holds. @internal */
export function charge(account: Account, bytes: number): void {
  total += bytes - account.bytes;
  account.bytes = bytes;
}

/** Whether an account may hold this many bytes without all of them exceeding `budget`. @internal */
export function affords(account: Account | undefined, bytes: number, budget: number): boolean {
  return total - (account?.bytes ?? 0) + bytes <= budget;
}
