import { createElement as h } from "react";
import { renderToString } from "react-dom/server";

function Row({ number }) {
  return h("tr", null, h("td", null, number), h("td", null, number ** 2));
}

function Page({ rows }) {
  const numbers = Array.from({ length: rows }, (_, n) => h(Row, { key: n, number: n }));
  return h(
    "html",
    null,
    h("body", null, h("h1", null, `${rows} rows`), h("table", null, h("tbody", null, numbers))),
  );
}

/** The whole page as HTML; it runs in a thread. */
export function renderPage(props) {
  return `<!doctype html>${renderToString(h(Page, props))}`;
}
