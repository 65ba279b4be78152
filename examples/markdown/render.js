import { marked } from "marked";

/** Renders one file as a page; it runs in a thread. */
export function render({ name, text }) {
  const title = /^# (.+)$/m.exec(text)?.[1] ?? name;
  const html = `<!doctype html><meta charset="utf-8"><title>${escaped(title)}</title>${marked.parse(text)}`;
  return { name, title, html };
}

const escaped = (text) => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
