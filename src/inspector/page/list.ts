// A long list of which only the visible rows exist.

import { make } from "./dom.ts";

/** The content of a list. */
export interface ListSource {
  readonly length: number;
  /** Fills a row. It may have shown another entry before. */
  render(row: HTMLElement, index: number): void;
}

/** Height of a row in pixels, as in the style sheet. */
const ROW_HEIGHT = 28;
/** How many extra rows exist above and below the visible ones. */
const SPARE = 8;

/**
 * A listbox: one stop of the Tab key, with arrow keys to select. Rows are created as they come into view, so that the length of
 * the list costs nothing.
 */
export class FrameList {
  readonly element: HTMLElement;
  readonly #rows: HTMLElement = make("div", { class: "rows", role: "presentation" });
  readonly #onSelect: (index: number) => void;
  readonly #onFollow: (follow: boolean) => void;
  #source: ListSource;
  /** The existing rows, by index. */
  #shown = new Map<number, HTMLElement>();
  readonly #unused: HTMLElement[] = [];
  #selected = -1;
  #scheduled = false;
  #stale = true;
  #follow = true;
  #length = -1;
  /** Scroll position when the list was last drawn, in pixels. */
  #top = 0;

  /**
   * @param onSelect called when the user has selected a row
   * @param onFollow called with false when the user has scrolled or selected, so that the list no longer follows its end
   */
  constructor(
    element: HTMLElement,
    label: string,
    source: ListSource,
    onSelect: (index: number) => void,
    onFollow: (follow: boolean) => void,
  ) {
    this.element = element;
    this.#source = source;
    this.#onSelect = onSelect;
    this.#onFollow = onFollow;
    element.setAttribute("role", "listbox");
    element.setAttribute("aria-label", label);
    element.tabIndex = 0;
    element.append(this.#rows);
    element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    element.addEventListener("keydown", (event) => this.#pressed(event));
    element.addEventListener("click", (event) => {
      const row = (event.target as Element).closest<HTMLElement>("[role=option]");
      if (row) this.#choose(Number(row.dataset["index"]));
    });
    new ResizeObserver(() => this.update()).observe(element);
  }

  get selected(): number {
    return this.#selected;
  }

  /** Whether the list stays scrolled to its end as it grows. */
  set follow(follow: boolean) {
    this.#follow = follow;
    this.update();
  }

  /** Shows other content, with nothing selected. */
  set source(source: ListSource) {
    this.#source = source;
    this.#selected = -1;
    this.#length = -1;
    this.element.scrollTop = 0;
    this.refresh();
  }

  /** Draws new rows before the next repaint. */
  update(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  /** Like update(), but also draws existing rows again. */
  refresh(): void {
    this.#stale = true;
    this.update();
  }

  /** Selects a row and scrolls it into view. Does not call onSelect. */
  select(index: number): void {
    this.#selected = index;
    // A following list shows its end instead.
    if (index >= 0 && !this.#follow) this.#reveal(index);
    this.refresh();
  }

  #choose(index: number): void {
    const last = this.#source.length - 1;
    if (last < 0) return;
    const chosen = Math.min(Math.max(index, 0), last);
    if (chosen < last) this.#stopFollowing();
    this.select(chosen);
    this.#onSelect(chosen);
  }

  #stopFollowing(): void {
    if (!this.#follow) return;
    this.#follow = false;
    this.#onFollow(false);
  }

  #reveal(index: number): void {
    const { scrollTop, clientHeight } = this.element;
    // The list may have grown since it was last drawn.
    this.#stretch();
    const top = index * ROW_HEIGHT;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + ROW_HEIGHT > scrollTop + clientHeight) this.element.scrollTop = top + ROW_HEIGHT - clientHeight;
  }

  #pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW_HEIGHT) - 1);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.#choose(this.#selected < 0 && step === -1 ? 0 : this.#selected + step);
  }

  #scrolled(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    const atEnd = scrollTop + clientHeight >= scrollHeight - ROW_HEIGHT;
    // New rows and a smaller list also move the end away, but only the user scrolls up.
    if (this.#follow && !atEnd && scrollTop < this.#top) this.#stopFollowing();
    this.update();
  }

  #stretch(): void {
    if (this.#length === this.#source.length) return;
    this.#length = this.#source.length;
    this.#rows.style.height = `${this.#length * ROW_HEIGHT}px`;
  }

  #draw(): void {
    const grown = this.#length !== this.#source.length;
    this.#stretch();
    const { element } = this;
    // Also if it has not grown: the list itself may have become smaller.
    if (this.#follow) element.scrollTop = element.scrollHeight;
    this.#top = element.scrollTop;
    const first = Math.max(0, Math.floor(element.scrollTop / ROW_HEIGHT) - SPARE);
    const end = Math.min(this.#length, Math.ceil((element.scrollTop + element.clientHeight) / ROW_HEIGHT) + SPARE);
    for (const [index, row] of this.#shown) {
      if (index >= first && index < end) continue;
      this.#shown.delete(index);
      this.#unused.push(row);
    }
    for (let index = first; index < end; index++) {
      let row = this.#shown.get(index);
      if (row !== undefined && !this.#stale && !grown) continue;
      if (row === undefined) {
        row = this.#unused.pop() ?? this.#rows.appendChild(make("div", { class: "entry", role: "option" }));
        this.#shown.set(index, row);
        this.#place(row, index);
      } else if (this.#stale) {
        this.#place(row, index);
      }
      row.setAttribute("aria-setsize", String(this.#length));
    }
    for (const row of this.#unused.splice(0)) row.remove();
    this.#stale = false;
    if (this.#shown.has(this.#selected)) element.setAttribute("aria-activedescendant", `entry-${this.#selected}`);
    else element.removeAttribute("aria-activedescendant");
  }

  #place(row: HTMLElement, index: number): void {
    row.id = `entry-${index}`;
    row.dataset["index"] = String(index);
    row.style.transform = `translateY(${index * ROW_HEIGHT}px)`;
    row.setAttribute("aria-posinset", String(index + 1));
    row.setAttribute("aria-selected", String(index === this.#selected));
    this.#source.render(row, index);
  }
}
