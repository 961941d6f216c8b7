export function findBroken(folder: string, base?: string): { page: string; link: string; why: string }[];
