// Files that are dropped on the page, wherever that is.

/** Calls `open` with the files that are dropped; of a folder its files. `shade` is shown while they are above the page. */
export function acceptDrops(shade: HTMLElement, open: (files: readonly File[]) => void): void {
  let depth = 0;
  const show = (): void => {
    shade.hidden = depth <= 0;
  };
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") === true;
  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth++;
    show();
  });
  document.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth--;
    show();
  });
  document.addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    show();
    // They are there during the event only.
    const found = [...event.dataTransfer!.items].map((item) => filesOf(item.webkitGetAsEntry(), item.getAsFile()));
    void Promise.all(found).then((files) => open(files.flat()));
  });
}

async function filesOf(entry: FileSystemEntry | null, file: File | null): Promise<File[]> {
  if (!entry?.isDirectory) return file ? [file] : [];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
  const streams = entries.filter(({ isFile, name }) => isFile && name.endsWith(".bin")) as FileSystemFileEntry[];
  return Promise.all(streams.map((each) => new Promise<File>((resolve, reject) => each.file(resolve, reject))));
}
