// Small helpers for elements.

/** The element with this `data-part`, below `root`. */
export function part<Element extends HTMLElement = HTMLElement>(root: ParentNode, name: string): Element {
  const found = root.querySelector<Element>(`[data-part="${name}"]`);
  if (!found) throw new Error(`The page has no part "${name}"`);
  return found;
}

export function create<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Sets text only if it is another one: what did not change is not laid out again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Paints the part of a slider's track that lies before its thumb, for engines that cannot. */
export function fillTrack(range: HTMLInputElement): void {
  const [least, most] = [Number(range.min), Number(range.max)];
  range.style.setProperty("--fill", `${(100 * (Number(range.value) - least)) / (most - least)}%`);
}

/** Shows on a button for a moment what came of it. */
export function answer(button: HTMLButtonElement, text: string): void {
  button.dataset["usual"] ??= button.textContent ?? "";
  const usual = button.dataset["usual"];
  button.textContent = text;
  setTimeout(() => {
    button.textContent = usual;
  }, 1600);
}

export async function copyText(button: HTMLButtonElement, text: string, otherwise: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    answer(button, "Copied");
  } catch {
    answer(button, otherwise);
  }
}
