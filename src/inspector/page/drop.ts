// Accepts files that are dropped anywhere on the page.

/** Calls `open` with dropped files, or with the .bin files in a dropped folder. Shows `shade` while files are dragged over the page. */
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
    // The items are available only during the event.
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
